"""What came of it: outcomes joined to what was done, and what that says of the policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import DataError, InputError
from riskml.managing.folder import Managed
from riskml.policy_config import Policy
from riskml.schema import near, shortened

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
        event came within the window), ``treated`` (something optional was done), ``held_out``: for the next training.
    results : DataFrame
        A row for each optional action: ``action``, ``treated``, ``compared``, ``against`` ("held out" or "alike"),
        ``avoided`` (share of the treated who would have had the event and did not), ``low``, ``high`` (95 %),
        ``assumed`` (what the policy's effect promised, on the same scale), ``covered`` (share of the treated with
        anyone to compare with), ``verdict``.
    overrides : DataFrame
        What officers did with what was planned: ``action``, ``status``, ``instead``, ``customers``, ``events``,
        ``event_rate``, ``expected`` (mean probability).
    reconsider : DataFrame
        ``action``, ``why``: actions of the policy whose assumed effect outcomes contradict, and those that officers
        mostly do not carry out.
    """

    labels: pd.DataFrame
    results: pd.DataFrame
    overrides: pd.DataFrame
    reconsider: pd.DataFrame


def feedback(
    months: Iterable[Managed],
    events: pd.Series,
    policy: Policy,
    *,
    until: dt.date,
    window_days: int,
    decisions: pd.DataFrame | None = None,
) -> Feedback:
    """Join outcomes to what was done.

    Parameters
    ----------
    months : iterable of Managed
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

    Returns
    -------
    Feedback

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
            mend="wait until a window has passed, or say a shorter --window",
        )
    labels = pd.concat([_labelled(month, events, window_days) for month in ripe], ignore_index=True)
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
            *("action", "treated", "compared", "against", "avoided", "low", "high", "assumed", "covered", "verdict")
        ],
    )
    overrides = _overrides(said.merge(labels, on=keys))
    return Feedback(labels, results, overrides, _reconsider(results, said))


def _labelled(month: Managed, events: pd.Series, window_days: int) -> pd.DataFrame:
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
            "held_out": scores.index.isin(held),
        }
    )
    return frame[~earlier].reset_index(drop=True)


def _optional(month: Managed) -> pd.DataFrame:
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
            mend=near(absent[0], list(decisions.columns)) or "they need customer, action and status",
        )
    strange = decisions.loc[~decisions["status"].isin(DONE), "status"].unique()
    if len(strange):
        raise DataError(
            f"unknown status {shortened(strange)}",
            where="the decisions, column 'status'",
            mend=f"it is one of {', '.join(DONE)}",
        )
    keys = ["customer", "action", *(["as_of"] if "as_of" in decisions else [])]
    given = decisions[[*keys, "status", *(["instead"] if "instead" in decisions else [])]].copy()
    if "as_of" in given:
        given["as_of"] = pd.to_datetime(given["as_of"])
    if given.duplicated(keys).any():
        raise DataError(
            f"{int(given.duplicated(keys).sum())} actions are decided twice",
            where="the decisions",
            mend="keep one row for each customer, action and as-of date",
        )
    joined = planned.merge(given, on=keys, how="left")
    joined["status"] = joined["status"].fillna(PLANNED)
    joined["instead"] = joined["instead"].fillna("") if "instead" in joined else ""
    return joined


def _result(action: Any, treated: pd.DataFrame, pool: pd.DataFrame, policy: Policy) -> dict[str, object]:
    """Return the events that an action avoided: treated against untreated customers alike in tier, reason, probability.

    Within each cell the difference between outcome and probability is compared, so that what the model knows of the
    customers is taken out; cells are weighted by the treated.
    """
    held = pool[pool["held_out"]]
    against, others = ("held out", held) if len(held) >= _MIN_COMPARED else ("alike", pool)
    edges = np.unique(np.quantile(treated["probability"], np.linspace(0, 1, _BANDS + 1)[1:-1]))

    def celled(rows: pd.DataFrame) -> pd.DataFrame:
        gap = rows["outcome"] - rows["probability"]
        band = np.searchsorted(edges, rows["probability"], side="right")
        grouped = gap.groupby([rows["tier"], rows["reason"], band])
        return pd.DataFrame({"rows": grouped.size(), "mean": grouped.mean(), "var": grouped.var(ddof=1)})

    ours, theirs = celled(treated), celled(others)
    both = ours.join(theirs.add_suffix("_of"), how="inner")
    both = both[(both["rows"] > 1) & (both["rows_of"] > 1)]
    weight = both["rows"] / both["rows"].sum() if len(both) else both["rows"]
    avoided = float((weight * (both["mean_of"] - both["mean"])).sum()) if len(both) else float("nan")
    error = float(np.sqrt((weight**2 * (both["var"] / both["rows"] + both["var_of"] / both["rows_of"])).sum()))
    low, high = avoided - _Z * error, avoided + _Z * error
    assumed = (
        float(treated["probability"].mean()) * policy.treatments[action].effect if action in policy.treatments else 0.0
    )
    return {
        "action": action,
        "treated": len(treated),
        "compared": int(both["rows_of"].sum()),
        "against": against,
        "avoided": avoided,
        "low": low,
        "high": high,
        "assumed": assumed,
        "covered": float(both["rows"].sum() / max(len(treated), 1)),
        "verdict": _verdict(avoided, low, high, assumed, int(both["rows_of"].sum())),
    }


def _verdict(avoided: float, low: float, high: float, assumed: float, compared: int) -> str:
    if compared < _MIN_COMPARED or np.isnan(avoided):
        return "too few to compare with"
    if high <= 0:
        return "does harm, or nothing"
    if high < assumed:
        return "less than assumed"
    if low > assumed:
        return "more than assumed"
    return "as assumed" if low > 0 else "not known yet"


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
    rows = []
    for action, verdict, avoided, assumed in results[["action", "verdict", "avoided", "assumed"]].to_numpy():
        if verdict in ("less than assumed", "does harm, or nothing"):
            told = f"of 100 treated {100 * avoided:.1f} avoided the event, {100 * assumed:.1f} were assumed to"
            rows.append((action, f"{verdict}: {told}"))
    known = said[said["status"] != PLANNED]
    for action, own in known.groupby("action"):
        passed = int((own["status"] != "done").sum())
        if len(own) >= _MIN_COMPARED and passed > len(own) / 2:
            rows.append((action, f"officers did something else in {passed} of {len(own)} cases"))
    return pd.DataFrame(rows, columns=["action", "why"])
