"""Segments, periods and columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.schema import Schema
from riskml.validation import stability


@pytest.fixture
def book() -> pd.DataFrame:
    draw = np.random.default_rng(2)
    p = draw.beta(1, 3, 800)
    return pd.DataFrame(
        {
            "_target": draw.binomial(1, p),
            "probability": p,
            "_part": ["train"] * 400 + ["oot"] * 400,
            "home": np.tile(["own", "rent"], 400),
            "date": pd.date_range("2023-01-01", periods=800, freq="D"),
        }
    )


def test_a_segment_is_compared_with_itself_in_training(book: pd.DataFrame) -> None:
    X = book[["home"]]
    shifted = book.assign(probability=np.where(book["home"] == "rent", book["probability"] / 2, book["probability"]))
    found = stability.by_segment(["home"], X, book.head(400), shifted.tail(400), Schema.infer(X)).set_index("group")
    assert found["count"].tolist() == [200, 200]
    assert found.loc["own", "psi"] < found.loc["own", "no_shift"]
    assert found.loc["rent", "psi"] > 0.25
    assert found.loc["rent", "oe_lower"] > 1


def test_periods_tell_training_from_what_came_later(book: pd.DataFrame) -> None:
    found = stability.over_time(book["date"], book["probability"].head(400), book)
    assert found["count"].sum() == 800
    assert found["group"].is_monotonic_increasing
    assert found.groupby("part")["count"].sum().to_dict() == {"oot": 400, "train": 400}


def test_without_dates_there_are_no_periods(book: pd.DataFrame) -> None:
    assert stability.over_time(None, book["probability"], book).empty


def test_columns_are_tested_for_drift_and_one_without_values_is_not(book: pd.DataFrame) -> None:
    X = pd.DataFrame({"home": book["home"], "gone": 1.0, "moved": np.arange(800.0)})
    now = X.tail(400).assign(gone=np.nan)
    found = stability.characteristics(X.head(400), now, Schema.infer(X)).set_index("column")
    assert found["test"].to_dict() == {"home": "chi-square", "gone": "", "moved": "KS"}
    assert (found.loc["home", "drift"], found.loc["moved", "drift"]) == (False, True)


def test_a_special_code_is_no_quantity(book: pd.DataFrame) -> None:
    X = pd.DataFrame({"x": [1.0, 2.0, -9.0, 4.0] * 200})
    codes = Schema.from_dict({"columns": [{"name": "x", "kind": "numeric", "special": [-9.0], "description": ""}]})
    found = stability.characteristics(X.head(400), X.tail(400).replace(-9.0, 3.0), codes)
    assert found["verdict"].tolist() == ["act"]
