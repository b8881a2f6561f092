"""Behaviour of customers against their own past: purchases, payments, complaints."""

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
    """Recent and usual behaviour.

    Parameters
    ----------
    summary : DataFrame
        A row for each aspect in the data: ``aspect``, ``customers`` (with both figures), ``recent`` and ``usual``
        (means, on the scale of ``usual``), ``worse`` (customers whose change exceeds the limit), ``share``, ``low``,
        ``high`` (of the customers, with the interval), ``share_in_training`` (missing without such a training column).
    customers : DataFrame of shape (n, any)
        ``frequency``, ``frequency_usual``, ``frequency_change`` (recent minus usual, on the scale of usual),
        ``frequency_worse``, and likewise ``payment`` and ``complaints``.
    absent : mapping of aspect to str
        Why an aspect was not measured.
    """

    summary: pd.DataFrame
    customers: pd.DataFrame
    absent: Mapping[str, str]


def behaviour(
    frame: pd.DataFrame,
    training: pd.DataFrame,
    config: BehaviourConfig,
    panel: PanelConfig | None = None,
    *,
    level: float = 0.95,
) -> Behaviour:
    """Compare each customer with its own past.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        The month's customers.
    training : DataFrame
        The training rows, for the share of customers with such a change.
    panel : PanelConfig, optional
        Its columns complete those of ``config``.
    level : float, default 0.95
        Of the intervals.
    """
    columns = config.completed(panel).aspects()
    rows: list[dict[str, object]] = []
    changes: dict[str, pd.Series] = {}
    absent: dict[str, str] = {}
    for aspect in ASPECTS:
        why = _lacking(aspect, columns, frame)
        if why:
            absent[aspect] = why
            continue
        own = _changes(aspect, columns[aspect], frame, config)
        changes |= {f"{aspect}{name}": values for name, values in own.items()}
        rows.append({"aspect": aspect, **_summary(own, level), "share_in_training": np.nan})
        if not _lacking(aspect, columns, training):
            then = _summary(_changes(aspect, columns[aspect], training, config), level)
            rows[-1]["share_in_training"] = then["share"]
    names = ["aspect", "customers", "recent", "usual", "worse", "share", "low", "high", "share_in_training"]
    return Behaviour(pd.DataFrame(rows, columns=names), pd.DataFrame(changes, index=frame.index), absent)


def _lacking(aspect: Aspect, columns: Mapping[Aspect, AspectConfig], frame: pd.DataFrame) -> str:
    if aspect not in columns:
        return f"no columns are configured: name them in monitoring.behaviour.{aspect}"
    missing = [name for name in (columns[aspect].recent, columns[aspect].usual) if name not in frame.columns]
    return f"the data have no column {', '.join(map(repr, missing))}" if missing else ""


def _changes(
    aspect: Aspect, columns: AspectConfig, frame: pd.DataFrame, config: BehaviourConfig
) -> dict[str, pd.Series]:
    recent = pd.Series(_numbers(frame[columns.recent]), index=frame.index) * columns.scale
    usual = pd.Series(_numbers(frame[columns.usual]), index=frame.index)
    change = recent - usual
    if aspect == "frequency":
        # A customer without purchases cannot buy less.
        worse = (usual > 0) & (recent <= (1 - config.frequency_fall) * usual)
    elif aspect == "payment":
        worse = change >= config.payment_rise_days
    else:
        # One recent complaint counts as one, whatever the length of the usual window.
        worse = change >= config.complaints_rise * columns.scale
    return {"": recent, "_usual": usual, "_change": change, "_worse": worse & change.notna()}


def _numbers(values: pd.Series) -> np.ndarray:
    try:
        return numeric(values)
    except (TypeError, ValueError):
        # Data quality reports it where the model uses the column.
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _summary(own: Mapping[str, pd.Series], level: float) -> dict[str, float]:
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
