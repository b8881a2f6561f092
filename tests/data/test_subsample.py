"""A quick look at some rows."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from riskml.data.subsample import stratified_subsample


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 200), st.integers(0, 5))
def test_as_many_rows_as_asked_each_class_with_its_share(events: int, others: int, rows: int, seed: int) -> None:
    frame = pd.DataFrame({"bad": [1.0] * events + [None] * others})
    some = stratified_subsample(frame, "bad", rows, seed)
    assert len(some) == min(rows, len(frame))
    assert abs(some["bad"].notna().sum() - len(some) * events / len(frame)) <= 1
    assert some.index.is_monotonic_increasing


def test_another_seed_draws_other_rows() -> None:
    frame = pd.DataFrame({"bad": [0, 1] * 50})
    assert (
        stratified_subsample(frame, "bad", 20, 1).index.tolist()
        != stratified_subsample(frame, "bad", 20, 2).index.tolist()
    )
    assert (
        stratified_subsample(frame, "bad", 20, 1).index.tolist()
        == stratified_subsample(frame, "bad", 20, 1).index.tolist()
    )


def test_a_table_without_the_target_is_left_for_others_to_refuse() -> None:
    frame = pd.DataFrame({"good": [0, 1]})
    assert stratified_subsample(frame, "bad", 1, 7) is frame
