from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.data.sources.digest import content_hash, data_digest

FRAME = pd.DataFrame(
    {
        "n": [3, 1, 2],
        "x": [0.5, np.nan, -0.0],
        "t": ["b", None, "a"],
        "d": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
    }
)


def test_the_digest_of_a_content_never_changes():
    # A change of this value renames every table in everyone's records.
    assert data_digest(FRAME) == "9c7d1b209086"


@pytest.mark.parametrize(
    "same",
    [
        FRAME.set_axis(["p", "q", "r"], axis=0),
        FRAME.astype({"n": "Int64"}),
        FRAME.astype({"n": "float64"}),
        FRAME.assign(x=[0.5, np.nan, 0.0]),
        FRAME.astype({"t": object}),
        FRAME.astype({"t": "category"}),
        FRAME.astype({"t": "string"}),
        FRAME.astype({"d": "datetime64[ns]"}),
    ],
    ids=["index", "Int64", "float", "zero's sign", "object", "category", "StringDtype", "date's unit"],
)
def test_storage_does_not_count(same):
    assert content_hash(same) == content_hash(FRAME)


@pytest.mark.parametrize(
    "other",
    [
        FRAME.assign(n=[3, 1, 4]),
        FRAME.assign(t=["b", "", "a"]),
        FRAME.assign(x=[0.5, 0.0, 0.0]),
        FRAME.iloc[[1, 0, 2]],
        FRAME.iloc[:2],
        FRAME[["x", "n", "t", "d"]],
        FRAME.rename(columns={"n": "m"}),
        FRAME.assign(d=pd.to_datetime(["2024-01-02", None, "2024-03-01"])),
        FRAME.assign(n=["3", "1", "2"]),
    ],
    ids=["number", "blank", "zero", "row order", "fewer rows", "column order", "name", "date", "numbers as text"],
)
def test_content_counts(other):
    assert content_hash(other) != content_hash(FRAME)


def test_whole_numbers_too_large_for_floats_are_told_apart():
    assert content_hash(pd.DataFrame({"a": [2**53 + 1]})) != content_hash(pd.DataFrame({"a": [2**53]}))


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), min_size=1, max_size=6))
def test_text_cannot_move_between_cells_unnoticed(rows):
    frame = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    moved = pd.DataFrame([(a + b, "") for a, b in rows], columns=["a", "b"], dtype=object)
    assert (content_hash(frame) == content_hash(moved)) == frame.equals(moved)
