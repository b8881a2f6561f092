from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import DataError
from riskml.metrics import concentration, matrix_weighted_bandwidth, migration_matrix


def test_a_matrix_counts_moves_from_row_to_column() -> None:
    found = migration_matrix(["A", "A", "B", "C"], ["A", "B", "B", "A"])
    assert found.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert (found.index.name, found.columns.name) == ("before", "after")


def test_stated_grades_set_the_order_and_empty_ones_stay() -> None:
    found = migration_matrix(["low", "high"], ["high", "high"], grades=["low", "middle", "high"])
    assert found.index.tolist() == ["low", "middle", "high"]
    assert found.loc["middle"].sum() == 0
    assert found.loc["low", "high"] == 1


def test_an_ordered_categorical_brings_its_order() -> None:
    kind = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
    before, after = pd.Series(["low", "high"], dtype=kind), pd.Series(["high", "low"], dtype=kind)
    found = migration_matrix(before, after)
    assert found.index.tolist() == ["low", "middle", "high"]
    assert found.loc["low", "high"] == found.loc["high", "low"] == 1


def test_rows_are_matched_by_position_not_by_index() -> None:
    before, after = pd.Series([1, 2], index=[5, 6]), pd.Series([1, 2], index=[6, 5])
    assert migration_matrix(before, after).to_numpy().tolist() == [[1, 0], [0, 1]]


def test_an_unknown_grade_is_named() -> None:
    with pytest.raises(DataError, match="'Z'"):
        migration_matrix(["A", "Z"], ["A", "A"], grades=["A", "B"])


def test_a_missing_grade_is_placed() -> None:
    with pytest.raises(DataError, match="row 1"):
        migration_matrix(["A", None], ["A", "A"])


def test_both_dates_need_the_same_customers() -> None:
    with pytest.raises(DataError, match="2 rows and after 1"):
        migration_matrix(["A", "B"], ["A"])


def test_grades_without_an_order_need_one_stated() -> None:
    with pytest.raises(DataError, match="grades="):
        migration_matrix([1, "A"], [1, "A"])
    assert migration_matrix([1, "A"], [1, "A"], grades=[1, "A"]).to_numpy().trace() == 2


def test_bandwidth_by_hand() -> None:
    # Upper: from grade 1 (farthest 2) two moves of one grade and one of two, from grade 2 (farthest 1) one of one:
    # (2*1 + 1*2 + 1*1) / (2*3 + 1*1) = 5/7. Lower: from grade 2 one of one, from grade 3 (farthest 2) three of one:
    # (1 + 3) / (1*1 + 2*3) = 4/7.
    found = matrix_weighted_bandwidth([[7, 2, 1], [1, 8, 1], [0, 3, 7]])
    assert found.upper == pytest.approx(5 / 7)
    assert found.lower == pytest.approx(4 / 7)


def test_nobody_moved_is_no_bandwidth() -> None:
    found = matrix_weighted_bandwidth(np.diag([5, 6, 7]))
    assert (found.upper, found.lower) == (0, 0)


@given(
    st.integers(2, 6).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 50), min_size=k, max_size=k), min_size=k, max_size=k)
    )
)
def test_bandwidth_lies_between_0_and_1_and_mirrors(rows: list[list[int]]) -> None:
    counts = np.array(rows)
    found, mirrored = matrix_weighted_bandwidth(counts), matrix_weighted_bandwidth(counts[::-1, ::-1])
    assert 0 <= found.upper <= 1
    assert (found.upper, found.lower) == pytest.approx((mirrored.lower, mirrored.upper))


def test_a_migration_matrix_is_square() -> None:
    with pytest.raises(DataError, match="square"):
        matrix_weighted_bandwidth([[1, 2, 3], [4, 5, 6]])


def test_an_even_book_is_not_concentrated() -> None:
    found = concentration(["A", "B", "C", "D"] * 10)
    assert (found.cv, found.hi) == pytest.approx((0, 0), abs=1e-12)


def test_a_book_in_one_grade_is_wholly_concentrated() -> None:
    found = concentration(["A"] * 10, grades=["A", "B", "C"])
    assert found.hi == pytest.approx(1)
    assert found.cv == pytest.approx(np.sqrt(2))


def test_concentration_by_hand() -> None:
    # R = .5, .3, .2: CV^2 = 3 (1/36 + 1/900 + 4/225) = .14; HI = 1 + ln(1.14/3)/ln 3.
    found = concentration(["A"] * 50 + ["B"] * 30 + ["C"] * 20)
    assert found.cv == pytest.approx(np.sqrt(0.14))
    assert found.hi == pytest.approx(1 + np.log(1.14 / 3) / np.log(3))


def test_exposure_weighs_the_customers() -> None:
    by_money = concentration(["A", "B"], exposure=[75, 25])
    assert by_money.hi == pytest.approx(concentration(["A"] * 3 + ["B"]).hi)


@pytest.mark.parametrize("exposure", [[1.0], [-1.0, 2.0], [0.0, 0.0]])
def test_exposure_must_fit_the_customers(exposure: list[float]) -> None:
    with pytest.raises(DataError, match="exposure"):
        concentration(["A", "B"], exposure=exposure)


def test_one_grade_has_no_concentration() -> None:
    with pytest.raises(DataError, match="two grades"):
        concentration(["A", "A"])
