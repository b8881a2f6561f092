"""The customers of a month, and what is known of their outcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.errors import InputError
from riskml.monitoring import read_snapshot, snapshot_of

from .conftest import experiment_of

ASKED = experiment_of(Path("loans.csv"))
DATED = ASKED.model_copy(update={"data": ASKED.data.model_copy(update={"date": "day"})})
BOOK = pd.DataFrame({"customer": ["a", "b", "c"], "debt": [1.0, 2.0, 3.0]})


def outcomes(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"customer": ["c", "a"], "bad": [1, 0]} | columns)


def test_a_blank_outcome_is_not_known_yet() -> None:
    book = snapshot_of(BOOK.assign(bad=["1", "", "0"]), ASKED)
    assert book.outcome.tolist()[::2] == [1.0, 0.0]
    assert book.known == 2


def test_a_month_without_an_event_is_a_month() -> None:
    assert snapshot_of(BOOK.assign(bad=0), ASKED).outcome.tolist() == [0, 0, 0]


def test_outcomes_are_joined_by_customer_whatever_their_order() -> None:
    book = snapshot_of(BOOK, ASKED, outcomes=outcomes())
    assert book.outcome.fillna(-1).tolist() == [0, -1, 1]


def test_numbers_and_their_text_name_the_same_customer() -> None:
    book = snapshot_of(BOOK.assign(customer=[1, 2, 3]), ASKED, outcomes=outcomes(customer=["3", "1"]))
    assert book.outcome.fillna(-1).tolist() == [0, -1, 1]


def test_outcomes_are_joined_by_date_as_well_where_customers_have_several_rows() -> None:
    rows = pd.DataFrame({"customer": ["a", "a"], "debt": [1.0, 2.0], "day": ["2026-01-01", "2026-02-01"]})
    said = pd.DataFrame({"customer": ["a", "a"], "day": ["2026-02-01", "2026-01-01"], "bad": [1, 0]})
    book = snapshot_of(rows, DATED, outcomes=said)
    assert book.outcome.tolist() == [0, 1]
    assert book.duplicates == 0
    assert str(book.day()) == "2026-02-01"


def test_customers_without_a_name_go_by_row_number_and_are_not_followed() -> None:
    book = snapshot_of(BOOK.drop(columns="customer"), ASKED)
    assert book.customer.tolist() == ["0", "1", "2"]
    assert not book.named


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (outcomes().drop(columns="bad"), "the outcomes have no column 'bad'"),
        (outcomes(customer=["c", "c"]), "1 customers have two outcomes: 'c'"),
        (outcomes(customer=["x", "y"]), "no customer of the portfolio is among the outcomes, such as 'x'"),
        (outcomes(bad=["paid", "late"]), "no outcome is the event 1"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused(said: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        snapshot_of(BOOK, ASKED, outcomes=said)


def test_outcomes_need_customers_with_a_name() -> None:
    with pytest.raises(InputError, match="customers without an ID"):
        snapshot_of(BOOK.drop(columns="customer"), ASKED, outcomes=outcomes())


def test_a_customers_column_that_is_not_there_is_refused_with_a_hint() -> None:
    with pytest.raises(InputError, match="did you mean 'customer'"):
        snapshot_of(BOOK, ASKED, customer="custome")


def test_files_are_read_as_they_are_anywhere_else(tmp_path: Path) -> None:
    BOOK.to_parquet(tmp_path / "month.parquet")
    outcomes().to_csv(tmp_path / "known.csv", index=False)
    book = read_snapshot(tmp_path / "month.parquet", ASKED, outcomes=tmp_path / "known.csv")
    assert (book.source, book.known) == ("month.parquet", 2)


def test_the_book_of_a_day_of_a_panel_goes_by_its_customers() -> None:
    said = ASKED.model_dump(mode="json")
    said["data"] = {}
    said["panel"] = {
        "tables": {
            "states": {"role": "statuses", "source": "x.csv", "time": "day", "kind": "state"},
            "acts": {"role": "activity", "source": "x.csv", "time": "day"},
        },
        "as_of": ["2026-01-01"],
        "outcome": {"rule": "status", "table": "states", "values": ["default"]},
    }
    book = snapshot_of(BOOK.assign(as_of="2026-02-01"), Experiment.model_validate(said))
    assert book.customer.tolist() == ["a", "b", "c"]
    assert str(book.day()) == "2026-02-01"
    assert np.isnan(book.outcome).all()
