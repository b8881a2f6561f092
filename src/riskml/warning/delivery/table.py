"""Alert lists: tables, a CSV and an Excel file per role, with causes, levels and roles in the reader's language."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.warning import TableDelivery, WarningRules
from riskml.i18n import ROLES, Language, in_language, label, labels, text
from riskml.io import replacing, workbook
from riskml.runtime.batch import harmless
from riskml.warning.alerts import Alert

COLUMNS = [
    *("key", "customer", "level", "state", "cause", "signs", "opened", "due"),
    *("acknowledged", "escalated", "escalated_to", "closed", "outcome", "role", "priority", "plan", "rule"),
]


def alerts_table(alerts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return alerts, as mappings of their fields, one row each; missing fields are empty."""
    rows = [{name: "" if alert[name] is None else alert[name] for name in COLUMNS} for alert in alerts]
    return pd.DataFrame(rows, columns=COLUMNS)


def role_alerts(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Return the alerts of a role, and those escalated to it."""
    return table[(table["role"] == role) | (table["escalated_to"] == role)].reset_index(drop=True)


def with_overdue(table: pd.DataFrame, on: dt.date) -> pd.DataFrame:
    """Return a table with ``overdue_days`` after the due date."""
    late = [0 if closed else max(0, (on - due).days) for due, closed in zip(table["due"], table["closed"], strict=True)]
    out = table.copy()
    out.insert(list(table.columns).index("due") + 1, "overdue_days", late)
    return out


def cause_title(rules: WarningRules, cause: str, language: Language) -> str:
    """Return the title of an indicator, or its name if the rules no longer have it."""
    return in_language(rules.indicators[cause].title, language) if cause in rules.indicators else cause


def signs_text(rules: WarningRules, signs: str, language: Language) -> str:
    """Return signs such as ``late red, score amber`` as text: "invoices are late (red); the score (amber)"."""
    phrases = []
    for sign in filter(None, signs.split(", ")):
        name, _, level = sign.rpartition(" ")
        cause, of = cause_title(rules, name, language), label("alert", level, language)
        phrases.append(f"{cause}（{of}）" if language == "zh" else f"{cause} ({of})")
    return text("alert.separator", language).join(phrases)


def localised(table: pd.DataFrame, rules: WarningRules, language: Language) -> pd.DataFrame:
    """Return a table of alerts with labels in a language."""
    out = table.copy()
    plans = {name: in_language(indicator.plan, language) for name, indicator in rules.indicators.items()}
    out["plan"] = [plans.get(cause, plan) for cause, plan in zip(table["cause"], table["plan"], strict=True)]
    out["cause"] = [cause_title(rules, cause, language) for cause in table["cause"]]
    out["signs"] = [signs_text(rules, signs, language) for signs in table["signs"]]
    for name in {"what", "level", "state", "outcome"} & {*out.columns}:
        out[name] = [label("alert", code, language) for code in table[name]]
    for name in ("role", "escalated_to"):
        out[name] = [label("role", role, language) for role in table[name]]
    return out.rename(columns=dict(labels("alert_columns", language)))


def write_tables(delivery: TableDelivery, rules: WarningRules, alerts: Sequence[Alert], on: dt.date) -> list[Path]:
    """Write the alerts of each role, and those escalated to it; a role without alerts gets an empty list."""
    folder, written = Path(delivery.folder), []
    table = with_overdue(alerts_table([asdict(alert) for alert in alerts]), on)
    for role in ROLES:
        own = localised(role_alerts(table, role), rules, rules.language)
        for ending in delivery.formats:
            path = folder / f"alerts_{role}.{ending}"
            with replacing(path) as temporary:
                if ending == "csv":
                    # Excel reads a CSV file as UTF-8 only with a byte order mark.
                    temporary.write_text(csv_text(own), encoding="utf-8-sig", newline="")
                else:
                    workbook({role: own}).save(temporary)
            written.append(path)
    return written


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV, in which no cell is a formula to a spreadsheet."""
    file = io.StringIO()
    text = table.map(lambda value: str(value) if isinstance(value, dt.date) else value)
    harmless(text).to_csv(file, index=False, lineterminator="\n")
    return file.getvalue()
