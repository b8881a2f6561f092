"""The list of each role: what to do for whom, by when, and why, what to say, and room for what was done.

Officers fill in ``status``, ``instead`` and ``note``; `riskml feedback --decisions` reads the lists back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.i18n import ROLES, Language, label, labels
from riskml.io import workbook
from riskml.policy.messages import plain_text
from riskml.runtime.batch import harmless
from riskml.warning.delivery.table import role_alerts, with_overdue
from riskml.warning.format import in_words

MOST_ROWS = 2_000  # of a sheet: beyond, a person filters the CSV
_COLUMNS = [
    *("due", "customer", "tier", "probability", "reason", "because", "title", "why", "cost", "expected_benefit"),
    *("mandatory", "channel", "action", "as_of", "status", "instead", "note"),
]
_MESSAGES = ["due", "customer", "title", "channel", "subject", "text", "action"]


@dataclass(frozen=True)
class RoleList:
    """What one role does: frames in words, with ``actions``, ``alerts`` and ``messages``."""

    actions: pd.DataFrame
    alerts: pd.DataFrame
    messages: pd.DataFrame


@dataclass(frozen=True)
class Spoken:
    """Whose words lists are told in."""

    policy: Policy
    rules: WarningRules | None
    language: Language


def role_lists(
    actions: pd.DataFrame, alerts: pd.DataFrame, messages: pd.DataFrame, as_of: dt.date, spoken: Spoken
) -> dict[str, RoleList]:
    """Return each role's actions, open alerts and messages: what is due first in front, then what must be done.

    Parameters
    ----------
    actions : DataFrame
        As of `riskml.policy.actions.Plan`.
    alerts : DataFrame
        As of `riskml.warning.delivery.table.alerts_table`.
    messages : DataFrame
        As `riskml.policy.messages.messages` returns them.
    """
    late = with_overdue(alerts, as_of)
    found: dict[str, RoleList] = {}
    for role in ROLES:
        own = actions[actions["owner"] == role]
        order = ["due", "mandatory", "expected_benefit"]
        own = own.sort_values(order, ascending=[True, False, False], kind="stable")
        warned = role_alerts(late, role)
        found[role] = RoleList(
            _actions(own, as_of, spoken),
            warned if spoken.rules is None else in_words(warned, spoken.rules, spoken.language),
            _messages(messages[messages["owner"] == role], spoken),
        )
    return found


def _actions(own: pd.DataFrame, as_of: dt.date, spoken: Spoken) -> pd.DataFrame:
    policy, language = spoken.policy, spoken.language
    told = own.assign(as_of=str(as_of), status="", instead="", note="")[_COLUMNS]
    told["tier"] = told["tier"].map({name: policy.tier_title(name, language) for name in policy.tiers})
    told["reason"] = [policy.reason_title(name, language) for name in told["reason"]]
    told["mandatory"] = [label("list_values", str(value).lower(), language) for value in told["mandatory"]]
    told["channel"] = [label("list_values", value, language) for value in told["channel"]]
    told = told.round({"probability": 4, "cost": 2, "expected_benefit": 2})
    return told.rename(columns=dict(labels("list_columns", language))).reset_index(drop=True)


def _messages(own: pd.DataFrame, spoken: Spoken) -> pd.DataFrame:
    language = spoken.language
    told = own.sort_values("due", kind="stable").reset_index(drop=True)
    told["title"] = [spoken.policy.treatment_title(name, language) for name in told["action"]]
    html = told["channel"] == "email"
    told["text"] = [plain_text(body) if mail else body for body, mail in zip(told["body"], html, strict=True)]
    told["channel"] = [label("list_values", value, language) for value in told["channel"]]
    return told[_MESSAGES].rename(columns=dict(labels("list_columns", language)))


def write_lists(folder: Path, lists: Mapping[str, RoleList], language: Language) -> None:
    """Write ``<role>.xlsx``, and each of its sheets as ``<role>_actions.csv``, ``_alerts.csv``, ``_messages.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, one in lists.items():
        tables = {"actions": one.actions, "alerts": one.alerts, "messages": one.messages}
        for name, table in tables.items():
            # Excel takes a CSV for UTF-8 only with the mark.
            harmless(_dated(table)).to_csv(folder / f"{role}_{name}.csv", index=False, encoding="utf-8-sig")
        sheets = {label("list_columns", name, language): table.head(MOST_ROWS) for name, table in tables.items()}
        workbook(sheets).save(folder / f"{role}.xlsx")


def decided(table: pd.DataFrame) -> pd.DataFrame:
    """Return what officers wrote into lists, in either language: rows without a status are left out."""
    heads = {title: name for name, title in labels("list_columns", "zh").items()}
    statuses = {labels("treatment", "zh")[status]: status for status in ("done", "refused", "replaced")}
    said = table.rename(columns={name: heads[name] for name in table.columns if name in heads})
    if "status" not in said:
        return said
    text = said["status"].fillna("").astype(str).str.strip()
    said = said.assign(status=text.replace(statuses))[text != ""]
    for name in ("customer", "action"):
        if name in said and not pd.api.types.is_numeric_dtype(said[name]):
            # What kept it from being a formula goes again.
            said[name] = said[name].astype(str).str.replace(r"^'(?=[=+\-@\t\r])", "", regex=True)
    return said


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    told = table.copy()
    for name in told.select_dtypes("datetime"):
        told[name] = told[name].dt.strftime("%Y-%m-%d")
    return told
