from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from riskml.data.catalog import load_sample, sample
from riskml.data.leakage_hints import LEAK_AUC, identifier_reason, solo_auc, special_codes

RNG = np.random.default_rng(0)
LABELLED = ("credit_data", "lending_club", "wa_churn", "mlc_churn")


@pytest.mark.parametrize("name", LABELLED)
def test_nothing_is_suspected_of_the_samples_columns(name: str):
    known, frame = sample(name), load_sample(name)
    y = (frame[known.target] == known.event).astype(int)
    for _, values in frame.drop(columns=str(known.target)).items():
        assert identifier_reason(values) is None
        assert values.dtype.kind not in "if" or special_codes(values) == {}
        assert solo_auc(values, y) < LEAK_AUC


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", [f"k{i}" for i in RNG.permutation(100)]),
        ("x", RNG.permutation(100)),
        ("x", RNG.permutation(100) + 5000.0),
        ("customerId", RNG.permutation(10**6)[:100]),
        ("LOAN_NO", RNG.permutation(10**6)[:100]),
        ("id", RNG.permutation(10**6)[:100]),
        ("unnamed_0", RNG.permutation(10**6)[:100]),
    ],
)
def test_identifiers_are_known_by_their_values_or_their_name(name: str, values):
    assert identifier_reason(pd.Series(values, name=name))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("income", RNG.permutation(10**6)[:100]),
        ("paid", RNG.permutation(10**6)[:100]),
        ("balance", RNG.normal(size=100)),
        ("id", RNG.integers(0, 50, 100)),
        ("id", RNG.normal(size=100)),
        ("x", range(10)),
        ("flag", [True, False] * 50),
        ("town", [f"t{i % 80}" for i in range(100)]),
    ],
)
def test_other_columns_are_not_identifiers(name: str, values):
    assert identifier_reason(pd.Series(values, name=name)) is None


@pytest.mark.parametrize(
    ("usual", "codes"),
    [
        (RNG.integers(0, 60, 200), [-1]),
        (RNG.integers(0, 60, 200), [-1, -2, -3]),
        (RNG.integers(0, 60, 200), [-7, -8, -9]),
        (RNG.normal(50, 5, 200), [-999]),
        (RNG.normal(0, 5, 200), [-999]),
        (RNG.integers(18, 65, 200), [99]),
        (RNG.integers(18, 65, 200), [999]),
        (RNG.normal(1000, 300, 200), [9999]),
        (RNG.integers(300, 850, 200), [9996, 9998, 9999]),
        (RNG.integers(18, 65, 200), [-1, 999]),
        (RNG.normal(0, 5, 200), [-9999, 9999]),
        (RNG.integers(-20_000, -100, 200), [365_243]),
    ],
)
def test_codes_are_told_from_values(usual, codes: list[int]):
    values = pd.Series([*usual, *codes * 4, np.nan])
    assert special_codes(values) == dict.fromkeys(sorted(map(float, codes)), 4)


@pytest.mark.parametrize(
    "values",
    [
        [*RNG.integers(0, 60, 200), -1, -1],
        [*RNG.integers(0, 60, 20_000), *[999] * 5],
        [-1, 0, 1] * 50,
        [-2, -1, 0, 1, 2, 3, 4, 5, 6] * 20,
        RNG.normal(size=200),
        [*RNG.integers(900, 999, 200), *[999] * 5],
        [*RNG.exponential(300, 200), *[999] * 5],
        [*RNG.integers(-60, 60, 200), *[-1] * 5],
        [0, 1] * 100,
        [9999] * 100,
        [np.nan] * 10,
        [np.inf, -np.inf, 1.0],
    ],
    ids=[
        "twice only",
        "less than one in a thousand",
        "a sign",
        "ordered states",
        "noise",
        "the end of a range",
        "a long tail",
        "negative values are usual",
        "a flag",
        "a constant",
        "nothing",
        "infinity",
    ],
)
def test_values_are_not_mistaken_for_codes(values):
    assert special_codes(pd.Series(values, dtype=float)) == {}


def test_an_outcome_in_other_words_is_a_leak_in_either_direction():
    rng = np.random.default_rng(1)
    y = pd.Series(rng.permutation([0, 1] * 200))
    assert solo_auc(y.map({0: "paid", 1: "written off"}), y) == 1.0
    assert solo_auc(1.0 - y, y) == 1.0


def test_an_outcome_in_whether_a_value_is_missing_is_a_leak():
    rng = np.random.default_rng(1)
    y = pd.Series(rng.permutation([0, 1] * 200))
    assert solo_auc(pd.Series(rng.normal(size=400)).mask(y == 1), y) > LEAK_AUC


def test_a_rare_value_that_only_the_event_has_is_found_among_many_equal_ones():
    rng = np.random.default_rng(1)
    y = pd.Series(rng.permutation([1] * 20 + [0] * 980))
    assert solo_auc(y * 100.0, y) == 1.0


@pytest.mark.parametrize("seed", range(20))  # chosen, since one in thousands is further off by chance
def test_a_column_that_knows_nothing_is_near_a_half(seed: int):
    rng = np.random.default_rng(seed)
    y = pd.Series(rng.integers(0, 2, 2000))
    names = pd.Series([f"k{i}" for i in rng.permutation(2000)])
    assert solo_auc(names, y) == pytest.approx(0.5, abs=0.06)
    assert solo_auc(pd.Series(rng.normal(size=2000)), y) == pytest.approx(0.5, abs=0.06)


def test_a_good_column_is_ranked_as_its_true_auc_says():
    rng = np.random.default_rng(1)
    y = pd.Series(rng.integers(0, 2, 5000))
    score = pd.Series(rng.normal(size=5000) + y)
    assert solo_auc(score, y) == pytest.approx(roc_auc_score(y, score), abs=0.015)


def test_a_large_table_is_sampled_and_the_answer_stays():
    rng = np.random.default_rng(1)
    y = pd.Series(rng.integers(0, 2, 20_000))
    score = pd.Series(rng.normal(size=20_000) + y)
    assert solo_auc(score, y, most_rows=5000) == pytest.approx(solo_auc(score, y), abs=0.02)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("contact", [f"139 1234 {i:04d}" for i in range(100)], "phone numbers"),
        ("tel", [f"(020) 057-3{i:03d}" for i in range(100)], "phone numbers"),
        ("owner", [f"11010519900307{i:03d}X" for i in range(100)], "identity numbers"),
        ("CUST_NO", RNG.permutation(np.arange(100) * 7919 + 20_000_000), "its name"),
        ("sap", RNG.choice(200_000, 3000, replace=False), "none occurs twice"),
        ("姓名", [f"王{i % 90}" for i in range(100)], "a name of its own"),
    ],
)
def test_persons_and_their_numbers_are_identifiers(name, values, reason):
    assert reason in identifier_reason(pd.Series(values, name=name))


def test_amounts_and_groups_are_no_identifiers():
    assert identifier_reason(pd.Series(RNG.integers(0, 2_000_000, 2000), name="limit")) is None
    assert identifier_reason(pd.Series(RNG.permutation(np.arange(60) * 1000), name="income")) is None
    assert identifier_reason(pd.Series(["13912340001", "13912340002"] * 30, name="phone")) is None
