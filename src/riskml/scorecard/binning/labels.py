"""Labels of bins: their bounds, their levels, or the values they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from riskml.runtime.frame import level

MISSING, UNSEEN = "Missing", "Unseen"
_MOST_NAMES = 6  # levels that the label of a group lists


def interval_labels(splits: Iterable[float]) -> list[str]:
    """Return the labels of the intervals between cuts."""
    ends = ["-inf", *(edge_text(float(split)) for split in splits), "inf"]
    return [f"{'(' if i == 0 else '['}{a}, {b})" for i, (a, b) in enumerate(zip(ends, ends[1:], strict=False))]


def special_label(code: float | str) -> str:
    """Return the label of a special code's bin."""
    return f"Special {level(code)}"


def group_labels(groups: Sequence[Sequence[str]]) -> list[str]:
    """Return the labels of groups of levels; no two are alike, and none is that of missing or unseen values."""
    labels: list[str] = []
    for names in groups:
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        label = ", ".join(names[:_MOST_NAMES]) + more
        if label in (MISSING, UNSEEN, *labels):
            label = f"level{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
        labels.append(label)
    return labels


def edge_text(value: float) -> str:
    """Return a bin's edge as its label has it: every digit, and no more."""
    value = float(value)
    return np.format_float_positional(value, trim="-") if 1e-5 <= abs(value) < 1e15 or value == 0 else repr(value)
