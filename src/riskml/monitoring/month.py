"""A month of a model: everything that was measured, and what follows from it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

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
    """What the scores of a month tell."""

    scores: pd.DataFrame  # ``probability``, ``points`` where the model has them, ``tier``; index: the customer
    shift: ScoreShift
    moves: TierMoves
    estimated: EstimatedPerformance
    realised: RealisedPerformance | None  # none while no outcome is known
    segments: pd.DataFrame


@dataclass(frozen=True)
class MonthReport:
    """A monitored date.

    Parameters
    ----------
    source : str
        The file.
    named : bool
        Whether a column names the customers, so that they can be followed.
    quality, columns : DataFrame
        As of `riskml.monitoring.quality.quality` and `riskml.monitoring.drift.column_shifts`.
    scored : Scored or None
        None where the model cannot read the book.
    why_not : str
        Why it cannot.
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
        """Return the month's figures by the names that every month has them under; what is not known is left out."""
        found = {
            "rows": self.rows,
            "duplicates": self.duplicates,
            "broken_columns": int((self.quality["status"] == BROKEN).sum()),
            "missing_rise_max": (self.quality["missing"] - self.quality["missing_in_training"]).max(),
            "psi_column_max": self.columns.loc[self.columns["used"], "psi"].max(),
        }
        if self.scored is not None:
            found |= _of_scores(self.scored)
        for row in self.behaviour.summary.to_dict("records"):
            found[f"{row['aspect']}_worse"] = row["share"]
        return {f"{PREFIX}{name}": float(value) for name, value in found.items() if math.isfinite(value)}


def history(months: Mapping[dt.date, Mapping[str, float]]) -> pd.DataFrame:
    """Return the metrics of months by date, earliest first, without their prefix."""
    rows = {day: {name.removeprefix(PREFIX): value for name, value in months[day].items()} for day in sorted(months)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="as_of")


def _of_scores(scored: Scored) -> dict[str, float]:
    shift, moves, estimated = scored.shift, scored.moves, scored.estimated
    found = {
        "psi_score": shift.psi,
        "psi_score_no_shift": shift.no_shift,
        "mean_probability": shift.now,
        "herfindahl": moves.herfindahl,
        "brier_estimated": estimated.brier.value,
        "log_loss_estimated": estimated.log_loss.value,
    }
    for name, estimate in (("auc_estimated", estimated.auc), ("event_rate_estimated", estimated.event_rate)):
        found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    if moves.same:
        found |= {"moved_riskier": moves.riskier / moves.same, "moved_safer": moves.safer / moves.same}
    came = scored.realised
    if came is not None:
        found |= {"known": came.rows, "events": came.events, "event_rate": came.event_rate}
        found |= {"brier": came.brier, "log_loss": came.log_loss}
        for name, one in (("observed_expected", came.observed_expected), ("auc", came.auc)):
            if one is not None:
                found |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return found


@dataclass(frozen=True)
class PreviousMonth:
    """The customers of an earlier month.

    Parameters
    ----------
    customers : DataFrame
        ``tier``; index: the customer.
    since : str
        Its date.
    requested : bool
        Whether it was named: its customers must be those of the book then. Else it is what happens to be there.
    """

    customers: pd.DataFrame
    since: str
    requested: bool = False


def month_of(reference: Reference, book: Snapshot, as_of: dt.date, earlier: PreviousMonth | None = None) -> MonthReport:
    """Measure a month of a model.

    Parameters
    ----------
    earlier : Earlier, optional
        For who moved between tiers: without it tiers are compared with training's.

    Raises
    ------
    InputError
        When a segment's column is not in the book.
    """
    limits, experiment = reference.experiment.monitoring, reference.experiment
    scored, why_not = None, ""
    try:
        scores = reference.model.score(book.frame)
    except PackageError as error:
        why_not = str(error)
    else:
        scored = _scored(reference, book, scores, earlier)
    return MonthReport(
        as_of=as_of,
        source=book.source,
        rows=len(book.frame),
        named=book.named,
        duplicates=book.duplicates,
        quality=quality(reference, book, limits),
        columns=column_shifts(reference, book.frame, limits),
        scored=scored,
        why_not=why_not,
        behaviour=behaviour(book.frame, reference.X, limits.behaviour, experiment.panel, level=limits.level),
    )


def _scored(reference: Reference, book: Snapshot, scores: pd.DataFrame, earlier: PreviousMonth | None) -> Scored:
    limits = reference.experiment.monitoring
    names = [tier.name for tier in reference.tiers]
    segments = by_segment(limits.segments, reference, book, scores, limits)
    came = None
    if book.known:
        auc_before = reference.holdout.auc.value
        came = realised(book.outcome, scores, names, auc_before=auc_before, dates=book.dates, level=limits.level)
    scores = scores.set_axis(pd.Index(book.customer, name="customer", dtype=object), axis=0)
    if (
        earlier is not None
        and earlier.requested
        and not (book.named and scores.index.isin(earlier.customers.index).any())
    ):
        who = "is among those" if book.named else "goes by a name that could be found among those"
        raise InputError(
            f"no customer of the book {who} of {earlier.since}",
            where="--previous",
            fix="name an earlier month of the same customers, and their column with --id",
        )
    moves = tier_moves(
        scores,
        reference.scores["tier"],
        names,
        before=earlier.customers["tier"] if earlier is not None and book.named else None,
        since=earlier.since if earlier is not None else "",
    )
    return Scored(
        scores=scores,
        shift=score_shift(reference.scores, scores["probability"], limits),
        moves=moves,
        estimated=estimated_performance(scores["probability"].to_numpy(), level=limits.level),
        realised=came,
        segments=segments,
    )
