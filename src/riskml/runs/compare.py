"""Comparison of runs on the customers of their common test set.

The first run is the reference; every difference is another run minus the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import DataError
from riskml.metrics import (
    BestCutoff,
    ChurnCosts,
    CreditCosts,
    best_cutoff,
    calibration_table,
    observed_expected,
    paired_differences,
    profit_curve,
    psi_test,
    swap_set,
)
from riskml.runs.summary import RunSummary
from riskml.runtime.package import Tier
from riskml.validation.performance import tier_of

_MORE_IS_BETTER = frozenset({"auc", "ks"})
_CHANGED = "other events, other rows or another definition of the event"


@dataclass(frozen=True)
class Shared:
    """Customers of all test sets, with the probabilities and tiers of each run."""

    y: pd.Series  # index: the customer
    probability: pd.DataFrame  # one column per run, named A, B, …
    tier: pd.DataFrame
    tiers: Sequence[str]  # all tiers, the safest first
    description: str  # of the customers
    tiers_note: str  # of the tiers


def letters(views: Sequence[RunSummary]) -> list[str]:
    """Return a short name for each run: A, B, …, and numbers after Z."""
    return [chr(ord("A") + at) if at < 26 else str(at + 1) for at in range(len(views))]


def shared_customers(views: Sequence[RunSummary]) -> Shared:
    """Return the customers that are in the test set of every run."""
    names = letters(views)
    tests = [view.holdout for view in views]
    _refuse_other_questions(views)
    customers = tests[0].index
    for frame in tests[1:]:
        customers = customers[customers.isin(frame.index)]
    rows = [frame.loc[customers] for frame in tests]
    _refuse_unlike(rows, views)
    counts = [len(frame) for frame in tests]
    which = (
        f"All {counts[0]:,} customers of the test set are the same in every run."
        if set(counts) == {len(customers)}
        else f"The test sets have {', '.join(f'{n:,}' for n in counts)} customers; "
        f"the comparison uses the {len(customers):,} customers that all of them contain."
    )
    tier, tiers, tiers_note = _tiers(rows, views)
    return Shared(
        y=rows[0]["_target"],
        probability=pd.DataFrame({name: frame["probability"] for name, frame in zip(names, rows, strict=True)}),
        tier=tier,
        tiers=tiers,
        description=which,
        tiers_note=tiers_note,
    )


def differences(shared: Shared, *, seed: int = 7, level: float = 0.95) -> pd.DataFrame:
    """Return the difference of each run from the first, measure by measure, on the same customers."""
    first, *others = shared.probability.columns
    tables = []
    for name in others:
        table = paired_differences(
            shared.y, shared.probability[name], shared.probability[first], seed=seed, level=level
        ).rename(columns={"a": "other", "b": "first"})
        tables.append(table.assign(run=name, verdict=[_verdict(row) for row in table.to_dict(orient="records")]))
    columns = ["run", "metric", "first", "other", "difference", "lower", "upper", "p_value", "method", "verdict"]
    return pd.concat(tables, ignore_index=True)[columns]


def swaps(shared: Shared) -> pd.DataFrame:
    """Return the customers who change tier from the first run to each other one, with their event rate."""
    first, *others = shared.tier.columns
    tables = [
        swap_set(shared.y, shared.tier[first], shared.tier[name], tiers=shared.tiers).assign(run=name)
        for name in others
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["run", *(column for column in table if column != "run")]]


def moves(swapped: pd.DataFrame) -> pd.DataFrame:
    """Return the customers that each run moves to a riskier and to a safer tier, with their event rate."""
    table = swapped.groupby(["run", "move"], sort=True)[["count", "share", "event"]].sum().reset_index()
    return table.assign(event_rate=table["event"] / table["count"])


def calibrations(shared: Shared) -> dict[str, pd.DataFrame]:
    """Return each run's ``validation.calibration_table`` on the same customers."""
    return {str(name): calibration_table(shared.y, column) for name, column in shared.probability.items()}


def levels(shared: Shared) -> pd.DataFrame:
    """Return observed over expected events of each run, with the interval, on the same customers."""
    tables = [observed_expected(shared.y, column).assign(run=str(name)) for name, column in shared.probability.items()]
    table = pd.concat(tables, ignore_index=True)
    return table[["run", *(column for column in table if column not in ("run", "group"))]]


def profits(shared: Shared, costs: CreditCosts | ChurnCosts) -> dict[str, pd.DataFrame]:
    """Return each run's ``validation.profit_curve`` on the same customers, under the same costs."""
    return {str(name): profit_curve(shared.y, column, costs) for name, column in shared.probability.items()}


def best_cutoffs(shared: Shared, costs: CreditCosts | ChurnCosts) -> dict[str, BestCutoff]:
    """Return each run's most profitable cut-off, in hindsight, on the same customers."""
    return {str(name): best_cutoff(shared.y, column, costs) for name, column in shared.probability.items()}


def stability(views: Sequence[RunSummary]) -> pd.DataFrame:
    """Return the shift of each run's scores between its training set and its test set."""
    rows = []
    for name, view in zip(letters(views), views, strict=True):
        before, now = view.train_scores, view.holdout["probability"]
        shift = psi_test(before, now)
        rows.append((name, len(before), len(now), shift.psi, shift.no_shift, shift.verdict))
    return pd.DataFrame(rows, columns=["run", "development", "aside", "psi", "no_shift", "verdict"])


def answer(differences: pd.DataFrame, shared: Shared) -> str:
    """Return one sentence per run: whether it ranks better than the first."""
    first = shared.probability.columns[0]
    lines = []
    for name, table in differences.groupby("run", sort=False):
        rows = {row["metric"]: row for row in table.to_dict(orient="records")}
        lead = rows["auc"]
        figures = f"AUC {lead['difference']:+.4f} (95 %: {lead['lower']:+.4f} to {lead['upper']:+.4f})"
        words = {
            "better": f"**{name} ranks better than {first}**: {figures}",
            "worse": f"**{name} ranks worse than {first}**: {figures}",
            "open": f"**the ranking of {name} and {first} does not differ significantly**: {figures}; "
            f"{name} may rank up to {max(-lead['lower'], 0):.4f} worse or {max(lead['upper'], 0):.4f} better",
        }
        other = [
            f"{metric} {row['verdict']}" for metric, row in rows.items() if metric != "auc" and row["verdict"] != "open"
        ]
        measures = f"Other measures: {', '.join(other)}" if other else "No other measure differs significantly"
        lines.append(f"- {words[lead['verdict']]}. {measures}.")
    return "\n".join([*lines, "", shared.description])


def _verdict(row: Mapping[Any, Any]) -> str:
    if row["lower"] <= 0 <= row["upper"]:
        return "open"
    return "better" if (row["difference"] > 0) == (row["metric"] in _MORE_IS_BETTER) else "worse"


def _refuse_other_questions(views: Sequence[RunSummary]) -> None:
    names = letters(views)
    tasks = {view.task for view in views}
    if len(tasks) > 1:
        listed = ", ".join(f"{name} {view.task}" for name, view in zip(names, views, strict=True))
        raise _apart(f"their tasks differ ({listed})", views)
    if any(view.settings.get("data", {}).get("id") is None for view in views):
        digests = {(view.data["digest"], view.data.get("sample", 0)) for view in views}
        if len(digests) > 1:
            raise _apart("their data differ, and have no customer ID to match customers by", views)


def _refuse_unlike(rows: Sequence[pd.DataFrame], views: Sequence[RunSummary]) -> None:
    y = rows[0]["_target"].to_numpy()
    if not y.size:
        raise _apart("no customer is in the test set of all of them", views)
    for name, frame in zip(letters(views)[1:], rows[1:], strict=True):
        unlike = int(np.sum(frame["_target"].to_numpy() != y))
        if unlike:
            raise _apart(f"{unlike:,} of {y.size:,} common customers have another outcome in {name} than in A", views)
    events = int(y.sum())
    if min(events, y.size - events) < 2:
        raise _apart(f"their {y.size:,} common customers have {events} events: too few for a comparison", views)


def _apart(why: str, views: Sequence[RunSummary]) -> DataError:
    return DataError(
        f"these runs do not compare: {why}",
        where=", ".join(f"{name} {view.name}" for name, view in zip(letters(views), views, strict=True)),
        fix="compare runs of one experiment on the same table",
    )


def _tiers(rows: Sequence[pd.DataFrame], views: Sequence[RunSummary]) -> tuple[pd.DataFrame, list[str], str]:
    """Return each customer's tier by each run: by the run's own bounds, or by the first run's if the names differ."""
    names = [[str(tier["name"]) for tier in view.tiers] for view in views]
    bounds = [[float(tier["from_probability"]) for tier in view.tiers] for view in views]
    columns = letters(views)
    if all(own == names[0] for own in names):
        tier = pd.DataFrame({name: frame["tier"] for name, frame in zip(columns, rows, strict=True)})
        which = "the same bounds in every run" if all(own == bounds[0] for own in bounds) else "each run's own bounds"
        return tier, names[0], f"Tiers by {which}."
    tiers = [Tier(name, bound) for name, bound in zip(names[0], bounds[0], strict=True)]
    tier = pd.DataFrame({name: tier_of(frame["probability"], tiers) for name, frame in zip(columns, rows, strict=True)})
    return tier, names[0], "The names of the tiers differ: the first run's tiers are used for all runs."
