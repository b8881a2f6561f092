"""Worklists of the roles: actions, alerts and messages, with columns for officers' decisions.

Officers fill in ``status``, ``instead`` and ``note``; `riskml feedback --decisions` reads the lists back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.i18n import ROLES, Language, label, labels
from riskml.io import workbook
from riskml.policy.messages import plain_text
from riskml.runtime.batch import harmless
from riskml.warning.delivery.table import localised, role_alerts, with_overdue

MOST_ROWS = 2_000  # of a sheet; the CSV files hold all rows
_COLUMNS = [
    *("due", "customer", "tier", "probability", "reason", "because", "title", "why", "cost", "expected_benefit"),
    *("mandatory", "channel", "action", "as_of", "status", "instead", "note"),
]
_MESSAGE_COLUMNS = ["due", "customer", "title", "channel", "subject", "text", "action"]


@dataclass(frozen=True)
class RoleList:
    """Worklist of one role, with labels in the officers' language."""

    actions: pd.DataFrame
    alerts: pd.DataFrame
    messages: pd.DataFrame


def role_lists(
    actions: pd.DataFrame,
    alerts: pd.DataFrame,
    messages: pd.DataFrame,
    as_of: dt.date,
    policy: Policy,
    rules: WarningRules | None,
    language: Language,
) -> dict[str, RoleList]:
    """Return each role's actions, open alerts and messages, by due date, mandatory actions first.

    Parameters
    ----------
    actions : DataFrame
        Of `riskml.policy.actions.Plan`.
    alerts : DataFrame
        Of `riskml.warning.delivery.table.alerts_table`.
    messages : DataFrame
        Of `riskml.policy.messages.messages`.
    """
    late = with_overdue(alerts, as_of)
    order = ["due", "mandatory", "expected_benefit"]
    lists: dict[str, RoleList] = {}
    for role in ROLES:
        own = actions[actions["owner"] == role].sort_values(order, ascending=[True, False, False], kind="stable")
        warned = role_alerts(late, role)
        lists[role] = RoleList(
            _action_list(own, as_of, policy, language),
            warned if rules is None else localised(warned, rules, language),
            _message_list(messages[messages["owner"] == role], policy, language),
        )
    return lists


def _action_list(actions: pd.DataFrame, as_of: dt.date, policy: Policy, language: Language) -> pd.DataFrame:
    table = actions.assign(as_of=str(as_of), status="", instead="", note="")[_COLUMNS]
    table["tier"] = table["tier"].map({name: policy.tier_title(name, language) for name in policy.tiers})
    table["reason"] = [policy.reason_title(name, language) for name in table["reason"]]
    table["mandatory"] = [label("list_values", str(value).lower(), language) for value in table["mandatory"]]
    table["channel"] = [label("list_values", value, language) for value in table["channel"]]
    table = table.round({"probability": 4, "cost": 2, "expected_benefit": 2})
    return table.rename(columns=dict(labels("list_columns", language))).reset_index(drop=True)


def _message_list(messages: pd.DataFrame, policy: Policy, language: Language) -> pd.DataFrame:
    table = messages.sort_values("due", kind="stable").reset_index(drop=True)
    table["title"] = [policy.treatment_title(name, language) for name in table["action"]]
    html = table["channel"] == "email"
    table["text"] = [plain_text(body) if mail else body for body, mail in zip(table["body"], html, strict=True)]
    table["channel"] = [label("list_values", value, language) for value in table["channel"]]
    return table[_MESSAGE_COLUMNS].rename(columns=dict(labels("list_columns", language)))


def write_lists(folder: Path, lists: Mapping[str, RoleList], language: Language) -> None:
    """Write ``<role>.xlsx``, and each of its sheets as ``<role>_actions.csv``, ``_alerts.csv``, ``_messages.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, own in lists.items():
        tables = {item.name: getattr(own, item.name) for item in fields(own)}
        for name, table in tables.items():
            # Excel reads a CSV file as UTF-8 only with a byte order mark.
            harmless(_with_date_texts(table)).to_csv(folder / f"{role}_{name}.csv", index=False, encoding="utf-8-sig")
        sheets = {label("list_columns", name, language): table.head(MOST_ROWS) for name, table in tables.items()}
        workbook(sheets).save(folder / f"{role}.xlsx")


def read_decisions(table: pd.DataFrame) -> pd.DataFrame:
    """Return officers' decisions from a list in either language; rows without a status are dropped."""
    columns = {title: name for name, title in labels("list_columns", "zh").items()}
    statuses = {labels("treatment", "zh")[status]: status for status in ("done", "refused", "replaced")}
    decisions = table.rename(columns={name: columns[name] for name in table.columns if name in columns})
    if "status" not in decisions:
        return decisions
    status = decisions["status"].fillna("").astype(str).str.strip()
    decisions = decisions.assign(status=status.replace(statuses))[status != ""]
    for name in ("customer", "action"):
        if name in decisions and not pd.api.types.is_numeric_dtype(decisions[name]):
            # The apostrophe kept a spreadsheet from reading a formula.
            decisions[name] = decisions[name].astype(str).str.replace(r"^'(?=[=+\-@\t\r])", "", regex=True)
    return decisions


def _with_date_texts(table: pd.DataFrame) -> pd.DataFrame:
    dates = {str(name): table[name].dt.strftime("%Y-%m-%d") for name in table.select_dtypes("datetime")}
    return table.assign(**dates)
