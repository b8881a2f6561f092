"""Past books, and what became of their customers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from riskml.config.warning import WarningRules
from riskml.errors import DataError
from riskml.warning.replay import event_dates, outcomes_of_panel, panel_portfolios, prepare_replay

from .conftest import FEBRUARY, JANUARY, MARCH, book_of


def test_a_panels_folder_is_read_by_date_and_scored(tmp_path: Path) -> None:
    for day, delay in ((FEBRUARY, 2), (JANUARY, 1)):
        book_of(a=(delay, 0.0)).to_parquet(tmp_path / f"as_of={day}.parquet")
    books = list(panel_portfolios(tmp_path, lambda frame: pd.DataFrame({"probability": frame["days_late"] / 10})))
    assert [(day, frame["probability"].tolist()) for day, frame in books] == [(JANUARY, [0.1]), (FEBRUARY, [0.2])]


def test_a_folder_without_a_panel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no as-of date"):
        list(panel_portfolios(tmp_path))
    (tmp_path / "as_of=soon.parquet").touch()
    with pytest.raises(DataError, match="has no date"):
        list(panel_portfolios(tmp_path))


def test_dates_must_rise(rules: WarningRules) -> None:
    book = book_of(a=(1, 0.1))
    with pytest.raises(DataError, match="2024-01-01 follows 2024-02-01"):
        prepare_replay(rules, [(FEBRUARY, book), (JANUARY, book)])


def test_a_change_knows_the_dates_before_the_part_that_is_looked_at(rules: WarningRules) -> None:
    books = [(day, book_of(a=(0, p))) for day, p in ((JANUARY, 0.1), (FEBRUARY, 0.2), (MARCH, 0.4))]
    later = prepare_replay(rules, books).between(first=MARCH)
    assert later.measures[0].loc["a", "score"] == pytest.approx(0.2)


def test_of_several_events_of_a_customer_the_first_counts() -> None:
    frame = pd.DataFrame({"customer": ["a", "a", "b"], "date": ["2024-03-01", "2024-02-01", "2024-01-15"]})
    found = event_dates(frame, "customer", "date", None)
    assert found.dates["a"] == pd.Timestamp("2024-02-01")
    assert found.until == dt.date(2024, 2, 2)
    assert list(found.before(FEBRUARY).dates.index) == ["b"]


def test_an_event_without_a_day_is_refused() -> None:
    frame = pd.DataFrame({"customer": ["a"], "date": ["soon"]})
    with pytest.raises(DataError, match="'soon' is not a date"):
        event_dates(frame, "customer", "date", None)


def test_a_panels_own_outcome_stands_for_the_day_it_was_last_ahead() -> None:
    books = [
        (JANUARY, book_of(a=(1, 0.1), b=(1, 0.1)).assign(outcome=[1, 0])),
        (FEBRUARY, book_of(a=(1, 0.1), b=(1, 0.1)).assign(outcome=[1, 0])),
    ]
    found = outcomes_of_panel(books)
    assert found.dates.to_dict() == {"a": pd.Timestamp(FEBRUARY)}
    assert not found.exact
