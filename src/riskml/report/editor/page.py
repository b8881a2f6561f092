"""What the editor's page shows of a draft: plain values, with every number written as people read it."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskml.errors import InputError
from riskml.report.editor.draft import Draft, LevelDraft, NumericDraft
from riskml.report.wording import count, number, percent, signed
from riskml.scorecard.columns import ColumnBins


def column_page(draft: Draft, start: ColumnBins) -> dict[str, Any]:
    """Return everything that the page shows of one column.

    Parameters
    ----------
    draft : NumericDraft or LevelDraft
    start : ColumnBins
        The bins that the editing began with, for comparison.
    """
    bins = draft.bins
    table = bins.table()
    total, rates = float(table["count"].sum()), table["event_rate"].to_numpy(float)
    reach = float(np.abs(table["woe"]).max()) or 1.0
    # A column whose values are all missing has no bin to change.
    regular = bins.regular if bins.counts[: bins.regular].sum() > 0 else 0
    rows = [
        {
            "label": str(row["bin"]),
            "rows": count(row["count"]),
            "share": float(row["count"] / total),
            "share_text": percent(row["count"] / total),
            "events": count(row["event"]),
            "rate": float(row["event_rate"]),
            "rate_text": percent(row["event_rate"]),
            "woe": float(row["woe"] / reach),
            "woe_text": signed(row["woe"]),
            "iv_text": number(row["iv"]),
            "regular": place < regular,
            "levels": list(draft.groups[place]) if isinstance(draft, LevelDraft) and place < regular else [],
            "notes": _notes(draft, start, place, rates, float(row["count"]), total) if place < regular else [],
            "merge_iv": _iv_if(draft, "merged", place, place + 1) if place + 1 < regular else "",
            "split_iv": _iv_if(draft, "split", place) if place < regular else "",
        }
        for place, row in enumerate(table.to_dict(orient="records"))
    ]
    all_events = float(table["event"].sum())
    return {
        "column": draft.column,
        "kind": "numeric" if isinstance(draft, NumericDraft) else "categorical",
        "iv": number(bins.iv),
        "iv_start": number(start.iv),
        "iv_change": signed(bins.iv - start.iv, 3),
        "trend": bins.trend,
        "trend_start": start.trend,
        "regular": regular,
        "regular_start": start.regular if regular else 0,
        "total": count(total),
        "overall": all_events / total,
        "overall_text": percent(all_events / total),
        "bins": rows,
        "fine": _fine(draft),
    }


def _notes(
    draft: Draft, start: ColumnBins, place: int, rates: np.ndarray[Any, Any], rows: float, total: float
) -> list[str]:
    """Return in what a bin departs from what was asked; nothing forbids it."""
    found = []
    least = draft.options.min_bin_size
    if rows < least * total - 1e-9 * total:
        found.append(f"fewer than {percent(least, 0)} of all rows")
    direction = {"ascending": 1, "descending": -1}.get(start.trend, 0)
    if isinstance(draft, NumericDraft) and place and direction * (rates[place] - rates[place - 1]) < 0:
        found.append(f"breaks the {start.trend} trend")
    return found


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
    shown = []
    for at in np.flatnonzero(rows > 0):
        low = None if at == 0 else float(draft.counts.edges[at - 1])
        rate = float(counts[at, 1] / rows[at])
        begins = "" if low is None else f"from {low:g}: "
        shown.append(
            {
                "bin": int(np.searchsorted(starts, at, side="right")),
                "share": float(rows[at] / rows.sum()),
                "rate": rate,
                "at": low,
                "cut_text": "" if low is None else f"{low:g}",
                "text": f"{begins}{count(rows[at])} rows, event rate {percent(rate)}",
            }
        )
    return shown


def _levels(draft: LevelDraft) -> list[dict[str, Any]]:
    rows = draft.counts.counts.sum(axis=1)
    shown = []
    for place, group in enumerate(draft.groups):
        for name in group:
            own = rows[draft.counts.levels.index(name)]
            rate = draft.rate_of(name)
            shown.append(
                {
                    "bin": place,
                    "share": float(own / max(rows.sum(), 1e-300)),
                    "rate": rate,
                    "level": name,
                    "text": f"{name}: {count(own)} rows, event rate {percent(rate)}",
                }
            )
    return shown
