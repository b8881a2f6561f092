"""Month of monitoring: everything measured on one date."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from riskml.data.derive import with_columns_of
from riskml.errors import InputError
from riskml.monitoring.behaviour import Behaviour, behaviour
from riskml.monitoring.drift import ScoreShift, column_shifts, score_shift
from riskml.monitoring.estimated_performance import EstimatedPerformance, estimated_performance
from riskml.monitoring.migration import TierMoves, tier_moves
from riskml.monitoring.quality import BROKEN, quality
from riskml.monitoring.realised_performance import RealisedPerformance, realised
from riskml.monitoring.reference import Reference
from riskml.monitoring.segments import by_segment
from riskml.monitoring.snapshot import Snapshot
from riskml.runtime.package import PackageError

PREFIX = "monitor."
"""Begins the name of every metric of monitoring in MLflow and ``monitoring.json``."""


@dataclass(frozen=True)
class Scored:
    """Measures of a month's scores."""

    scores: pd.DataFrame  # ``probability``, ``points`` where the model has them, ``tier``; index: the customer
    shift: ScoreShift
    moves: TierMoves
    estimated: EstimatedPerformance
    realised: RealisedPerformance | None  # none without known outcomes
    segments: pd.DataFrame


@dataclass(frozen=True)
class MonthReport:
    """A monitored date.

    Parameters
    ----------
    source : str
        Name of the file.
    named : bool
        Whether a column identifies the customers, so that they can be followed.
    quality, columns : DataFrame
        Of `riskml.monitoring.quality.quality` and `riskml.monitoring.drift.column_shifts`.
    scored : Scored or None
        None where the model cannot score the portfolio.
    why_not : str
        The reason why it cannot.
    """

    as_of: dt.date
    source: str
    rows: int
    named: bool
    duplicates: int
    quality: pd.DataFrame
    columns: pd.DataFrame
    scored: Scored | None
    why_not: str
    behaviour: Behaviour

    def metrics(self) -> dict[str, float]:
        """Return the month's metrics by name; unknown ones are left out."""
        metrics = {
            "rows": self.rows,
            "duplicates": self.duplicates,
            "broken_columns": int((self.quality["status"] == BROKEN).sum()),
            "missing_rise_max": (self.quality["missing"] - self.quality["missing_in_training"]).max(),
            "psi_column_max": self.columns.loc[self.columns["used"], "psi"].max(),
        }
        if self.scored is not None:
            metrics |= _of_scores(self.scored)
        for row in self.behaviour.summary.to_dict("records"):
            metrics[f"{row['aspect']}_worse"] = row["share"]
        return {f"{PREFIX}{name}": float(value) for name, value in metrics.items() if math.isfinite(value)}


def history(months: Mapping[dt.date, Mapping[str, float]]) -> pd.DataFrame:
    """Return the metrics of months by date, earliest first, without their prefix."""
    rows = {day: {name.removeprefix(PREFIX): value for name, value in months[day].items()} for day in sorted(months)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="as_of")


def _of_scores(scored: Scored) -> dict[str, float]:
    shift, moves, estimated, realised = scored.shift, scored.moves, scored.estimated, scored.realised
    metrics = {
        "psi_score": shift.psi,
        "psi_score_no_shift": shift.no_shift,
        "mean_probability": shift.now,
        "herfindahl": moves.herfindahl,
        "brier_estimated": estimated.brier.value,
        "log_loss_estimated": estimated.log_loss.value,
    }
    estimates = {"auc_estimated": estimated.auc, "event_rate_estimated": estimated.event_rate}
    if moves.same:
        metrics |= {"moved_riskier": moves.riskier / moves.same, "moved_safer": moves.safer / moves.same}
    if realised is not None:
        metrics |= {"known": realised.rows, "events": realised.events, "event_rate": realised.event_rate}
        metrics |= {"brier": realised.brier, "log_loss": realised.log_loss}
        estimates["observed_expected"] = realised.observed_expected
        if realised.auc is not None:
            estimates["auc"] = realised.auc
    for name, estimate in estimates.items():
        metrics |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return metrics


@dataclass(frozen=True)
class PreviousMonth:
    """Customers of an earlier month.

    Parameters
    ----------
    customers : DataFrame
        ``tier``; index: the customer.
    since : str
        The date of the month.
    requested : bool
        Whether the user named the month; some of its customers must be in the portfolio then.
    """

    customers: pd.DataFrame
    since: str
    requested: bool = False


def month_of(
    reference: Reference, snapshot: Snapshot, as_of: dt.date, earlier: PreviousMonth | None = None
) -> MonthReport:
    """Measure a month of a model.

    Parameters
    ----------
    earlier : PreviousMonth, optional
        For moves between tiers; without it tiers are compared with those of training.

    Raises
    ------
    InputError
        When the snapshot has none of the model's columns, or a segment's column is not in it.
    """
    known = {*reference.schema.names, *(column["name"] for column in reference.model.inputs)}
    if not known & set(map(str, snapshot.frame.columns)):
        raise InputError(
            f"the table has none of the columns that the model reads: {', '.join(sorted(known))}",
            where=snapshot.source,
            fix="name the table of this model's customers",
        )
    limits, experiment = reference.experiment.monitoring, reference.experiment
    frame = with_columns_of(snapshot.frame, experiment.data, reference.schema)
    snapshot = replace(snapshot, frame=frame)
    scored, why_not = None, ""
    try:
        scores = reference.model.score(snapshot.frame)
    except PackageError as error:
        why_not = str(error)
    else:
        scored = _scored(reference, snapshot, scores, earlier)
    return MonthReport(
        as_of=as_of,
        source=snapshot.source,
        rows=len(snapshot.frame),
        named=snapshot.named,
        duplicates=snapshot.duplicates,
        quality=quality(reference, snapshot, limits),
        columns=column_shifts(reference, snapshot.frame, limits),
        scored=scored,
        why_not=why_not,
        behaviour=behaviour(snapshot.frame, reference.X, limits.behaviour, experiment.panel, level=limits.level),
    )


def _scored(reference: Reference, snapshot: Snapshot, scores: pd.DataFrame, earlier: PreviousMonth | None) -> Scored:
    limits = reference.experiment.monitoring
    names = [tier.name for tier in reference.tiers]
    segments = by_segment(limits.segments, reference, snapshot, scores, limits)
    performance = None
    if snapshot.known:
        auc_before = reference.holdout.auc.value
        performance = realised(
            snapshot.outcome, scores, names, auc_before=auc_before, dates=snapshot.dates, level=limits.level
        )
    scores = scores.set_axis(pd.Index(snapshot.customer, name="customer", dtype=object), axis=0)
    if (
        earlier is not None
        and earlier.requested
        and not (snapshot.named and scores.index.isin(earlier.customers.index).any())
    ):
        who = "is among those" if snapshot.named else "has an ID to find among those"
        raise InputError(
            f"no customer of the portfolio {who} of {earlier.since}",
            where="--previous",
            fix="name an earlier month of the same customers, and the customer ID column with --id",
        )
    moves = tier_moves(
        scores,
        reference.scores["tier"],
        names,
        before=earlier.customers["tier"] if earlier is not None and snapshot.named else None,
        since=earlier.since if earlier is not None else "",
    )
    return Scored(
        scores=scores,
        shift=score_shift(reference.scores, scores["probability"], limits),
        moves=moves,
        estimated=estimated_performance(scores["probability"].to_numpy(), level=limits.level),
        realised=performance,
        segments=segments,
    )
