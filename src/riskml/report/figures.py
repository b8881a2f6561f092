"""The pictures of a run as the report shows them: embedded, described, each in its part of the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskml.report.png import png_facts

_SHOWN_PER_INCH = 96

# The parts of the page that hold a picture, and how to read it.
# A name that ends in "_" stands for all that begin so.
_CAPTIONS: Mapping[str, tuple[str, str]] = {
    "target": ("data", "Rows and events of each part. The parts should have about the same share of events."),
    "records_over_time": ("data", "What the tables hold, month by month: a gap is news that never came."),
    "events_over_time": (
        "data",
        "The event rate at each as-of date, with its 95 % interval; the pale bars are customers.",
    ),
    "missing_over_time": ("data", "A column whose share of missing values jumps was defined anew, or began late."),
    "strength_over_time": ("data", "The strongest columns at each as-of date: one that fades will not hold."),
    "missing": ("data", "Columns with missing values. A customer with missing values is scored, not refused."),
    "event_rate": (
        "data",
        "Each dot is the event rate in a bin of the column, the dashed line the overall rate, the pale bar the share "
        "of rows. A column whose dots lie far from the line tells much; one whose dots lie on it, nothing by itself.",
    ),
    "woe_": ("data", "The bins of one column. A positive weight of evidence raises the risk."),
    "leaderboard": (
        "leaderboard",
        "Families whose bars overlap can hardly be told apart. "
        "A rhomb far left of its dot would be a sign of overfitting.",
    ),
    "search": ("leaderboard", "When the line is flat at its end, more trials would hardly help."),
    "search_settings": (
        "leaderboard",
        "How each setting went with the AUC of the trials: what the search met, not what causes what.",
    ),
    "search_seconds": ("leaderboard", "A family far to the right and no higher is not worth its seconds."),
    "roc": (
        "validation",
        "From the left: as more customers are flagged, the share of events found rises, at the price of false alarms. "
        "The further above the dashed line, the better.",
    ),
    "calibration": (
        "validation",
        "Customers in ten bands of probability. On the dashed line, as many events came as were predicted; "
        "above it, more.",
    ),
    "score_distribution": (
        "validation",
        "The further the two groups lie apart, the better the model tells them from one another.",
    ),
    "gains": (
        "validation",
        "Left: the share of all events among the riskiest customers. Right: how risky each band is, as a multiple of "
        "the overall rate.",
    ),
    "tiers": ("tiers", "The black mark should lie within the coloured interval."),
    "drivers": ("drivers", "How far each column moves the scores of the book, on average."),
    "profiles": (
        "drivers",
        "The mean probability if all customers had a column's value; the pale bars say where the customers are.",
    ),
    "segments": ("validation", "Where an interval does not touch the dashed line, the level of risk is off."),
    "periods": ("validation", "A level of risk that drifts away from the dashed line calls for a recalibration."),
    "fairness": (
        "validation",
        "Left of the dashed line a group gets less than four fifths of what the best placed gets.",
    ),
    "profit": ("tiers", "What decisions earn by the share of customers acted on; the rhomb was chosen on other rows."),
    "learning": ("leaderboard", "Where the lower line still rises at its end, more rows would help."),
    "reasons": ("book", "How one customer's score comes about, from the average customer's."),
}
_ALIASES = {
    "target_overview": "target",
    "missing_and_kinds": "missing",
    "columns": "event_rate",
    "event_rates": "event_rate",
    "event_rate_by_column": "event_rate",
    "search_history": "search",
    "scores": "score_distribution",
    "lift": "gains",
    "strongest_column": "woe_",
    "riskiest": "reasons",
    "reasons_of_customer": "reasons",
}


@dataclass(frozen=True)
class Shown:
    """A picture of the run as the page shows it."""

    source: str  # the PNG file itself, as a data URI
    alt: str  # what it shows, for those who cannot see it
    width: int  # in CSS pixels
    height: int
    caption: str  # how to read it


def gallery(folder: Path) -> dict[str, list[Shown]]:
    """Return the pictures in the run's folder ``figures`` by the part of the page they belong to, in their order."""
    shown: dict[str, list[tuple[int, Shown]]] = {}
    order = list(_CAPTIONS)
    for path in sorted((folder / "figures").glob("*.png")):
        content = path.read_bytes()
        facts = png_facts(content)
        if facts is None:
            continue
        name = _ALIASES.get(path.stem, path.stem)
        known = next((key for key in order if name == key or (key.endswith("_") and name.startswith(key))), None)
        part, caption = _CAPTIONS[known] if known else ("more", "")
        scale = _SHOWN_PER_INCH / (facts.dots_per_inch or _SHOWN_PER_INCH)
        picture = Shown(
            source="data:image/png;base64," + base64.b64encode(content).decode("ascii"),
            alt=facts.description or path.stem.replace("_", " "),
            width=round(facts.width * scale),
            height=round(facts.height * scale),
            caption=caption or path.stem.replace("_", " "),
        )
        shown.setdefault(part, []).append((order.index(known) if known else len(order), picture))
    return {part: [picture for _, picture in sorted(of, key=lambda pair: pair[0])] for part, of in shown.items()}
