"""What a reviewer needs to choose between runs: the same customers, judged by each of them. Frames in, frames out.

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
from riskml.runtime.package import tier_numbers

_MORE_IS_BETTER = frozenset({"auc", "ks"})
_CHANGED = "other events, other rows or another definition of the event"


@dataclass(frozen=True)
class Shared:
    """The customers that were set aside in all runs, judged by each."""

    y: pd.Series  # index: the customer
    probability: pd.DataFrame  # A column per run, named A, B, …
    tier: pd.DataFrame
    tiers: Sequence[str]  # all tiers, the safest first
    description: str  # which customers these are
    tiers_note: str  # whose tiers these are


def letters(views: Sequence[RunSummary]) -> list[str]:
    """Return a short name of each run: A, B, … and numbers past Z."""
    return [chr(ord("A") + at) if at < 26 else str(at + 1) for at in range(len(views))]


def shared_customers(views: Sequence[RunSummary]) -> Shared:
    """Return the customers that were set aside in every run."""
    names = letters(views)
    aside = [view.holdout for view in views]
    _refuse_other_questions(views)
    customers = aside[0].index
    for frame in aside[1:]:
        customers = customers[customers.isin(frame.index)]
    rows = [frame.loc[customers] for frame in aside]
    _refuse_unlike(rows, views)
    counts = [len(frame) for frame in aside]
    which = (
        f"All {counts[0]:,} customers set aside are the same in every run."
        if set(counts) == {len(customers)}
        else f"Of {_listed(f'{n:,}' for n in counts)} customers set aside, {len(customers):,} are common to all runs: "
        "what follows is measured on these alone."
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
    """Return by how much each run differs from the first, measure by measure, on the same customers."""
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
    """Return who changes tier from the first run to each other one, and how these customers turned out."""
    first, *others = shared.tier.columns
    tables = [
        swap_set(shared.y, shared.tier[first], shared.tier[name], tiers=shared.tiers).assign(run=name)
        for name in others
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["run", *(column for column in table if column != "run")]]


def moves(swapped: pd.DataFrame) -> pd.DataFrame:
    """Return how many customers each run moves to a riskier and to a safer tier, and how they turned out."""
    table = swapped.groupby(["run", "move"], sort=True)[["count", "share", "event"]].sum().reset_index()
    return table.assign(event_rate=table["event"] / table["count"])


def calibrations(shared: Shared) -> dict[str, pd.DataFrame]:
    """Return each run's ``validation.calibration_table`` on the same customers."""
    return {str(name): calibration_table(shared.y, column) for name, column in shared.probability.items()}


def levels(shared: Shared) -> pd.DataFrame:
    """Return the events of each run over those that it expects, with the interval, on the same customers."""
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
    """Return how far each run's scores have shifted from the rows it was developed on to those it was judged on."""
    rows = []
    for name, view in zip(letters(views), views, strict=True):
        before, now = view.train_scores, view.holdout["probability"]
        shift = psi_test(before, now)
        rows.append((name, len(before), len(now), shift.psi, shift.no_shift, shift.verdict))
    return pd.DataFrame(rows, columns=["run", "development", "aside", "psi", "no_shift", "verdict"])


def answer(differences: pd.DataFrame, shared: Shared) -> str:
    """Return, for each run, a sentence that says whether it beats the first."""
    first = shared.probability.columns[0]
    lines = []
    for name, table in differences.groupby("run", sort=False):
        rows = {row["metric"]: row for row in table.to_dict(orient="records")}
        lead = rows["auc"]
        figures = f"AUC {lead['difference']:+.4f} (95 %: {lead['lower']:+.4f} to {lead['upper']:+.4f})"
        words = {
            "better": f"**{name} ranks better than {first}**: {figures}",
            "worse": f"**{name} ranks worse than {first}**: {figures}",
            "open": f"**{name} and {first} cannot be told apart by ranking**: {figures}; "
            f"that they are equals is not shown: it may rank up to {max(-lead['lower'], 0):.4f} worse, or "
            f"{max(lead['upper'], 0):.4f} better",
        }
        other = [
            f"{metric} {row['verdict']}" for metric, row in rows.items() if metric != "auc" and row["verdict"] != "open"
        ]
        lines.append(f"- {words[lead['verdict']]}. {'Besides: ' + ', '.join(other) if other else 'All else is open'}.")
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
        raise _apart(f"they ask different questions ({listed})", views)
    if any(view.settings.get("data", {}).get("id") is None for view in views):
        digests = {(view.data["digest"], view.data.get("sample", 0)) for view in views}
        if len(digests) > 1:
            raise _apart("their data differ, and have no identifier by which customers could be found in both", views)


def _refuse_unlike(rows: Sequence[pd.DataFrame], views: Sequence[RunSummary]) -> None:
    y = rows[0]["_target"].to_numpy()
    if not y.size:
        raise _apart("no customer was set aside in all of them", views)
    for name, frame in zip(letters(views)[1:], rows[1:], strict=True):
        unlike = int(np.sum(frame["_target"].to_numpy() != y))
        if unlike:
            raise _apart(f"{unlike:,} of {y.size:,} common customers had another outcome in {name} than in A", views)
    events = int(y.sum())
    if min(events, y.size - events) < 2:
        raise _apart(f"their {y.size:,} common customers hold {events} events: too few to tell anything by", views)


def _apart(why: str, views: Sequence[RunSummary]) -> DataError:
    return DataError(
        f"these runs do not compare: {why}",
        where=", ".join(f"{name} {view.name}" for name, view in zip(letters(views), views, strict=True)),
        fix="compare runs of one experiment, on one table",
    )


def _tiers(rows: Sequence[pd.DataFrame], views: Sequence[RunSummary]) -> tuple[pd.DataFrame, list[str], str]:
    """Return each customer's tier by each run: by its own bounds, or by the first run's where the names differ."""
    names = [[str(tier["name"]) for tier in view.tiers] for view in views]
    bounds = [[float(tier["from_probability"]) for tier in view.tiers] for view in views]
    columns = letters(views)
    if all(own == names[0] for own in names):
        tier = pd.DataFrame({name: frame["tier"] for name, frame in zip(columns, rows, strict=True)})
        which = "the same bounds in every run" if all(own == bounds[0] for own in bounds) else "each run's own bounds"
        return tier, names[0], f"Tiers by {which}."
    first = np.array(names[0], dtype=object)
    tier = pd.DataFrame(
        {
            name: first[tier_numbers(frame["probability"].to_numpy(), bounds[0])]
            for name, frame in zip(columns, rows, strict=True)
        },
        index=rows[0].index,
    )
    return tier, names[0], "The runs name their tiers differently: the first run's tiers are used for all."


def _listed(words: object) -> str:
    *most, last = list(words)  # type: ignore[call-overload]
    return f"{', '.join(most)} and {last}"
