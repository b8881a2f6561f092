from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.data.profile import profile
from riskml.errors import ConfigError, DataError

N = 200


@pytest.fixture
def book() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    status = np.where(np.arange(N) % 4 == 0, "bad", "good")
    return pd.DataFrame(
        {
            "status": status,
            "age": [*rng.integers(18, 65, N - 10), *[999] * 10],
            "income": np.where(np.arange(N) % 10 == 0, np.nan, rng.normal(100, 20, N).round(1)),
            "home": rng.choice(["own", "rent"], N, p=[0.8, 0.2]),
            "customer": [f"c{i:03d}" for i in rng.permutation(N)],
            "opened": pd.date_range("2020-01-01", periods=N).strftime("%F"),
            "branch": "north",
            "note": None,
            "loss": np.where(status == "bad", rng.uniform(10, 90, N).round(1), 0.0),
            "ratio": np.where(np.arange(N) == 3, np.inf, rng.normal(size=N)),
            "score": rng.normal(size=N).round(3).astype(str),
            "rooms": [*map(str, rng.integers(1, 50, N - 1)), "many"],
            "town": [f"t{i % 150}" for i in range(N)],
        }
    )


def test_each_column_is_one_row_in_the_tables_order(book: pd.DataFrame):
    found = profile(book, "status", "bad")
    assert found["column"].tolist() == list(book)


@pytest.mark.parametrize(
    ("column", "suspicion", "explanation"),
    [
        ("status", "", ""),
        ("age", "special codes", "999 in 10 rows"),
        ("income", "", ""),
        ("home", "", ""),
        ("customer", "identifier", "nearly every row has a value of its own"),
        ("opened", "date", "dates (text such as 2020-01-01): not a feature by themselves"),
        ("branch", "constant", "one value only: north"),
        ("note", "empty", "no values"),
        ("loss", "leak", "ranks the outcome by itself with an AUC of 1.000"),
        ("ratio", "infinite", "infinite in 1 rows"),
        ("score", "numbers as text", "all of its text reads as numbers"),
        ("rooms", "mixed", "199 numbers, and row 199: 'many'"),
        ("town", "many levels", "150 levels in 200 rows: most occur once"),
    ],
)
def test_each_suspicion_is_named_and_explained(book: pd.DataFrame, column: str, suspicion: str, explanation: str):
    found = profile(book, "status", "bad").set_index("column").loc[column]
    assert found["suspicion"] == suspicion
    assert found["explanation"] == explanation


def test_numbers_are_described_by_their_range_and_levels_by_the_most_frequent(book: pd.DataFrame):
    found = profile(book).set_index("column")
    income = found.loc["income"]
    assert (income["kind"], income["missing"]) == ("numeric", pytest.approx(0.1))
    assert (income["min"], income["median"], income["max"]) == (
        book["income"].min(),
        book["income"].median(),
        book["income"].max(),
    )
    home = found.loc["home"]
    assert (home["kind"], home["top"], home["distinct"]) == ("categorical", "own", 2)
    assert home["top_share"] == pytest.approx((book["home"] == "own").mean())
    assert found.loc["opened", "kind"] == "date"
    assert found.loc["score", "kind"] == "numeric"
    assert pd.isna(found.loc["customer", "top"])


def test_several_suspicions_of_one_column_are_all_told(book: pd.DataFrame):
    book["claim"] = [f"k{i}" if bad else None for i, bad in enumerate(book["status"] == "bad")]
    found = profile(book, "status", "bad").set_index("column").loc["claim"]
    assert found["suspicion"] == "identifier, leak"


def test_without_an_event_no_leak_is_sought(book: pd.DataFrame):
    assert not profile(book, "status")["suspicion"].str.contains("leak").any()


def test_rows_without_an_outcome_are_left_aside(book: pd.DataFrame):
    book.loc[:9, "status"] = None
    found = profile(book, "status", "bad").set_index("column")
    assert found.loc["loss", "suspicion"] == "leak"
    assert found.loc["status", "missing"] == pytest.approx(0.05)


def test_the_order_of_the_rows_does_not_matter_to_what_is_told_of_values(book: pd.DataFrame):
    told = ["column", "kind", "missing", "distinct", "min", "median", "max", "top", "top_share"]
    pd.testing.assert_frame_equal(profile(book.iloc[::-1])[told], profile(book)[told])


def test_an_unknown_target_is_a_config_error(book: pd.DataFrame):
    with pytest.raises(ConfigError, match="no column 'statsu'"):
        profile(book, "statsu", "bad")


def test_an_empty_table_is_a_data_error(book: pd.DataFrame):
    with pytest.raises(DataError, match="no rows"):
        profile(book.head(0))
