"""One colour for one meaning, in every picture, table and page.

The colours are those of Okabe and Ito (2008), told apart by readers with any of the common colour blindnesses.
"""

from __future__ import annotations

INK = "#1f2933"
MUTED = "#66717d"
GRID = "#e3e7eb"
PAPER = "#ffffff"

EVENT = "#d55e00"
NON_EVENT = "#8fa3b5"
OVERALL = "#3c4650"

SCORECARD = "#0072b2"
KINDS = {"numeric": "#4b6584", "categorical": "#b7a261"}
SHARE = "#e4e9ee"

_LOW, _MIDDLE, _HIGH = "#5b9bd5", "#f0c23b", "#d55e00"


def tier_colours(n: int) -> list[str]:
    """Return the colours of n tiers, the safest first: from blue over yellow to red.

    >>> tier_colours(3)
    ['#5b9bd5', '#f0c23b', '#d55e00']
    """
    if n < 2:
        return [_LOW] * n
    return [_between(i / (n - 1)) for i in range(n)]


def _between(place: float) -> str:
    start, end, share = (_LOW, _MIDDLE, place * 2) if place <= 0.5 else (_MIDDLE, _HIGH, place * 2 - 1)
    channels = zip(_rgb(start), _rgb(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
