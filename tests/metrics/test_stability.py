from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from riskml.errors import DataError
from riskml.metrics import Baseline, baseline, csi, psi, psi_test


def test_psi_by_hand() -> None:
    old, new = ["a"] * 50 + ["b"] * 30 + ["c"] * 20, ["a"] * 40 + ["b"] * 30 + ["c"] * 30
    expected = -0.1 * np.log(0.4 / 0.5) + 0.1 * np.log(0.3 / 0.2)
    assert psi(old, new) == pytest.approx(expected)


def test_a_book_has_not_moved_from_itself() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    assert psi(values, values) == 0


@given(
    st.lists(st.floats(-100, 100), min_size=5, max_size=60),
    st.lists(st.floats(-100, 100), min_size=5, max_size=60),
)
def test_psi_is_never_negative(old: list[float], new: list[float]) -> None:
    assert psi(old, new) >= 0


def test_ten_bins_of_the_baseline_are_of_one_size() -> None:
    assert baseline(np.random.default_rng(1).normal(size=1000)).counts == (100,) * 10 + (0,)


def test_a_value_that_most_rows_share_has_one_bin() -> None:
    fixed = baseline([0] * 80 + list(range(1, 21)), n_bins=5)
    assert fixed.counts[0] == 80
    assert sum(fixed.counts) == 100


def test_a_constant_is_one_bin_and_leaving_it_is_seen() -> None:
    fixed = baseline([7.0] * 100)
    assert fixed.labels == ["7", "other", "missing"]
    assert psi_test(fixed, [7.0] * 50).n_bins == 1
    assert psi_test(fixed, [7.0] * 50).no_shift == 0
    for elsewhere in (5.0, 9.0):
        assert psi_test(fixed, [elsewhere] * 100).verdict == "act"


@pytest.mark.parametrize("sign", [1, -1])
def test_values_piled_up_at_either_end_are_told_from_the_rest(sign: int) -> None:
    few, none = sign * np.repeat([0, 1], [50, 950]), np.zeros(1000)
    assert psi(few, none) == pytest.approx(psi([0] * 50 + [1] * 950, [0] * 1000))
    assert psi(few, none) > 5
    many = np.append(np.arange(40), np.full(960, 50))
    assert psi(sign * many, sign * np.resize(np.arange(40), 1000)) > 5


@pytest.mark.parametrize("sign", [1, -1])
def test_values_piled_up_in_the_middle_are_told_from_those_on_either_side(sign: int) -> None:
    book = sign * np.concatenate([np.arange(-50, 0), np.zeros(900), np.arange(1, 51)])
    assert psi(book, np.where(book == 0, sign * -1.5, book)) > 1


def test_a_number_never_seen_counts_with_the_nearer_value_and_beyond_all_values_as_other() -> None:
    fixed = baseline([0, 1, 1, 5])
    assert fixed.labels == ["0", "1", "5", "other", "missing"]
    assert fixed.count([0.4, 0.5, 2.9, 3.1, -1, 6, np.nan]).tolist() == [2, 1, 1, 2, 1]


def test_a_value_that_was_rounded_elsewhere_is_the_same_value() -> None:
    assert baseline([0.1, 0.3]).count([0.1 - 1e-17, 0.1 + 0.2]).tolist() == [1, 1, 0, 0]


def test_bins_of_a_continuous_column_are_its_quantiles_alone() -> None:
    values = np.random.default_rng(3).normal(size=997)
    inner = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
    edges, following = np.array(baseline(values).edges), np.sort(values)[np.searchsorted(np.sort(values), inner) + 1]
    assert ((inner < edges) & (edges < following)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_the_same_values_as_float32_are_in_the_same_bins(seed: int, decimals: int) -> None:
    values = np.random.default_rng(seed).normal(size=300).round(decimals)
    fixed = baseline(values)
    assert not set(fixed.edges) & set(values)
    assert (fixed.count(values) == fixed.count(values.astype(np.float32))).all()
    assert (fixed.count(values) == fixed.count(values.astype(np.float32).astype(np.float64))).all()


def test_a_category_named_other_is_told_from_the_categories_never_seen() -> None:
    fixed = baseline(["a", "other", "missing"])
    assert fixed.labels == ["a", "missing", "other", "(other)", "(missing)"]
    assert fixed.count(["other", "z", None, "missing"]).tolist() == [0, 1, 1, 1, 1]


def test_a_baseline_of_an_earlier_version_is_read() -> None:
    fixed = Baseline.from_dict({"edges": [1.0], "categories": [], "special": [], "counts": [5, 5, 0]})
    assert fixed.count([0, 2, 2]).tolist() == [1, 2, 0]


def test_missing_values_and_special_codes_have_bins_of_their_own() -> None:
    fixed = baseline([1, 2, 3, 4, np.nan, -999, -999], n_bins=2, special_values=[-999])
    assert dict(zip(fixed.labels, fixed.counts, strict=True)) == {
        "(-inf, 2.5]": 2,
        "(2.5, inf]": 2,
        "special -999": 2,
        "missing": 1,
    }


def test_values_that_go_missing_are_a_shift() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.normal(size=2000), rng.normal(size=2000)
    assert psi_test(old, new).verdict == "stable"
    new[:600] = np.nan
    assert psi_test(old, new).verdict == "act"


def test_a_category_never_seen_before_counts_as_other() -> None:
    fixed = baseline(["a", "b"])
    assert fixed.count(["a", "z", None]).tolist() == [1, 0, 1, 1]


def test_special_codes_of_text_are_not_categories() -> None:
    fixed = baseline(["a", "b", "refused"], special_values=["refused"])
    assert fixed.labels == ["a", "b", "other", "special refused", "missing"]
    assert fixed.count(["refused", "a"]).tolist() == [1, 0, 0, 1, 0]


@pytest.mark.parametrize("kind", ["category", "object", "string", "bool"])
def test_kinds_of_category_columns_are_one(kind: str) -> None:
    values = pd.Series([True, False, True]).astype(str if kind != "bool" else bool)
    assert baseline(values.astype(kind)).categories == ("False", "True")


def test_nullable_numbers_are_numbers() -> None:
    fixed = baseline(pd.Series([1, 2, None, 4], dtype="Int64"), n_bins=2)
    assert fixed.categories == ()
    assert fixed.counts[-1] == 1


def test_an_empty_bin_counts_as_half_a_row_on_either_side() -> None:
    both, one = ["a"] * 50 + ["b"] * 50, ["a"] * 100
    expected = (0.005 - 0.5) * np.log(0.005 / 0.5) + (1 - 0.5) * np.log(1 / 0.5)
    assert psi(both, one) == pytest.approx(expected)
    assert psi(one, both) == pytest.approx(expected)


def test_the_bins_are_those_of_the_baseline_whatever_comes_later() -> None:
    fixed = baseline(np.arange(100.0))
    assert psi(fixed, np.arange(100.0) + 1000) > 1
    assert fixed.count([-1e9, 1e9]).sum() == 2


def test_a_baseline_survives_json() -> None:
    for values, special in (([1.5, 2.5, -999], [-999]), (["x", "y", None], ["y"]), (np.arange(50.0), [3])):
        fixed = baseline(values, special_values=special)
        assert Baseline.from_dict(json.loads(json.dumps(fixed.to_dict()))) == fixed


def test_numbers_cannot_be_compared_with_text() -> None:
    with pytest.raises(DataError, match="numbers"):
        psi([1.0, 2.0], ["a", "b"])


def test_a_distribution_needs_rows() -> None:
    with pytest.raises(DataError, match="rows"):
        psi([1.0, 2.0], [])


def test_the_parts_of_the_bins_add_up_to_the_psi() -> None:
    rng = np.random.default_rng(4)
    found = psi_test(rng.normal(size=500), rng.normal(0.3, 1, size=700))
    assert found.table["part"].sum() == pytest.approx(found.psi)
    assert found.table["baseline"].sum() == pytest.approx(1)
    assert found.table["current"].sum() == pytest.approx(1)


def test_the_no_shift_quantile_is_a_chi_squared_over_the_sizes() -> None:
    found = psi_test(np.arange(500.0), np.arange(200.0), level=0.99)
    assert found.no_shift == pytest.approx((1 / 500 + 1 / 200) * chi2.ppf(0.99, 9))


def test_without_a_shift_the_psi_exceeds_its_quantile_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    found = [psi_test(rng.normal(size=1000), rng.normal(size=800), level=0.9) for _ in range(400)]
    assert 0.06 < np.mean([test.psi > test.no_shift for test in found]) < 0.14


def test_a_small_book_within_chance_is_called_stable() -> None:
    rng = np.random.default_rng(7)
    found = psi_test(rng.normal(size=60), rng.normal(size=60))
    assert 0.1 < found.psi < found.no_shift
    assert found.verdict == "stable"


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "stable"), (0.67, "watch"), (0.9, "act")])
def test_verdicts_of_a_large_book(share: float, verdict: str) -> None:
    # PSI of a share of .5 moving to s is (s - .5) ln(s / (1 - s)): 0, .12 and .88.
    hits = round(share * 1000)
    assert psi_test([0] * 500 + [1] * 500, [0] * (1000 - hits) + [1] * hits).verdict == verdict


def test_csi_ranks_the_columns_by_their_shift() -> None:
    rng = np.random.default_rng(8)
    old = pd.DataFrame({"steady": rng.normal(size=2000), "moved": rng.normal(size=2000), "kind": ["a", "b"] * 1000})
    new = old.assign(moved=old["moved"] + 1, extra=1)
    table = csi(old, new)
    assert table["column"].tolist()[0] == "moved"
    assert table["verdict"].tolist() == ["act", "stable", "stable"]
    assert table["csi"].iloc[0] == psi(old["moved"], new["moved"])


def test_csi_takes_fixed_bins() -> None:
    old, new = pd.DataFrame({"x": np.arange(100.0)}), pd.DataFrame({"x": np.arange(50.0)})
    assert csi({"x": baseline(old["x"])}, new).equals(csi(old, new))


def test_csi_names_the_columns_that_are_missing() -> None:
    with pytest.raises(DataError, match="x"):
        csi(pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"y": [1, 2]}))
