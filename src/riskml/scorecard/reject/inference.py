"""Reject inference: what to do with applicants who were declined, and so have no outcome.

A card built on accepted applicants alone knows only people whom the old policy liked. None of the remedies adds
information: each replaces the unknown outcomes by an assumption, and only the outcomes of some declined applicants who
were accepted on trial would test it. Look at `reject_sensitivity` before a card is signed.

References
----------
Hand and Henley (1993), Can reject inference ever work? IMA Journal of Mathematics Applied in Business and Industry 5:
the declined applicants' characteristics cannot help unless further assumptions are made.
Crook and Banasik (2004), Does reject inference really improve the performance of application scoring models? Journal
of Banking and Finance 28: on applicants who were all accepted, reweighting did harm and extrapolation changed little.
Siddiqi (2006), Credit Risk Scorecards: fuzzy augmentation and parcelling.
Little and Rubin (2002), Statistical Analysis with Missing Data: when missing outcomes may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import column_or_1d

from riskml.base import pandas_or_array
from riskml.errors import ConfigError, DataError, preview
from riskml.runtime.frame import Floats
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import probability
from riskml.scorecard.binning.options import Seed, check_seed
from riskml.scorecard.binning.target import row_weights
from riskml.scorecard.card.scorecard import Scorecard
from riskml.scorecard.reject.parcelling import NO_BANDS, extrapolated, score_bands
from riskml.scorecard.segments.scorecard import SegmentedScorecard

Method = Literal["known", "fuzzy", "parcelling"]
WARNINGS: dict[Method, str] = {
    "known": "The known outcomes alone: unbiased only where all that the old policy looked at is on the card (outcomes "
    "missing at random, Little and Rubin 2002); probabilities of declined applicants are extrapolated.",
    "fuzzy": "Fuzzy augmentation: every declined applicant counts as an event and as a non-event, weighted by the "
    "first card's probability (Siddiqi 2006). With uplift 1 it extrapolates what that card believes, which Crook and "
    "Banasik (2004) found neither to harm nor to help; it understates standard errors, because inferred rows count as "
    "observed.",
    "parcelling": "Parcelling: outcomes of declined applicants are drawn, score band by score band, at the event rate "
    "of accepted ones times the uplift (Siddiqi 2006). The uplift is an assumption that no data of accepted "
    "applicants can test (Hand and Henley 1993), and it moves the result.",
}


@dataclass(frozen=True, repr=False)
class Augmented:
    """Applicants with known and with inferred outcomes.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        Accepted applicants first; a declined one keeps its index, and occurs twice in fuzzy augmentation.
    event : ndarray of shape (n,)
        The outcome, 1 for an event, observed or assumed.
    warning : str
        What the method's literature warns of.
    y : ndarray of shape (n,)
        The outcome in the card's classes: ``Scorecard().fit(both.X, both.y, both.weight)``.
    bands : DataFrame
        Of parcelling, a row per score band from the riskiest: ``band`` (points), ``accepted``, ``rejected`` (rows),
        ``accepted_event_rate``, ``assumed_rate`` (uplift included), ``source`` (whose rate it is: of the accepted, or
        the card's mean probability where too few were accepted). Without rows for the other methods.
    """

    X: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats
    inferred: NDArray[np.bool_]
    warning: str
    y: NDArray[Any]
    method: Method
    bands: pd.DataFrame

    def __repr__(self) -> str:
        """Return what it holds, and the warning."""
        return f"Augmented({self._summary})\n{self.warning}"

    def _repr_html_(self) -> str:
        bands = self.bands.to_html(index=False, border=0, escape=True) if len(self.bands) else ""
        return f"<p>{escape(self._summary)}</p><p><strong>{escape(self.warning)}</strong></p>{bands}"

    @property
    def _summary(self) -> str:
        known = int((~self.inferred).sum())
        return f"method={self.method!r}, {known:,} known rows, {int(self.inferred.sum()):,} inferred rows"


Card = Scorecard | SegmentedScorecard


def infer_rejects(
    card: Card,
    X: Any,
    y: Any,
    rejected: Any,
    *,
    sample_weight: Any = None,
    method: Method = "fuzzy",
    uplift: float = 1.0,
    bands: int = 10,
    random_state: Seed = 0,
) -> Augmented:
    """Return accepted and declined applicants together, the latter with assumed outcomes.

    Parameters
    ----------
    card : Scorecard or SegmentedScorecard
        Fitted on the accepted.
    y : array of shape (n_accepted,)
        Their outcomes, with the card's classes.
    sample_weight : array of shape (n_accepted,), optional
        Of the accepted; a declined applicant weighs 1.
    uplift : float
        By how much the odds (fuzzy) or the event rate of a band (parcelling) of declined applicants exceed those of
        accepted ones who look the same. At least 1: the old policy knew something.
    bands : int
        Score bands of equal numbers of applicants, accepted or not (parcelling). A band in which fewer than 30 were
        accepted, or none of them had the event, takes the card's mean probability instead of their event rate.
    random_state : int, generator or None
        Seed of the draws (parcelling).

    Raises
    ------
    ConfigError, DataError
        When an argument is impossible, or the tables and outcomes do not fit the card.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> card = Scorecard(max_bins=2).fit(X, y)
    >>> both = infer_rejects(card, X, y, pd.DataFrame({"age": [19, 21]}))
    >>> len(both.X), round(float(both.weight.sum()), 6)
    (84, 82.0)
    """
    _check_options(card, method, uplift, bands)
    check_seed(random_state)
    accepted, declined = _table(card, X, "X"), _table(card, rejected, "rejected")
    if apart := sorted(set(map(str, accepted.columns)) ^ set(map(str, declined.columns))):
        raise DataError(
            "accepted and declined applicants must have the same columns", where=f"only in one of the tables: {apart}"
        )
    event = _event(card, y, len(accepted))
    weight = row_weights(sample_weight, len(accepted))
    weight = np.ones(len(accepted)) if weight is None else weight
    warning, table = WARNINGS[method], NO_BANDS.copy()
    frame, events = accepted, event
    if not len(declined):
        warning += " There are no declined applicants: nothing was inferred."
    elif method == "fuzzy":
        known, unknown = card.schema_.conform(accepted), card.schema_.conform(declined)
        p = probability(_margin(card, declined) + np.log(uplift))
        frame = pd.concat([known, unknown, unknown])
        events = np.concatenate([event, np.ones(len(unknown), np.int8), np.zeros(len(unknown), np.int8)])
        weight = np.concatenate([weight, p, 1 - p])
    elif method == "parcelling":
        both = pd.concat([card.schema_.conform(accepted), card.schema_.conform(declined)])
        table, band = score_bands(
            _points(card, both), probability(_margin(card, both)), event, weight, int(bands), float(uplift)
        )
        rate = table["assumed_rate"].to_numpy()[band[len(accepted) :]]
        drawn = (np.random.default_rng(random_state).random(len(declined)) < rate).astype(np.int8)
        frame = both
        events, weight = np.concatenate([event, drawn]), np.concatenate([weight, np.ones(len(declined))])
        warning += extrapolated(table)
    inferred = np.arange(len(frame)) >= len(accepted)
    return Augmented(frame, events, weight, inferred, warning, card.classes_[events.astype(int)], method, table)


def _refuse_another_fit(card: Card, sample_weight: Any) -> None:
    """Refuse a card that the new ones would not compare with, as it was fitted with what they have not."""
    cards = card.cards_.values() if isinstance(card, SegmentedScorecard) else [card]
    fitted_with = {name for one in cards for name in one.fitted_with_}
    if "periods" in fitted_with:
        raise ConfigError(
            "the card was fitted with periods, and declined applicants have none: the cards would not compare",
            where="reject_sensitivity",
            fix="hand in a card that was fitted without periods",
        )
    weighted = "sample_weight" in fitted_with
    if weighted != (sample_weight is not None):
        raise ConfigError(
            f"the card was fitted {'with' if weighted else 'without'} sample_weight: the cards would not compare",
            where="reject_sensitivity",
            fix="hand in the same sample_weight=" if weighted else "leave sample_weight= out, or fit a card with it",
        )


def reject_sensitivity(
    card: Card,
    X: Any,
    y: Any,
    rejected: Any,
    *,
    sample_weight: Any = None,
    uplifts: Sequence[float] = (1.0, 1.5, 2.0),
    random_state: Seed = 0,
) -> pd.DataFrame:
    """Return how much a card depends on what is assumed of declined applicants.

    Parameters
    ----------
    card : Scorecard or SegmentedScorecard
        Fitted on the accepted; its parameters are used for the others.
    X, y, rejected, sample_weight
        As for `infer_rejects`; ``sample_weight`` is that which the card was fitted with, or none where it had none.

    Returns
    -------
    DataFrame
        A row per method and uplift: ``method``, ``uplift``, ``event_rate_rejected`` (what the new card expects of
        declined applicants), ``mean_points_shift`` and ``largest_points_shift`` of accepted ones against the first
        card, ``rank_correlation`` of both cards' points, ``warning`` (what the method's literature warns of).

    Raises
    ------
    ConfigError, DataError
        As for `infer_rejects`, and when the card was edited manually in a way that a new fit would not repeat, or was
        fitted with periods, which declined applicants do not have, or with weights that are not handed in.
    """
    _check_card(card)
    _refuse_edits(card)
    _refuse_another_fit(card, sample_weight)
    uplifts = _listed(uplifts)
    before = _points(card, _table(card, X, "X"))
    rows = []
    inferring: tuple[Method, ...] = ("fuzzy", "parcelling")
    trials: list[tuple[Method, float]] = [("known", 1.0), *((method, up) for method in inferring for up in uplifts)]
    for method, uplift in trials:
        both = infer_rejects(
            card, X, y, rejected, sample_weight=sample_weight, method=method, uplift=uplift, random_state=random_state
        )
        other = clone(card).fit(both.X, both.y, both.weight)
        after = _points(other, _table(card, X, "X"))
        expected = probability(_margin(other, _table(card, rejected, "rejected")))
        rows.append(
            {
                "method": method,
                "uplift": uplift,
                "event_rate_rejected": float(expected.mean()) if len(expected) else np.nan,
                "mean_points_shift": float((after - before).mean()),
                "largest_points_shift": float(np.abs(after - before).max()),
                "rank_correlation": float(pd.Series(before).rank().corr(pd.Series(after).rank())),
                "warning": both.warning,
            }
        )
    return pd.DataFrame(rows)


def _margin(card: Card, frame: pd.DataFrame) -> Floats:
    columns = _columns(card, frame)
    return card.model_.margin(columns) if columns else np.full(len(frame), card.model_.base)


def _points(card: Card, frame: pd.DataFrame) -> Floats:
    columns = _columns(card, frame)
    points = card.model_.points(columns) if columns else np.full(len(frame), card.model_.base_points)
    return np.asarray(points, dtype=np.float64)


def _columns(card: Card, frame: pd.DataFrame) -> Mapping[str, NDArray[Any]]:
    # Not by the card's own methods: they ask for the columns in the order of its training.
    return read_columns(card.schema_.conform(frame), card.model_.kinds)


def _table(card: Card, table: Any, name: str) -> pd.DataFrame:
    table = pandas_or_array(table)
    if isinstance(table, pd.DataFrame):
        return table
    values = np.asarray(table)
    if values.ndim != 2 or values.shape[1] != len(card.schema_):
        raise DataError(
            f"a table of {len(card.schema_)} columns is expected; got an array of shape {values.shape}",
            where=name,
            fix="hand in the columns that the card was fitted on",
        )
    return pd.DataFrame(values, columns=list(card.schema_.names)).infer_objects()


def _event(card: Card, y: Any, rows: int) -> NDArray[np.int8]:
    if y is None:
        raise DataError("the outcomes of accepted applicants are missing: y is None", where="y")
    try:
        labels = column_or_1d(y)
    except ValueError as error:
        raise DataError(f"one outcome per row is expected: {error}", where="y") from None
    if len(labels) != rows:
        raise DataError(f"{rows} accepted applicants have {len(labels)} outcomes", where="y")
    blank = pd.isna(labels)
    if blank.any():
        raise DataError(
            f"the outcome is missing in {int(blank.sum())} rows, the first at position {int(np.argmax(blank))}",
            where="y",
            fix="leave these rows out, or hand them in with the declined",
        )
    strange = ~np.isin(labels, card.classes_)
    if strange.any():
        got = preview(pd.unique(labels[strange]).tolist())
        raise DataError(
            f"the card knows the outcomes {card.classes_.tolist()}; got {got}",
            where="y",
            fix="give the outcomes as the card was fitted with",
        )
    return np.asarray(labels == card.classes_[1]).astype(np.int8)


def _check_options(card: Card, method: str, uplift: Any, bands: Any) -> None:
    _check_card(card)
    if method not in get_args(Method):
        raise ConfigError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}", where="infer_rejects")
    if isinstance(uplift, bool) or not isinstance(uplift, Real) or not 1 <= float(uplift) < np.inf:
        raise ConfigError(
            f"uplift must be at least 1 and a finite number; got {uplift!r}",
            where="infer_rejects",
            fix="declined applicants are not safer than accepted ones who look the same",
        )
    if isinstance(bands, bool) or not isinstance(bands, Integral) or int(bands) < 1:
        raise ConfigError(f"bands must be a whole number, at least 1; got {bands!r}", where="infer_rejects")


def _listed(uplifts: Any) -> list[Any]:
    if isinstance(uplifts, (str, bytes)) or np.ndim(uplifts) != 1:
        raise ConfigError(
            f"uplifts are a list of numbers; got {uplifts!r}",
            where="reject_sensitivity",
            fix="give uplifts=[1, 1.5, 2]",
        )
    return list(uplifts)


def _check_card(card: Card) -> None:
    if not isinstance(card, (Scorecard, SegmentedScorecard)):
        raise ConfigError(f"a Scorecard is expected; got {type(card).__name__}", where="card")
    if not hasattr(card, "model_"):
        raise ConfigError("the card is not fitted", where="card", fix="fit it on the accepted applicants")


def _refuse_edits(card: Card) -> None:
    if isinstance(card, Scorecard):
        lost = [edit.column for edit in card.edits_ if edit.points is not None]  # new bins are parameters, and stay
    else:
        lost = [f"{edit.column} ({segment})" for segment, edits in card.edits_.items() for edit in edits]
    if lost:
        raise ConfigError(
            f"the card was edited manually, which a new fit does not repeat: {', '.join(lost)}",
            where="reject_sensitivity",
            fix="hand in the card as it was before the edits",
        )
