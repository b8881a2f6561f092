"""Content of the editor's page: formatted values of a draft, with notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from riskml.display.format import count, number, percent, signed
from riskml.errors import InputError
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.labels import edge_text
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.editor.draft import Draft, LevelDraft, NumericDraft

# Of so few rows, a part of four fifths lacks all with a chance that is worth a word.
_LASTING = 10


def bin_notes(draft: Draft, start: ColumnBins, in_periods: pd.DataFrame | None = None) -> list[list[str]]:
    """Return the notes on each regular bin."""
    counts = draft.bins.counts[: draft.bins.regular]
    notes = [_size(bin_, draft.options, float(draft.counts.totals.sum())) for bin_ in counts]
    trend = asked_trend(draft, start)
    order = _order(draft, counts)
    broken = breaks(_rates(counts)[order], trend)
    for place in broken:
        notes[order[place]].append(f"breaks the {trend} trend")
    if in_periods is not None and len(in_periods):
        for place, names in _broken_periods(draft.bins.labels, in_periods, order, trend).items():
            if place not in broken:
                word = "trend" if isinstance(draft, NumericDraft) else "order"
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                notes[order[place]].append(f"breaks the {word} in {', '.join(names[:3])}{more}")
    if isinstance(draft, NumericDraft):
        for place, note in _too_alike(counts, draft.options):
            notes[place].append(note)
    return notes


def column_notes(draft: Draft) -> list[str]:
    """Return the notes on the column as a whole."""
    bins, options = draft.bins.regular, draft.options
    notes = [f"more than max_bins={options.max_bins}"] if bins > options.max_bins else []
    return notes + ([f"fewer than min_bins={options.min_bins}"] if bins < options.min_bins else [])


def asked_trend(draft: Draft, start: ColumnBins) -> str:
    """Return the trend that the bins are to keep: the requested one, or else the initial one."""
    if draft.options.monotonic == "none":
        return "none"
    if not isinstance(draft, NumericDraft):
        # Groups stand in the order of their event rates; only in a single period can they break it.
        return "ascending"
    return start.trend if draft.options.monotonic.startswith("auto") else draft.options.monotonic


def breaks(rate: Floats, trend: str) -> list[int]:
    """Return the bins at which a trend is broken."""
    rate = np.asarray(rate, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(rate))
    step = np.diff(rate[known])
    if trend in ("concave", "convex"):
        bend = np.diff(step) * (1 if trend == "concave" else -1)
        return [int(place) for place in known[2:][bend > 1e-12]]
    after = np.arange(1, len(known))
    if trend == "ascending":
        direction = np.ones(len(step))
    elif trend == "descending":
        direction = -np.ones(len(step))
    elif trend == "peak" and len(known):
        direction = np.where(after <= int(rate[known].argmax()), 1, -1)
    elif trend == "valley" and len(known):
        direction = np.where(after <= int(rate[known].argmin()), -1, 1)
    else:
        return []
    return [int(place) for place in known[1:][step * direction < -1e-12]]


def _size(bin_: Floats, options: ColumnOptions, total: float) -> list[str]:
    nonevent, event = bin_
    rows = nonevent + event
    notes = []
    if rows < options.min_bin_size * total - 1e-9 * total:
        notes.append(f"fewer than {percent(options.min_bin_size, 0)} of all rows")
    if rows < _LASTING:
        notes.append("so few rows that a cross-validation may lose the bin")
    for name, least, value in (("events", options.min_events, event), ("non-events", options.min_nonevents, nonevent)):
        if value < least - 1e-9:
            notes.append(f"fewer than {count(least)} {name}" if least > 1 else f"no {name}")
    return notes


def _too_alike(counts: Floats, options: ColumnOptions) -> list[tuple[int, str]]:
    rows, rate = counts.sum(axis=1), _rates(counts)
    pairs = []
    for place in range(1, len(counts)):
        if not rows[place - 1] or not rows[place]:
            continue
        gap = abs(rate[place] - rate[place - 1])
        if gap < options.min_rate_difference - 1e-12:
            pairs.append((place, f"less than {percent(options.min_rate_difference)} from the bin before"))
        if options.max_p_value < 1:
            pooled = counts[[place - 1, place], 1].sum() / rows[[place - 1, place]].sum()
            error = np.sqrt(max(pooled * (1 - pooled), 1e-300) * (1 / rows[place - 1] + 1 / rows[place]))
            p = 2 * norm.sf(gap / error)
            if p > options.max_p_value:
                pairs.append((place, f"like the bin before: p {p:.2f}, asked at most {options.max_p_value:g}"))
    return pairs


def _broken_periods(
    labels: Sequence[str], in_periods: pd.DataFrame, order: NDArray[np.intp], trend: str
) -> dict[int, list[str]]:
    periods: dict[int, list[str]] = {}
    for period, part in in_periods.groupby("period", sort=False):
        by_label = dict(zip(part["bin"], part["event_rate"], strict=True))
        rate = np.array([by_label.get(labels[place], np.nan) for place in order], dtype=np.float64)
        for place in breaks(rate, trend):
            periods.setdefault(place, []).append(str(period))
    return periods


def _order(draft: Draft, counts: Floats) -> NDArray[np.intp]:
    """Return the bins in the order of their values; groups of levels in the order of their event rates."""
    if isinstance(draft, NumericDraft):
        return np.arange(len(counts))
    return np.asarray(np.argsort(_rates(counts), kind="stable"))


def _rates(counts: Floats) -> Floats:
    rows = counts.sum(axis=1)
    return np.where(rows > 0, counts[:, 1] / np.maximum(rows, 1e-300), np.nan)


def column_page(draft: Draft, start: ColumnBins, in_periods: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return everything that the page shows of one column."""
    bins = draft.bins
    # A column whose values are all missing has no bin to change.
    regular = bins.regular if bins.counts[: bins.regular].sum() > 0 else 0
    table = bins.table(empty=True)
    # A group of which these rows have no level is shown too: it can be merged.
    table = table[(table["count"] > 0) | (np.arange(len(table)) < regular)]
    reach = float(np.abs(table["woe"]).max()) or 1.0
    total, events = float(table["count"].sum()), float(table["event"].sum())
    notes = bin_notes(draft, start, in_periods) if regular else []
    rows = [
        {
            "label": str(row["bin"]),
            "rows": count(row["count"]),
            "share": float(row["count"] / total),
            "share_text": percent(row["count"] / total),
            "events": count(row["event"]),
            "rate": float(row["event_rate"]) if row["count"] else 0.0,
            "rate_text": percent(row["event_rate"]),
            "woe": float(row["woe"] / reach),
            "woe_text": signed(row["woe"]),
            "iv_text": number(row["iv"]),
            "regular": place < regular,
            "levels": list(draft.groups[place]) if isinstance(draft, LevelDraft) and place < regular else [],
            "notes": notes[place] if place < regular else [],
            "merge_iv": _iv_if(draft, "merged", place, place + 1) if place + 1 < regular else "",
            "split_iv": _iv_if(draft, "split", place) if place < regular else "",
        }
        for place, row in enumerate(table.to_dict(orient="records"))
    ]
    trend = asked_trend(draft, start)
    return {
        "column": draft.column,
        "kind": "numeric" if isinstance(draft, NumericDraft) else "categorical",
        "iv": number(bins.iv),
        "iv_start": number(start.iv),
        "iv_change": signed(bins.iv - start.iv, 3),
        "trend": bins.trend,
        "trend_start": start.trend,
        "trend_asked": trend
        if isinstance(draft, NumericDraft) and not draft.options.monotonic.startswith("auto")
        else "",
        "notes": column_notes(draft) if regular else [],
        "regular": regular,
        "regular_start": start.regular if regular else 0,
        "total": count(total),
        "overall": events / total,
        "overall_text": percent(events / total),
        "bins": rows,
        "fine": _prebins(draft) if isinstance(draft, NumericDraft) else _levels(draft),
        "periods": _periods(bins, in_periods) if in_periods is not None else [],
    }


def _periods(bins: ColumnBins, in_periods: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the event rate of each regular bin in each period; None where it has no row."""
    rows = []
    for period, part in in_periods.groupby("period", sort=False):
        by_label = dict(zip(part["bin"], part["event_rate"], strict=True))
        rates = [by_label.get(label) for label in bins.labels[: bins.regular]]
        rows.append({"name": str(period), "rates": [None if rate is None else float(rate) for rate in rates]})
    return rows


def _iv_if(draft: Draft, change: str, *arguments: int) -> str:
    try:
        return number(getattr(draft, change)(*arguments).bins.iv)
    except InputError:
        return ""


def _prebins(draft: NumericDraft) -> list[dict[str, Any]]:
    counts = draft.counts.counts
    rows = counts.sum(axis=1)
    starts = [draft.first_prebin(bin_) for bin_ in range(1, draft.bins.regular)]
    prebins = []
    for at in np.flatnonzero(rows > 0):
        low = None if at == 0 else float(draft.counts.edges[at - 1])
        rate = float(counts[at, 1] / rows[at])
        begins = "" if low is None else f"from {edge_text(low)}: "
        prebins.append(
            {
                "bin": int(np.searchsorted(starts, at, side="right")),
                "share": float(rows[at] / rows.sum()),
                "rate": rate,
                "at": low,
                "cut_text": "" if low is None else edge_text(low),
                "text": f"{begins}{count(rows[at])} rows, event rate {percent(rate)}",
            }
        )
    return prebins


def _levels(draft: LevelDraft) -> list[dict[str, Any]]:
    total = max(float(draft.counts.counts.sum()), 1e-300)
    rows = []
    for place, group in enumerate(draft.groups):
        for name in group:
            own = float(draft.rows_of(name).sum())
            rate = draft.rate_of(name)
            rows.append(
                {
                    "bin": place,
                    "share": own / total,
                    "rate": rate,
                    "level": name,
                    "text": f"{name}: {count(own)} rows, event rate {percent(rate)}",
                }
            )
    return rows
