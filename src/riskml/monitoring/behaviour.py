"""What customers do, each against its own past: purchases, payments, complaints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.monitoring import Aspect, AspectConfig, BehaviourConfig
from riskml.config.panel import PanelConfig
from riskml.metrics._intervals import rate_interval
from riskml.runtime.frame import numeric

ASPECTS: tuple[Aspect, ...] = ("frequency", "payment", "complaints")


@dataclass(frozen=True)
class Behaviour:
    """What was seen of the customers.

    Parameters
    ----------
    summary : DataFrame
        A row for each aspect that the data hold: ``aspect``, ``customers`` (with both figures), ``recent`` and
        ``usual`` (means, on usual's scale), ``worse`` (customers whose change is beyond the limit), ``share``, ``low``,
        ``high`` (of the customers, with the interval), ``share_in_training`` (missing where training has no such
        column).
    customers : DataFrame of shape (n, any)
        ``frequency``, ``frequency_usual``, ``frequency_change`` (recent less usual, on usual's scale),
        ``frequency_worse``, and likewise ``payment`` and ``complaints``.
    absent : mapping of aspect to str
        Why an aspect cannot be told.
    """

    summary: pd.DataFrame
    customers: pd.DataFrame
    absent: Mapping[str, str]


def behaviour(
    frame: pd.DataFrame,
    training: pd.DataFrame,
    asked: BehaviourConfig,
    panel: PanelConfig | None = None,
    *,
    level: float = 0.95,
) -> Behaviour:
    """Hold each customer against its own past.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        The month's customers.
    training : DataFrame
        The training rows: how many customers had such a change then.
    panel : PanelConfig, optional
        Has columns for what ``asked`` leaves out.
    level : float, default 0.95
        Of the intervals.
    """
    columns = asked.completed(panel).aspects()
    rows: list[dict[str, object]] = []
    found: dict[str, pd.Series] = {}
    absent: dict[str, str] = {}
    for aspect in ASPECTS:
        why = _lacking(aspect, columns, frame)
        if why:
            absent[aspect] = why
            continue
        own = _against_its_past(aspect, columns[aspect], frame, asked)
        found |= {f"{aspect}{name}": values for name, values in own.items()}
        rows.append({"aspect": aspect, **_summed(own, level), "share_in_training": np.nan})
        if not _lacking(aspect, columns, training):
            then = _summed(_against_its_past(aspect, columns[aspect], training, asked), level)
            rows[-1]["share_in_training"] = then["share"]
    names = ["aspect", "customers", "recent", "usual", "worse", "share", "low", "high", "share_in_training"]
    return Behaviour(pd.DataFrame(rows, columns=names), pd.DataFrame(found, index=frame.index), absent)


def _lacking(aspect: Aspect, columns: Mapping[Aspect, AspectConfig], frame: pd.DataFrame) -> str:
    if aspect not in columns:
        return f"no columns of it are known: name them in monitoring.behaviour.{aspect}"
    said = columns[aspect]
    missing = [name for name in (said.recent, said.usual) if name not in frame.columns]
    return f"the data have no column {', '.join(map(repr, missing))}" if missing else ""


def _against_its_past(
    aspect: Aspect, columns: AspectConfig, frame: pd.DataFrame, asked: BehaviourConfig
) -> dict[str, pd.Series]:
    recent = pd.Series(_numbers(frame[columns.recent]), index=frame.index) * columns.scale
    usual = pd.Series(_numbers(frame[columns.usual]), index=frame.index)
    change = recent - usual
    if aspect == "frequency":
        # Who never bought has nothing to fall from.
        worse = (usual > 0) & (recent <= (1 - asked.frequency_fall) * usual)
    elif aspect == "payment":
        worse = change >= asked.payment_rise_days
    else:
        # One complaint of late is one, whatever the length of the usual window makes of it.
        worse = change >= asked.complaints_rise * columns.scale
    return {"": recent, "_usual": usual, "_change": change, "_worse": worse & change.notna()}


def _numbers(values: pd.Series) -> np.ndarray:
    try:
        return numeric(values)
    except (TypeError, ValueError):
        # Quality tells of it where the model reads it.
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _summed(own: Mapping[str, pd.Series], level: float) -> dict[str, float]:
    known = own["_change"].notna()
    count, worse = int(known.sum()), int(own["_worse"].sum())
    low, high = rate_interval(np.array([float(worse)]), np.array([float(max(count, 1))]), level)
    return {
        "customers": count,
        "recent": float(own[""][known].mean()),
        "usual": float(own["_usual"][known].mean()),
        "worse": worse,
        "share": worse / count if count else float("nan"),
        "low": float(low[0]),
        "high": float(high[0]),
    }
