"""Treatment results: outcomes joined to planned actions, and what they show about the policy's assumptions."""

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
PLANNED, DECISIONS = "planned", ("done", "refused", "replaced")


@dataclass(frozen=True)
class TreatmentResults:
    """Results of earlier actions.

    Parameters
    ----------
    results : DataFrame
        A row for each optional action: ``action``, ``treated``, ``compared``, ``against`` ("held out" or "alike"),
        ``avoided`` (events avoided, as a share of the treated), ``low``, ``high`` (95 %), ``assumed`` (the policy's
        assumption, on the same scale), ``covered`` (share of the treated with a comparison), ``verdict``,
        ``complaints`` (share of the treated who complained within the window, minus that of the comparison; missing
        without complaints), ``complaints_low``, ``complaints_high`` (95 %).
    overrides : DataFrame
        Officers' decisions on planned actions: ``action``, ``status``, ``instead``, ``customers``, ``events``,
        ``event_rate``, ``expected`` (mean probability).
    reconsider : DataFrame
        ``action``, ``finding``, ``found`` and ``against`` (its figures), ``why``: actions whose assumed effect is
        contradicted by outcomes, which cause complaints, or which officers mostly do not carry out.
    """

    results: pd.DataFrame
    overrides: pd.DataFrame
    reconsider: pd.DataFrame


@dataclass(frozen=True)
class Feedback(TreatmentResults):
    """Treatment results, and the labels they are computed from.

    Parameters
    ----------
    labels : DataFrame
        A row for each customer and as-of date whose performance window has passed: ``customer``, ``as_of``,
        ``probability``, ``tier``, ``outcome`` (1: event within the window), ``complained`` (the same for complaints;
        missing without complaints), ``treated`` (by an optional action), ``held_out``.
    """

    labels: pd.DataFrame


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
    """Join outcomes to the actions of months.

    Parameters
    ----------
    events : Series of datetime64
        Date of each customer's event, by customer; customers without an event are left out.
    policy : Policy
        Its assumed effects are compared with the outcomes.
    until : date
        Date up to which ``events`` are complete: only months whose window ends by then count.
    window_days : int
        Performance window: an event counts within this number of days after the as-of date.
    decisions : DataFrame, optional
        ``customer``, ``action``, ``status`` (done, refused, replaced), and optionally ``as_of`` and ``instead``:
        officers' decisions. An action without a decision counts as done.
    complaints : Series of datetime64, optional
        Dates of all complaints, by customer, who may have several.

    Raises
    ------
    InputError
        When no month's window has passed.
    DataError
        When decisions lack a column, have an unknown status, or occur twice.
    """
    complete = [month for month in months if month.as_of + dt.timedelta(days=window_days) <= until]
    if not complete:
        raise InputError(
            f"no month is {window_days} days old on {until}",
            where="--until",
            fix="wait until a window has passed, or use a shorter --window",
        )
    labels = pd.concat([_labels(month, events, complaints, window_days) for month in complete], ignore_index=True)
    planned = pd.concat([_optional_actions(month) for month in complete], ignore_index=True)
    decided = _with_decisions(planned, decisions)
    done = decided[decided["status"].isin([PLANNED, "done"])]
    keys = ["customer", "as_of"]
    rows = pd.MultiIndex.from_frame(labels[keys])
    labels["treated"] = rows.isin(pd.MultiIndex.from_frame(done[keys]))
    # A customer whose action was replaced or refused is neither treated nor a comparison.
    pool = labels[~rows.isin(pd.MultiIndex.from_frame(decided[keys]))]
    results = pd.DataFrame(
        [_result(action, own.merge(labels, on=keys), pool, policy) for action, own in done.groupby("action")],
        columns=[
            *("action", "treated", "compared", "against", "avoided", "low", "high", "assumed", "covered", "verdict"),
            *("complaints", "complaints_low", "complaints_high"),
        ],
    )
    overrides = _overrides(decided.merge(labels, on=keys))
    return Feedback(results, overrides, _reconsider(results, decided), labels)


def _labels(month: StoredMonth, events: pd.Series, complaints: pd.Series | None, window_days: int) -> pd.DataFrame:
    scores, left_out = month.read("scores"), month.read("left_out")
    as_of = pd.Timestamp(month.as_of)
    end = as_of + pd.Timedelta(days=window_days)
    dates = pd.to_datetime(events.reindex(scores.index))
    held_out = set(left_out.loc[left_out["held_out"].astype(bool), "customer"])
    frame = pd.DataFrame(
        {
            "customer": scores.index,
            "as_of": as_of,
            "probability": scores["probability"].to_numpy(),
            "tier": scores["tier"].to_numpy(),
            "reason": scores["reason"].to_numpy(),
            "outcome": ((dates > as_of) & (dates <= end)).to_numpy().astype(int),
            "complained": np.nan,
            "held_out": scores.index.isin(held_out),
        }
    )
    if complaints is not None:
        within = complaints[(complaints > as_of) & (complaints <= end)]
        frame["complained"] = scores.index.isin(within.index).astype(float)
    # An action can no longer avoid an earlier event.
    return frame[~(dates <= as_of).to_numpy()].reset_index(drop=True)


def _optional_actions(month: StoredMonth) -> pd.DataFrame:
    actions = month.read("actions")
    optional = actions.loc[~actions["mandatory"].astype(bool), ["customer", "action"]]
    return optional.assign(as_of=pd.Timestamp(month.as_of))


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
    unknown = decisions.loc[~decisions["status"].isin(DECISIONS), "status"].unique()
    if len(unknown):
        raise DataError(
            f"unknown status {preview(unknown)}",
            where="the decisions, column 'status'",
            fix=f"use one of {', '.join(DECISIONS)}",
        )
    keys = ["customer", "action", *(["as_of"] if "as_of" in decisions else [])]
    own = decisions[[*keys, "status", *(["instead"] if "instead" in decisions else [])]].copy()
    if "as_of" in own:
        own["as_of"] = pd.to_datetime(own["as_of"])
    if own.duplicated(keys).any():
        raise DataError(
            f"{int(own.duplicated(keys).sum())} actions are decided twice",
            where="the decisions",
            fix="keep one row for each customer, action and as-of date",
        )
    joined = planned.merge(own, on=keys, how="left")
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
    effect = policy.treatments[action].effect if action in policy.treatments else 0.0
    assumed = float(treated["probability"].mean()) * effect
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
    """Difference between treated customers and their comparison, with its 95 % interval."""

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


def _verdict(difference: _Difference, assumed: float) -> str:
    if difference.compared < _MIN_COMPARED or np.isnan(difference.mean):
        return "too few to compare with"
    if difference.high <= 0:
        return "does harm, or nothing"
    if difference.high < assumed:
        return "less than assumed"
    if difference.low > assumed:
        return "more than assumed"
    return "as assumed" if difference.low > 0 else "not known yet"


def _overrides(rows: pd.DataFrame) -> pd.DataFrame:
    totals = rows.groupby(["action", "status", "instead"], sort=True).agg(
        customers=("outcome", "size"),
        events=("outcome", "sum"),
        event_rate=("outcome", "mean"),
        expected=("probability", "mean"),
    )
    return pd.DataFrame(totals).reset_index()


def _reconsider(results: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    rows: list[tuple[str, str, float, float]] = []
    for result in results.to_dict("records"):
        if result["verdict"] in ("less than assumed", "does harm, or nothing"):
            rows.append((result["action"], result["verdict"], 100 * result["avoided"], 100 * result["assumed"]))
        if result["complaints_low"] > 0 and result["compared"] >= _MIN_COMPARED:
            rows.append((result["action"], "complaints", 100 * result["complaints"], 0.0))
    for action, own in decided[decided["status"] != PLANNED].groupby("action"):
        not_done = int((own["status"] != "done").sum())
        if len(own) >= _MIN_COMPARED and not_done > len(own) / 2:
            rows.append((str(action), "not carried out", not_done, len(own)))
    table = pd.DataFrame(rows, columns=["action", "finding", "found", "against"])
    return table.assign(why=[why(finding, value, against, "en") for _, finding, value, against in rows])


def why(finding: str, value: float, against: float, language: Language) -> str:
    """Return why an action should be reconsidered, as a sentence."""
    return text(f"reconsider.{finding}", language, found=value, against=against)
