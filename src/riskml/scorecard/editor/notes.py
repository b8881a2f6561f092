"""In what edited bins depart from what was asked of them; nothing forbids it, and nothing hides it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from riskml.display.format import count, percent
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.editor.draft import Draft, NumericDraft

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
                notes[order[place]].append(f"breaks the {word} in {_listed(names)}")
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
    """Return the trend that the bins are to keep: the one asked for, or else the one that they began with."""
    if draft.options.monotonic == "none":
        return "none"
    if not isinstance(draft, NumericDraft):
        # Groups stand in the order of their event rates; only in a single period can they break it.
        return "ascending"
    return start.trend if draft.options.monotonic.startswith("auto") else draft.options.monotonic


def breaks(rate: Floats, trend: str) -> list[int]:
    """Return the bins at which a trend is broken.

    >>> breaks(np.array([0.3, 0.2, 0.25, 0.1]), "descending")
    [2]
    >>> breaks(np.array([0.3, 0.4, 0.2, 0.25]), "peak")
    [3]
    """
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


def _listed(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
