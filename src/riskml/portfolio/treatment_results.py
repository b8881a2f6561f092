"""What came of it: outcomes joined to what was done, and what that says of the policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskml.config.policy import Policy
from riskml.errors import DataError, InputError, did_you_mean, preview
from riskml.i18n import Language, text
from riskml.runs.months import StoredMonth

_BANDS = 5  # of probability, within a tier
_MIN_COMPARED = 20
_Z = 1.959963984540054  # 95 %
PLANNED, DONE = "planned", ("done", "refused", "replaced")


@dataclass(frozen=True)
class Feedback:
    """What came of the months whose performance window has passed.

    Parameters
    ----------
    labels : DataFrame
        A row for each customer and as-of date: ``customer``, ``as_of``, ``probability``, ``tier``, ``outcome`` (1: the
        event came within the window), ``complained`` (the same of complaints; missing where none were handed in),
        ``treated`` (something optional was done), ``held_out``: for the next training.
    results : DataFrame
        A row for each optional action: ``action``, ``treated``, ``compared``, ``against`` ("held out" or "alike"),
        ``avoided`` (share of the treated who would have had the event and did not), ``low``, ``high`` (95 %),
        ``assumed`` (what the policy's effect promised, on the same scale), ``covered`` (share of the treated with
        anyone to compare with), ``verdict``, ``complaints`` (share of the treated who complained within the window,
        above that of those they are compared with; missing where no complaints were handed in), ``complaints_low``,
        ``complaints_high`` (95 %).
    overrides : DataFrame
        What officers did with what was planned: ``action``, ``status``, ``instead``, ``customers``, ``events``,
        ``event_rate``, ``expected`` (mean probability).
    reconsider : DataFrame
        ``action``, ``finding``, ``found`` and ``against`` (its figures), ``why``: actions of the policy whose assumed
        effect outcomes contradict, those that bring complaints, and those that officers mostly do not carry out.
    """

    labels: pd.DataFrame
    results: pd.DataFrame
    overrides: pd.DataFrame
    reconsider: pd.DataFrame


@dataclass(frozen=True)
class TreatmentResults:
    """What earlier actions brought, for the pack: ``results``, ``overrides`` and ``reconsider`` of a `Feedback`."""

    results: pd.DataFrame
    overrides: pd.DataFrame
    reconsider: pd.DataFrame


def feedback(
    months: Iterable[StoredMonth],
    events: pd.Series,
    policy: Policy,
    *,
    until: dt.date,
    window_days: int,
    decisions: pd.DataFrame | None = None,
    complaints: pd.Series | None = None,
) -> Feedback:
    """Join outcomes to what was done.

    Parameters
    ----------
    events : Series of datetime64
        The day of each customer's event, by customer; customers without one are left out.
    policy : Policy
        Whose assumed effects are held against the outcomes.
    until : date
        Events after it are not in ``events``: only months whose window ends by then count.
    window_days : int
        The performance window: an event counts within so many days after the as-of date.
    decisions : DataFrame, optional
        ``customer``, ``action``, ``status`` (done, refused, replaced), and if they like ``as_of``, ``instead``, ``by``
        and ``why``: what officers did. What nobody speaks of counts as done.
    complaints : Series of datetime64, optional
        The days of all complaints, by customer, who may have several.

    Raises
    ------
    InputError
        When no month's window has passed.
    DataError
        When decisions have no such columns, an unknown status, or speak of one action twice.
    """
    ripe = [month for month in months if month.as_of + dt.timedelta(days=window_days) <= until]
    if not ripe:
        raise InputError(
            f"no month is {window_days} days old on {until}",
            where="--until",
            fix="wait until a window has passed, or say a shorter --window",
        )
    labels = pd.concat([_labelled(month, events, complaints, window_days) for month in ripe], ignore_index=True)
    planned = pd.concat([_optional(month) for month in ripe], ignore_index=True)
    said = _with_decisions(planned, decisions)
    done = said[said["status"].isin([PLANNED, "done"])]
    keys = ["customer", "as_of"]
    labels["treated"] = pd.MultiIndex.from_frame(labels[keys]).isin(pd.MultiIndex.from_frame(done[keys]))
    touched = pd.MultiIndex.from_frame(labels[keys]).isin(pd.MultiIndex.from_frame(said[keys]))
    # Whom an officer gave something else is neither treated nor left alone.
    pool = labels[~touched]
    results = pd.DataFrame(
        [_result(action, own.merge(labels, on=keys), pool, policy) for action, own in done.groupby("action")],
        columns=[
            *("action", "treated", "compared", "against", "avoided", "low", "high", "assumed", "covered", "verdict"),
            *("complaints", "complaints_low", "complaints_high"),
        ],
    )
    overrides = _overrides(said.merge(labels, on=keys))
    return Feedback(labels, results, overrides, _reconsider(results, said))


def _labelled(month: StoredMonth, events: pd.Series, complaints: pd.Series | None, window_days: int) -> pd.DataFrame:
    scores, left_out = month.read("scores"), month.read("left_out")
    day = pd.Timestamp(month.as_of)
    when = pd.to_datetime(events.reindex(scores.index))
    # Who had the event by then could no more be kept from it.
    earlier = (when <= day).to_numpy()
    within = ((when > day) & (when <= day + pd.Timedelta(days=window_days))).to_numpy()
    held = set(left_out.loc[left_out["held_out"].astype(bool), "customer"])
    frame = pd.DataFrame(
        {
            "customer": scores.index,
            "as_of": day,
            "probability": scores["probability"].to_numpy(),
            "tier": scores["tier"].to_numpy(),
            "reason": scores["reason"].to_numpy(),
            "outcome": within.astype(int),
            "complained": np.nan,
            "held_out": scores.index.isin(held),
        }
    )
    if complaints is not None:
        soon = complaints[(complaints > day) & (complaints <= day + pd.Timedelta(days=window_days))]
        frame["complained"] = scores.index.isin(soon.index).astype(float)
    return frame[~earlier].reset_index(drop=True)


def _optional(month: StoredMonth) -> pd.DataFrame:
    actions = month.read("actions")
    chosen = actions.loc[~actions["mandatory"].astype(bool), ["customer", "action"]]
    return chosen.assign(as_of=pd.Timestamp(month.as_of))


def _with_decisions(planned: pd.DataFrame, decisions: pd.DataFrame | None) -> pd.DataFrame:
    if decisions is None:
        return planned.assign(status=PLANNED, instead="")
    absent = [name for name in ("customer", "action", "status") if name not in decisions]
    if absent:
        raise DataError(
            f"the decisions have no column {absent[0]!r}",
            where="the decisions",
            fix=did_you_mean(absent[0], list(decisions.columns)) or "they need customer, action and status",
        )
    strange = decisions.loc[~decisions["status"].isin(DONE), "status"].unique()
    if len(strange):
        raise DataError(
            f"unknown status {preview(strange)}",
            where="the decisions, column 'status'",
            fix=f"it is one of {', '.join(DONE)}",
        )
    keys = ["customer", "action", *(["as_of"] if "as_of" in decisions else [])]
    given = decisions[[*keys, "status", *(["instead"] if "instead" in decisions else [])]].copy()
    if "as_of" in given:
        given["as_of"] = pd.to_datetime(given["as_of"])
    if given.duplicated(keys).any():
        raise DataError(
            f"{int(given.duplicated(keys).sum())} actions are decided twice",
            where="the decisions",
            fix="keep one row for each customer, action and as-of date",
        )
    joined = planned.merge(given, on=keys, how="left")
    joined["status"] = joined["status"].fillna(PLANNED)
    joined["instead"] = joined["instead"].astype(object).fillna("") if "instead" in joined else ""
    return joined


def _result(action: Any, treated: pd.DataFrame, pool: pd.DataFrame, policy: Policy) -> dict[str, object]:
    """Return the events avoided: treated against similar untreated customers."""
    held = pool[pool["held_out"]]
    against, others = ("held out", held) if len(held) >= _MIN_COMPARED else ("alike", pool)
    edges = np.unique(np.quantile(treated["probability"], np.linspace(0, 1, _BANDS + 1)[1:-1]))
    fewer = _difference(treated, others, lambda rows: rows["probability"] - rows["outcome"], edges)
    more = _difference(treated, others, lambda rows: rows["complained"], edges)
    assumed = (
        float(treated["probability"].mean()) * policy.treatments[action].effect if action in policy.treatments else 0.0
    )
    return {
        "action": action,
        "treated": len(treated),
        "compared": fewer.compared,
        "against": against,
        "avoided": fewer.mean,
        "low": fewer.low,
        "high": fewer.high,
        "assumed": assumed,
        "covered": fewer.covered,
        "verdict": _verdict(fewer, assumed),
        "complaints": more.mean,
        "complaints_low": more.low,
        "complaints_high": more.high,
    }


@dataclass(frozen=True)
class _Difference:
    """How far the treated lie above those they are compared with, with its 95 % interval."""

    mean: float
    low: float
    high: float
    compared: int
    covered: float


def _difference(
    treated: pd.DataFrame, others: pd.DataFrame, of: Callable[[pd.DataFrame], pd.Series], edges: Any
) -> _Difference:
    def celled(rows: pd.DataFrame) -> pd.DataFrame:
        band = np.searchsorted(edges, rows["probability"], side="right")
        grouped = of(rows).groupby([rows["tier"], rows["reason"], band])
        return pd.DataFrame({"rows": grouped.size(), "mean": grouped.mean(), "var": grouped.var(ddof=1)})

    both = celled(treated).join(celled(others).add_suffix("_of"), how="inner")
    both = both[(both["rows"] > 1) & (both["rows_of"] > 1)]
    weight = both["rows"] / both["rows"].sum() if len(both) else both["rows"]
    mean = float((weight * (both["mean"] - both["mean_of"])).sum(skipna=False)) if len(both) else float("nan")
    squares = weight**2 * (both["var"] / both["rows"] + both["var_of"] / both["rows_of"])
    error = float(np.sqrt(squares.sum()))
    covered = float(both["rows"].sum() / max(len(treated), 1))
    return _Difference(mean, mean - _Z * error, mean + _Z * error, int(both["rows_of"].sum()), covered)


def _verdict(found: _Difference, assumed: float) -> str:
    if found.compared < _MIN_COMPARED or np.isnan(found.mean):
        return "too few to compare with"
    if found.high <= 0:
        return "does harm, or nothing"
    if found.high < assumed:
        return "less than assumed"
    if found.low > assumed:
        return "more than assumed"
    return "as assumed" if found.low > 0 else "not known yet"


def _overrides(rows: pd.DataFrame) -> pd.DataFrame:
    grouped = rows.groupby(["action", "status", "instead"], sort=True)
    found = grouped.agg(
        customers=("outcome", "size"),
        events=("outcome", "sum"),
        event_rate=("outcome", "mean"),
        expected=("probability", "mean"),
    )
    return pd.DataFrame(found).reset_index()


def _reconsider(results: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    rows: list[tuple[str, str, float, float]] = []
    for one in results.to_dict("records"):
        if one["verdict"] in ("less than assumed", "does harm, or nothing"):
            rows.append((one["action"], one["verdict"], 100 * one["avoided"], 100 * one["assumed"]))
        if one["complaints_low"] > 0 and one["compared"] >= _MIN_COMPARED:
            rows.append((one["action"], "complaints", 100 * one["complaints"], 0.0))
    known = said[said["status"] != PLANNED]
    for action, own in known.groupby("action"):
        passed = int((own["status"] != "done").sum())
        if len(own) >= _MIN_COMPARED and passed > len(own) / 2:
            rows.append((str(action), "not carried out", passed, len(own)))
    found = pd.DataFrame(rows, columns=["action", "finding", "found", "against"])
    found["why"] = [why(finding, number, against, "en") for _, finding, number, against in rows]
    return found


def why(finding: str, found: float, against: float, language: Language) -> str:
    """Return in words why an action is to be reconsidered."""
    return text(f"reconsider.{finding}", language, found=found, against=against)
