"""The pack's part on early warning: what is open, what was closed and how it ended, what to look at first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.display.format import count
from riskml.display.table import Cell, Head, Table, text_cell
from riskml.i18n import Language, in_language, label, labels
from riskml.warning.delivery.table import alerts_table
from riskml.warning.format import cause_words, signs_words

_FIRST = 10
_HAPPENED = ("opened", "raised", "acknowledged", "escalated", "closed")


@dataclass(frozen=True)
class Warned:
    """What early warning has to tell of a month."""

    rules: WarningRules | None = None  # none where no rules were handed in
    opened: int = 0  # alerts that the month opened
    # as of `riskml.warning.delivery.table.alerts_table`: open ones, the first to look at in front; and those that were
    # closed since the month before
    open: pd.DataFrame = field(default_factory=lambda: alerts_table([]))
    closed: pd.DataFrame = field(default_factory=lambda: alerts_table([]))
    happened: Mapping[str, int] = field(default_factory=dict)  # how often what happened since the month before


def alerts_context(warned: Warned, as_of: dt.date, language: Language) -> dict[str, object]:
    """Return what the page's template shows of alerts."""
    said = labels("meeting", language)
    if warned.rules is None:
        return {"alerts": None, "alerts_lack": said["no_rules"], "happened": [], "first": None, "closed": None}
    rules, open_ = warned.rules, warned.open
    return {
        "alerts": _open(rules, open_, as_of, language) if len(open_) else None,
        "alerts_lack": said["no_alerts"],
        "happened": [
            (label("alert", name, language), count(warned.happened[name]))
            for name in _HAPPENED
            if name in warned.happened
        ],
        "first": _first(rules, open_.head(_FIRST), language) if len(open_) else None,
        "closed": _closed(rules, warned.closed, language) if len(warned.closed) else None,
    }


def _open(rules: WarningRules, alerts: pd.DataFrame, as_of: dt.date, language: Language) -> Table:
    said = labels("meeting", language)
    late = alerts.assign(late=[due < as_of for due in alerts["due"]])
    grouped = late.groupby(["level", "cause", "role"], sort=False).agg(
        number=("key", "size"), overdue=("late", "sum"), due=("due", "min")
    )
    grouped = grouped.reset_index().sort_values(["level", "number"], ascending=[False, False], kind="stable")
    rows = [
        [
            text_cell(label("alert", row["level"], language)),
            text_cell(cause_words(rules, row["cause"], language)),
            text_cell(label("role", row["role"], language)),
            Cell(count(row["number"])),
            Cell(count(row["overdue"])),
            text_cell(row["due"]),
        ]
        for row in grouped.to_dict("records")
    ]
    heads = [Head(said[name]) for name in ("level", "cause", "owner")]
    return Table([*heads, Head(said["number"], True), Head(said["overdue"], True), Head(said["due"], True)], rows)


def _first(rules: WarningRules, alerts: pd.DataFrame, language: Language) -> Table:
    said = labels("meeting", language)
    rows = []
    for row in alerts.to_dict("records"):
        one = rules.indicators.get(row["cause"])
        told = [
            *(row["customer"], label("alert", row["level"], language), signs_words(rules, row["signs"], language)),
            *(label("role", row["role"], language), row["due"]),
            in_language(one.plan, language) if one else row["plan"],
        ]
        rows.append([text_cell(value) for value in told])
    heads = ("customer", "level", "signs", "owner", "due", "plan")
    return Table([Head(said[name], numeric=name == "due") for name in heads], rows)


def _closed(rules: WarningRules, alerts: pd.DataFrame, language: Language) -> Table:
    said = labels("meeting", language)
    grouped = alerts.groupby(["cause", "outcome"]).agg(number=("key", "size")).reset_index()
    rows = [
        [
            text_cell(cause_words(rules, row["cause"], language)),
            text_cell(label("alert", row["outcome"], language)),
            Cell(count(row["number"])),
        ]
        for row in grouped.to_dict("records")
    ]
    return Table([Head(said["cause"]), Head(said["outcome"]), Head(said["number"], True)], rows)
