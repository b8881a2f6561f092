from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.experiment import SplitConfig
from riskml.data.split import split
from riskml.errors import DataError


def outcomes(events: int, others: int, seed: int = 0) -> pd.Series:
    y = np.random.default_rng(seed).permutation([1] * events + [0] * others)
    return pd.Series(y, index=[f"c{i}" for i in range(len(y))], name="y")


@given(
    events=st.integers(20, 60),
    others=st.integers(20, 200),
    folds=st.integers(2, 6),
    share=st.floats(0.1, 0.5),
    seed=st.integers(0, 99),
)
def test_parts_and_folds_share_rows_and_events_evenly(events: int, others: int, folds: int, share: float, seed: int):
    y = outcomes(events, others)
    found = split(y, None, SplitConfig(folds=folds, test_share=share, seed=seed))
    assert found.index.equals(y.index)
    assert set(found["part"]) == {"train", "test"}
    assert ((found["fold"] == -1) == (found["part"] == "test")).all()
    test = found["part"] == "test"
    assert abs(int(y[test].sum()) - share * events) <= 0.5
    assert abs(int(test.sum()) - share * len(y)) <= 1
    train = pd.DataFrame({"fold": found["fold"], "y": y})[~test]
    assert set(train["fold"]) == set(range(folds))
    rows, positives = train.groupby("fold").size(), train.groupby("fold")["y"].sum()
    assert rows.max() - rows.min() <= 1
    assert positives.max() - positives.min() <= 1


def test_the_same_seed_gives_the_same_split_and_another_one_another():
    y = outcomes(40, 160)
    pd.testing.assert_frame_equal(split(y, None, SplitConfig(seed=1)), split(y, None, SplitConfig(seed=1)))
    assert not split(y, None, SplitConfig(seed=1)).equals(split(y, None, SplitConfig(seed=2)))


def test_the_split_of_a_seed_never_changes():
    # A change of these rows makes every earlier run irreproducible.
    found = split(pd.Series([0, 1] * 10), None, SplitConfig(seed=7, folds=2))
    assert (
        "".join("T" if part == "test" else str(fold) for part, fold in found.itertuples(index=False))
        == "T1100T101T110101T000"
    )


def test_folds_do_not_depend_on_labels_of_rows():
    y = outcomes(40, 160)
    assert (
        split(y, None, SplitConfig()).to_numpy().tolist()
        == split(y.reset_index(drop=True), None, SplitConfig()).to_numpy().tolist()
    )


def test_out_of_time_rows_begin_on_the_given_day():
    dates = pd.Series(pd.date_range("2024-01-01", periods=100))
    y = pd.Series([0, 1] * 50)
    found = split(y, dates, SplitConfig(kind="out_of_time", from_date=dt.date(2024, 3, 1)))
    assert (found["part"] == np.where(dates < "2024-03-01", "train", "oot")).all()
    assert (found.loc[found["part"] == "oot", "fold"] == -1).all()


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2023-12-31", "train rows hold 0 events"),
        ("2024-01-05", "train rows hold 2 events; at least 5 are needed"),
        ("2025-01-01", "oot rows hold 0 events"),
    ],
)
def test_a_day_that_leaves_a_part_without_both_outcomes_is_refused(day: str, says: str):
    dates = pd.Series(pd.date_range("2024-01-01", periods=100))
    config = SplitConfig(kind="out_of_time", from_date=dt.date.fromisoformat(day))
    with pytest.raises(DataError, match=says) as caught:
        split(pd.Series([0, 1] * 50), dates, config)
    assert caught.value.where == f"split.from_date {day}"


def test_out_of_time_needs_dates():
    with pytest.raises(DataError, match="needs as-of dates"):
        split(pd.Series([0, 1] * 50), None, SplitConfig(kind="out_of_time", from_date=dt.date(2024, 3, 1)))


def test_too_few_events_for_the_folds_are_refused():
    with pytest.raises(DataError, match="train rows hold 4 events; at least 5 are needed"):
        split(outcomes(5, 100), None, SplitConfig())


def test_no_event_among_the_test_rows_is_refused():
    with pytest.raises(DataError, match="test rows hold 0 events"):
        split(outcomes(9, 100), None, SplitConfig(test_share=0.05))


@pytest.mark.parametrize("kind", ["stratified", "out_of_time"])
def test_rows_of_one_customer_stay_in_one_fold(kind):
    rng = np.random.default_rng(7)
    customer = pd.Series(rng.integers(0, 200, 1000))
    y = pd.Series(rng.random(1000) < 0.2).astype(int)
    dates = pd.Series(pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 365, 1000), unit="D"))
    config = SplitConfig(kind=kind, folds=4, from_date="2021-10-01" if kind == "out_of_time" else None)
    found = split(y, dates, config, customer)
    train = found[found["part"] == "train"]
    assert (train.groupby(customer)["fold"].nunique() == 1).all()
    assert train["fold"].value_counts().min() > 0.15 * len(train)
    if kind == "stratified":
        assert (found["part"].groupby(customer).nunique() == 1).all()


def test_customers_of_one_row_each_are_split_as_rows_are():
    y = pd.Series(np.random.default_rng(7).random(300) < 0.3).astype(int)
    each = pd.Series(range(300))
    pd.testing.assert_frame_equal(split(y, None, SplitConfig(), each), split(y, None, SplitConfig()))
