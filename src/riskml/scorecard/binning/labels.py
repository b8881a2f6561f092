"""What the bins are called: by their bounds, by their levels, or by what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from riskml.runtime.frame import level

MISSING, UNSEEN = "Missing", "Unseen"


def interval_labels(splits: Iterable[float]) -> list[str]:
    """Return the labels of the intervals between cuts.

    >>> interval_labels([30.0, 50.5])
    ['(-inf, 30)', '[30, 50.5)', '[50.5, inf)']
    """
    ends = ["-inf", *(edge_text(float(split)) for split in splits), "inf"]
    return [f"{'(' if i == 0 else '['}{a}, {b})" for i, (a, b) in enumerate(zip(ends, ends[1:], strict=False))]


def special_label(code: float | str) -> str:
    """Return the label of a special code's bin.

    >>> special_label(-1.0)
    'Special -1'
    """
    return f"Special {level(code)}"


def group_labels(groups: Sequence[Sequence[str]]) -> list[str]:
    """Return the labels of groups of levels; no two are alike, and none is that of missing or unseen values.

    >>> group_labels([["own"], ["rent", "parents"], ["Missing"]])
    ['own', 'rent, parents', "level 'Missing'"]
    """
    labels: list[str] = []
    for names in groups:
        label = _group_label(names)
        if label in (MISSING, UNSEEN, *labels):
            label = f"level{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
        labels.append(label)
    return labels


def edge_text(value: float) -> str:
    """Return a bin's edge as its label has it: every digit, and no more.

    >>> edge_text(1234567.25), edge_text(1e-7)
    ('1234567.25', '1e-07')
    """
    value = float(value)
    return np.format_float_positional(value, trim="-") if 1e-5 <= abs(value) < 1e15 or value == 0 else repr(value)


def _group_label(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
