"""The table of an experiment on dated records: what a model may learn from, and what is there to be scored."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.errors import ConfigError, DataError, InputError
from riskml.features.training_table import embargoed, experiment_panel, experiment_table, write_portfolio


@pytest.fixture(scope="module")
def purchases(tmp_path_factory):
    """Return a file of the purchases of 200 customers in 2021, of whom the even ones buy every month."""
    days = pd.date_range("2021-01-01", "2021-12-31", freq="D")
    rng = np.random.default_rng(7)
    rows = [(customer, days[rng.integers(0, 365)], 10.0) for customer in range(200) for _ in range(2)]
    rows += [(customer, pd.Timestamp(2021, month, 15), 5.0) for customer in range(0, 200, 2) for month in range(1, 13)]
    file = tmp_path_factory.mktemp("shop") / "orders.parquet"
    pd.DataFrame(rows, columns=["customer", "day", "amount"]).to_parquet(file)
    return file


@pytest.fixture
def asked(purchases):
    """Return an experiment on them: as-of dates every month, 60 days of outcome, out of time from October on."""

    def made(**panel):
        said = {
            "tables": {"orders": {"role": "purchases", "source": str(purchases), "time": "day", "amount": "amount"}},
            "as_of": {"every": "month", "first": "2021-05-01", "last": "2021-10-01"},
            "windows": [30, 90],
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 60},
        } | panel
        split = {"kind": "out_of_time", "from_date": "2021-10-01", "folds": 2}
        return Experiment.model_validate(
            {"name": "shop", "title": "?", "task": "churn", "panel": said, "data": {}, "split": split}
        )

    return made


@pytest.fixture
def table(asked, tmp_path):
    return experiment_table(asked(), experiment_panel(asked(), tmp_path))


def test_a_row_is_named_by_its_customer_and_its_date(table):
    assert table["row"].is_unique
    assert table.loc[0, "row"] == f"{table.loc[0, 'customer']} 2021-05-01"


def test_what_was_not_known_on_the_first_day_out_of_time_is_not_learnt_from(table):
    """The outcomes of September and of 2 August are read up to 31 October and 30 September."""
    assert sorted(table["as_of"].dt.strftime("%m-%d").unique()) == ["05-01", "06-01", "07-01", "08-01", "10-01"]


def test_without_a_split_by_time_every_date_stays(asked):
    chance = asked().model_copy(update={"split": asked().split.model_copy(update={"kind": "stratified"})})
    dates = pd.Series(pd.to_datetime(["2021-09-01", "2021-10-01"]))
    assert not embargoed(chance, dates).any()
    assert embargoed(asked(), dates).tolist() == [True, False]


def test_the_panel_says_what_its_columns_are(asked):
    data = asked().data
    assert (data.target, data.id, data.date, data.group, data.source) == ("outcome", "row", "as_of", "customer", "shop")


def test_what_the_panel_says_is_not_said_again(asked):
    said = asked().model_dump(mode="json")
    said["data"] = {"target": "churned"}
    with pytest.raises(ValueError, match=r"data\.target: omit it"):
        Experiment.model_validate(said)


def test_an_experiment_with_a_panel_survives_its_own_yaml(asked, tmp_path):
    from riskml.config.experiment import read_experiment

    file = tmp_path / "shop.yaml"
    file.write_text(asked().to_yaml(), encoding="utf-8")
    assert read_experiment(file) == asked()


def test_a_panel_that_is_there_is_read_and_not_built_again(asked, tmp_path):
    first = experiment_panel(asked(), tmp_path)
    stamps = [file.stat().st_mtime_ns for file in first.files]
    again = experiment_panel(asked(), tmp_path)
    assert [file.stat().st_mtime_ns for file in again.files] == stamps
    pd.testing.assert_frame_equal(again.dates, first.dates)
    pd.testing.assert_frame_equal(again.remarks, first.remarks)
    assert again.coverage.to_frame().equals(first.coverage.to_frame())


def test_a_book_to_score_has_the_features_of_the_panel_on_that_day(asked, tmp_path, table):
    rows = write_portfolio(asked(), "2021-10-01", tmp_path, tmp_path / "book.parquet")
    book = pd.read_parquet(tmp_path / "book.parquet").set_index("customer")
    then = table[table["as_of"] == "2021-10-01"].set_index("customer")
    assert rows == len(book) >= len(then)
    assert "outcome" not in book
    features = [name for name in book if name.startswith("orders_")]
    pd.testing.assert_frame_equal(book.loc[then.index, features], then[features])


def test_a_book_needs_no_outcome_to_come(asked, tmp_path):
    assert write_portfolio(asked(), "2021-12-31", tmp_path, tmp_path / "book.csv") == 200
    assert pd.read_csv(tmp_path / "book.csv")["as_of"].unique().tolist() == ["2021-12-31"]


@pytest.mark.parametrize(
    ("as_of", "out", "error", "message"),
    [
        ("tomorrow", "a.csv", InputError, "2024-07-01"),
        ("2021-10-01", "a.xlsx", InputError, r"\.csv or \.parquet"),
        ("2001-10-01", "a.csv", DataError, "no customer is eligible"),
    ],
)
def test_a_book_that_cannot_be_made_is_refused(asked, tmp_path, as_of, out, error, message):
    with pytest.raises(error, match=message):
        write_portfolio(asked(), as_of, tmp_path, tmp_path / out)


def test_an_experiment_without_a_panel_has_no_book_of_a_day(tmp_path):
    said = {"name": "a", "title": "?", "task": "default", "data": {"source": "x.csv", "target": "bad"}}
    with pytest.raises(ConfigError, match="scored directly"):
        write_portfolio(Experiment.model_validate(said), str(dt.date(2021, 1, 1)), tmp_path, tmp_path / "a.csv")
