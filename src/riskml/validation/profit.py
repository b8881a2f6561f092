"""Profit of decisions by the score under the experiment's costs, and the expected maximum profit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.audit_columns import exposure_column
from riskml.metrics import (
    ChurnCosts,
    CreditCosts,
    best_cutoff,
    emp_churn,
    emp_credit,
    expected_profit_curve,
    profit_curve,
)
from riskml.runtime.frame import Floats

_DECLINED = {"default": "declined", "churn": "contacted"}


@dataclass(frozen=True)
class Profit:
    """Profit of decisions on the test set."""

    earned: pd.DataFrame  # `riskml.metrics.profit_curve`: by the outcomes
    expected: pd.DataFrame  # `riskml.metrics.expected_profit_curve`: by the probabilities
    # ``policy``, ``cutoff`` (infinite: no one is acted on), ``share_acted``, ``earned``, ``expected`` (money per
    # customer): no one, everyone, from each tier on, break-even, and the best cut-off of the training set
    policies: pd.DataFrame

    def chosen(self) -> dict[str, Any]:
        """Return the cut-off chosen on the training set and its profit, for JSON."""
        row = self.policies.iloc[-1]
        figures = {name: float(row[name]) for name in ("cutoff", "share_acted", "earned", "expected")}
        # An infinite cut-off acts on no one.
        return {name: value if np.isfinite(value) else None for name, value in figures.items()}


def costs_of(experiment: Experiment, audit: pd.DataFrame) -> CreditCosts | ChurnCosts | None:
    """Return the costs of an experiment, or None if it states none."""
    costs = experiment.costs
    if costs is None:
        return None
    if experiment.task == "default":
        column = exposure_column(experiment)
        exposure = costs.exposure if column is None else audit[column].to_numpy()
        return CreditCosts(lgd=costs.loss_given_default or 0.0, margin=costs.margin or 0.0, exposure=exposure)
    return ChurnCosts(costs.value or 0.0, costs.contact_cost or 0.0, costs.success_rate, costs.incentive)


def profit(experiment: Experiment, audit: pd.DataFrame, training: pd.DataFrame, test: pd.DataFrame) -> Profit | None:
    """Return the profit of decisions by the score, or None if the experiment states no costs."""
    costs = costs_of(experiment, audit.loc[test.index])
    before = costs_of(experiment, audit.loc[training.index])
    if costs is None or before is None:
        return None
    y, p = test["_target"], test["probability"]
    cutoff = best_cutoff(training["_target"], training["probability"], before)
    did = _DECLINED[experiment.task]
    policies = [(f"no one is {did}", np.inf), (f"all are {did}", 0.0)]
    policies += [
        (f"{did} from tier “{tier.name}” on", tier.from_probability)
        for tier in experiment.tiers
        if tier.from_probability > 0
    ]
    even = costs.break_even()
    if even.size == 1:
        policies.append((f"{did} where it pays by the probability (break-even)", float(even.flat[0])))
    policies.append(("the best cut-off of the training set", cutoff.cutoff))
    return Profit(profit_curve(y, p, costs), expected_profit_curve(p, costs), _policies(y, p, costs, policies))


def _policies(
    y: pd.Series, p: pd.Series, costs: CreditCosts | ChurnCosts, policies: list[tuple[str, float]]
) -> pd.DataFrame:
    chance, target = p.to_numpy(dtype=np.float64), y.to_numpy(dtype=np.float64)
    sides = {"earned": costs.earned(target), "expected": costs.earned(chance)}
    rows = []
    for policy, cutoff in policies:
        acted = chance >= cutoff
        money = {name: _mean(acted, *side) for name, side in sides.items()}
        rows.append({"policy": policy, "cutoff": cutoff, "share_acted": float(acted.mean())} | money)
    return pd.DataFrame(rows)


def _mean(acted: Any, if_acted: Floats, if_left: Floats) -> float:
    return float(np.where(acted, if_acted, if_left).mean())


def maximum_profit(experiment: Experiment, y: pd.Series, probability: pd.Series) -> dict[str, Any]:
    """Return the expected maximum profit of a ranking, and its prior."""
    costs = experiment.costs
    if experiment.task == "default":
        emp = emp_credit(y, probability) if costs is None else emp_credit(y, probability, roi=costs.margin or 0.0)
        measure, unit = "EMP", "share of the amount lent, per customer"
    else:
        emp = (
            emp_churn(y, probability)
            if costs is None
            else emp_churn(
                y,
                probability,
                value=costs.value or 0.0,
                incentive=costs.incentive,
                contact_cost=costs.contact_cost or 0.0,
            )
        )
        measure, unit = "EMPC", f"{costs.currency if costs and costs.currency else 'money'} per customer"
    return {
        "measure": measure,
        "value": emp.value,
        "fraction": emp.fraction,
        "prior": emp.prior,
        "unit": unit,
        "costs": "the paper's" if costs is None else "the experiment's",
    }
