"""What the editor's page shows of a draft: plain values, with every number written as people read it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from riskml.display.format import count, number, percent, signed
from riskml.errors import InputError
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.labels import edge_text
from riskml.scorecard.editor.draft import Draft, LevelDraft, NumericDraft
from riskml.scorecard.editor.notes import asked_trend, bin_notes, column_notes


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
        "fine": _fine(draft),
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


def _fine(draft: Draft) -> list[dict[str, Any]]:
    """Return the pre-bins, or the levels, as the picture shows them: share of rows, event rate, and where to cut."""
    return _prebins(draft) if isinstance(draft, NumericDraft) else _levels(draft)


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
