"""Runs side by side: the same customers or none, and every figure about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml.cli.output.compare import show_comparison
from riskml.errors import DataError, InputError
from riskml.metrics import ChurnCosts, CreditCosts, auc, delong_test, swap_set
from riskml.report.review_tables import levels_table
from riskml.runs import compare, diff
from riskml.runs.summary import RunSummary

TIERS = [{"name": "low", "from_probability": 0.0}, {"name": "high", "from_probability": 0.5}]


def view(noise: float, *, rows: range = range(400), **settings: Any) -> RunSummary:
    """Return a run that knows the outcome more or less; every fourth customer was learnt from."""
    draw = np.random.default_rng(1)
    y = draw.binomial(1, 0.3, 1000)
    p = 1 / (1 + np.exp(1 - 2 * y - noise * draw.normal(size=1000)))
    frame = pd.DataFrame({"_part": np.where(np.arange(1000) % 4, "test", "train"), "_target": y, "probability": p})
    frame["tier"] = np.where(frame["probability"] < 0.5, "low", "high")
    frame = frame.iloc[rows].set_axis(pd.Index([f"c{row}" for row in rows], name="customer"))
    said = {"task": "default", "data": {"id": "customer"}, "tiers": TIERS, "models": {"trials": 1}} | settings
    card = {
        "source": "book.csv", "digest": "d1", "rows": len(rows), "sample": 0, "columns": 2, "event_rate": y.mean(),
        "parts": {}, "schema": [{"name": "age", "kind": "numeric", "special": []}],
    }  # fmt: skip
    return RunSummary(f"book/{noise}", "here", said, {"predictions.parquet": frame, "data.json": card})


def test_only_customers_that_no_run_has_learnt_from_are_compared() -> None:
    shared = compare.shared_customers([view(1.0), view(3.0)])
    assert len(shared.y) == 300
    assert "c0" not in shared.y.index
    assert shared.description == "All 300 customers of the test set are the same in every run."


def test_differences_are_those_of_the_paired_test_on_the_same_rows() -> None:
    shared = compare.shared_customers([view(1.0), view(3.0)])
    found = compare.differences(shared).set_index("metric")
    test = delong_test(shared.y, shared.probability["B"], shared.probability["A"])
    assert found.loc["auc", "difference"] == pytest.approx(test.difference)
    assert found.loc["auc", "difference"] == auc(shared.y, shared.probability["B"]) - auc(
        shared.y, shared.probability["A"]
    )
    assert found.loc["auc", "verdict"] == "worse"
    assert found.loc["brier", "difference"] > 0
    assert found.loc["brier", "verdict"] == "worse"  # less would be better


def test_a_run_beside_itself_leaves_everything_open() -> None:
    found = compare.differences(compare.shared_customers([view(1.0), view(1.0)]))
    assert set(found["verdict"]) == {"open"}


def test_other_rows_are_compared_on_the_common_customers() -> None:
    shared = compare.shared_customers([view(1.0), view(3.0, rows=range(200, 600))])
    assert len(shared.y) == 150
    assert "the comparison uses the 150 customers that all of them contain" in shared.description


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (view(1.0, task="churn"), "their tasks differ"),
        (view(1.0, rows=range(600, 900)), "no customer is in the test set of all"),
        (view(1.0, rows=range(396, 800)), "too few"),
    ],
)
def test_what_does_not_compare_is_said(other: RunSummary, why: str) -> None:
    with pytest.raises(DataError, match=f"these runs do not compare: .*{why}"):
        compare.shared_customers([view(1.0), other])


def test_customers_with_another_outcome_do_not_compare() -> None:
    other = view(1.0)
    other.of("predictions.parquet")["_target"] ^= 1
    with pytest.raises(DataError, match="300 of 300 common customers have another outcome in B"):
        compare.shared_customers([view(1.0), other])


def test_row_numbers_of_other_data_are_no_customers() -> None:
    nameless, other = (view(1.0, data={"id": None}) for _ in range(2))
    assert len(compare.shared_customers([nameless, other]).y) == 300
    other.artifacts["data.json"]["digest"] = "d2"
    with pytest.raises(DataError, match="no customer ID"):
        compare.shared_customers([nameless, other])


def test_a_run_that_lacks_its_predictions_is_named_with_them() -> None:
    bare = RunSummary("book/bare", "there", {"task": "default"}, {})
    with pytest.raises(InputError, match=r"the run book/bare lacks predictions\.parquet"):
        compare.shared_customers([view(1.0), bare])


def test_the_level_of_each_run_is_told_on_the_same_customers() -> None:
    views = [view(1.0), view(3.0)]
    shared = compare.shared_customers(views)
    found = compare.levels(shared).set_index("run")
    assert found.loc["B", "ratio"] == pytest.approx(shared.y.sum() / shared.probability["B"].sum())
    assert found["lower"].le(found["ratio"]).all()
    off = ~found["lower"].le(1) | ~found["upper"].ge(1)
    assert levels_table(compare.levels(shared)).marked == frozenset(np.flatnonzero(off))


def test_the_terminal_tells_level_and_money_and_whose_costs_these_are(capsys: pytest.CaptureFixture[str]) -> None:
    views = [view(1.0), view(3.0)]
    show_comparison(views)
    said = " ".join(capsys.readouterr().out.split())
    best = compare.best_cutoffs(compare.shared_customers(views), diff.stated_costs(views).costs)
    assert "observed / expected" in said
    assert f"{best['B'].profit_per_customer:.4g}" in said
    assert "the runs state no costs: defaults from the literature" in said


def test_who_changes_tier_is_the_swap_set_with_outcomes() -> None:
    shared = compare.shared_customers([view(1.0), view(3.0)])
    swapped = compare.swaps(shared)
    expected = swap_set(shared.y, shared.tier["A"], shared.tier["B"], tiers=["low", "high"])
    pd.testing.assert_frame_equal(swapped.drop(columns="run"), expected)
    moved = compare.moves(swapped)
    assert moved["count"].sum() == len(shared.y)
    assert moved["event"].sum() == shared.y.sum()


def test_tiers_of_other_names_are_those_of_the_first_run() -> None:
    other = view(3.0, tiers=[{"name": "green", "from_probability": 0.0}, {"name": "red", "from_probability": 0.1}])
    shared = compare.shared_customers([view(1.0), other])
    assert "first run's tiers" in shared.tiers_note
    assert ((shared.probability["B"] >= 0.5) == (shared.tier["B"] == "high")).all()


def test_costs_are_the_experiments_or_named_defaults() -> None:
    plain = diff.stated_costs([view(1.0), view(3.0)])
    assert isinstance(plain.costs, CreditCosts)
    assert "defaults from the literature" in plain.description
    own = view(3.0, costs={"exposure": "amount", "loss_given_default": 0.6, "margin": 0.1, "currency": "EUR"})
    stated = diff.stated_costs([view(1.0), own])
    assert stated.costs == CreditCosts(exposure=1.0, lgd=0.6, margin=0.1)
    assert "the costs of run B" in stated.description
    assert "default for exposure" in stated.description
    churn = diff.stated_costs([view(1.0, task="churn", costs={"value": 90.0, "contact_cost": 2.0})])
    assert churn.costs == ChurnCosts(value=90.0, contact_cost=2.0, success_rate=0.3, incentive=10.0)


def test_the_settings_and_the_data_that_differ() -> None:
    first, other = view(1.0), view(3.0, models={"trials": 5})
    other.artifacts["data.json"]["schema"] = [{"name": "age", "kind": "categorical", "special": []}]
    assert diff.settings([first, other]).to_dict(orient="index") == {"models.trials": {"A": "1", "B": "5"}}
    facts = diff.data([first, other])
    assert facts.loc["column age"].tolist() == ["numeric", "categorical", "no"]
    assert facts.loc["digest", "same"] == "yes"


def test_the_answer_says_whether_the_runs_can_be_told_apart() -> None:
    worse = compare.shared_customers([view(1.0), view(3.0)])
    assert "**B ranks worse than A**" in compare.answer(compare.differences(worse), worse)
    alike = compare.shared_customers([view(1.0), view(1.0)])
    said = compare.answer(compare.differences(alike), alike)
    assert "the ranking of B and A does not differ significantly" in said
    assert "B may rank up to" in said


def test_the_pictures_show_every_run() -> None:
    from riskml.report import plots

    shared = compare.shared_customers([view(1.0), view(3.0)])
    costs = diff.stated_costs([view(1.0)]).costs
    for picture in (
        plots.calibrations(compare.calibrations(shared)),
        plots.profits(compare.profits(shared, costs), act="declined"),
        plots.differences(compare.differences(shared)),
    ):
        assert "B" in picture.alt
        assert picture.png().startswith(b"\x89PNG")
