"""Payload: rows and alerts of a CRM from tables of scores and alerts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from riskml.crm.connector import Alert, Row, Value
from riskml.crm.mapping import AlertsMap, ScoreField, ScoresMap, clipped
from riskml.errors import DataError, preview

# Control characters other than line ends and tabs, and lone surrogates.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WARNING = ("level", "state", "signs", "role", "escalated_to", "plan")  # columns of early warning
ALERT_COLUMNS = ("key", "customer", "cause", "owner", "due", "text")


def score_rows(
    table: pd.DataFrame,
    scores: ScoresMap,
    *,
    as_of: dt.date | None = None,
    model_version: str = "",
    id: str = "customer",
) -> list[Row]:
    """Return rows to write from a table of scores.

    Parameters
    ----------
    table : DataFrame of shape (customers, any)
        The customer's ID in the CRM; ``score`` (0 … 100, higher is riskier) or ``probability``; ``tier``; ``reasons``
        or ``reason_1``, ``reason_2`` …; ``action`` or ``treatment``; ``model_version`` and ``as_of`` unless passed as
        parameters. Only the mapping's parts are needed.
    id : str
        Column of the customers' IDs.

    Raises
    ------
    DataError
        When columns are missing, a customer occurs twice, or a value does not fit its field.

    Examples
    --------
    >>> scores = ScoresMap.model_validate({"object": "Accounts", "fields": {
    ...     "score": {"field": "Risk_Score", "label": "Risk Score", "type": "integer"}}})
    >>> score_rows(pd.DataFrame({"customer": ["1"], "probability": [0.874]}), scores)
    [Row(customer='1', values={'Risk_Score': 87})]
    """
    ids = _ids(table, id)
    parts = {
        "as_of": [as_of] * len(table) if as_of else None,
        "model_version": [model_version] * len(table) if model_version else None,
    }
    parts_by_name = _parts_of(table, scores.fields, parts)
    columns: dict[str, list[Value]] = {
        field.field: [
            _fitting(value, field, f"{part} of customer {ids[at]}") for at, value in enumerate(parts_by_name[part])
        ]
        for part, field in scores.fields.items()
    }
    return [Row(customer, {field: values[at] for field, values in columns.items()}) for at, customer in enumerate(ids)]


def alert_rows(table: pd.DataFrame, mapping: AlertsMap | None = None) -> list[Alert]:
    """Return alerts from a table."""
    if "owner" not in table and "role" in table:
        table = _warnings(table, {} if mapping is None else mapping.owners)
    lacking = [name for name in ALERT_COLUMNS if name not in table.columns]
    if lacking:
        raise DataError(
            f"the alerts have no column {', '.join(lacking)}",
            fix=f"add {', '.join(ALERT_COLUMNS)}, or use the list of `riskml alerts list -o`",
        )
    keys = _ids(table, "key")
    customers = _names(table, "customer")
    alerts = []
    for at, key in enumerate(keys):
        cause, owner, text = (_text(table[name].iloc[at]) for name in ("cause", "owner", "text"))
        alerts.append(Alert(key, customers[at], cause, owner, _date(table["due"].iloc[at], f"alert {key}"), text))
    return alerts


def _warnings(table: pd.DataFrame, owners: Mapping[str, str]) -> pd.DataFrame:
    """Return the open alerts of early warning as alerts of a CRM, for the role of the escalation or of the owner."""
    columns = {name: [_text(value) for value in table[name]] for name in _WARNING if name in table}
    open = [state != "closed" for state in columns.get("state", ["opened"] * len(table))]
    roles = [
        later or role for later, role in zip(columns.get("escalated_to", columns["role"]), columns["role"], strict=True)
    ]
    lines = zip(*(columns[name] for name in ("level", "signs", "plan") if name in columns), strict=True)
    made = table.assign(
        owner=[owners.get(role, "") for role in roles], text=["\n".join(filter(None, line)) for line in lines] or ""
    )
    return made[pd.Series(open, made.index, dtype=bool)]


def _names(table: pd.DataFrame, column: str) -> list[str]:
    if column not in table.columns:
        raise DataError(
            f"there is no column {column!r}", fix=f"the columns are {preview(list(map(str, table.columns)))}; see --id"
        )
    values = table[column]
    if pd.api.types.is_float_dtype(values.dtype):  # ids of 19 digits have lost their last ones
        raise DataError(f"the ids in {column!r} are floating-point numbers", fix="keep them as text")
    ids = [str(value).strip() for value in values]
    empty = [at + 1 for at, value in enumerate(values) if pd.isna(value) or not ids[at]]
    if empty:
        raise DataError(f"{column!r} is empty in row {empty[0]}", fix="name every customer")
    return ids


def _ids(table: pd.DataFrame, column: str) -> list[str]:
    ids = _names(table, column)
    twice = pd.Series(ids)[pd.Series(ids).duplicated()]
    if len(twice):
        raise DataError(
            f"{twice.nunique()} values of {column!r} occur more than once: {preview(list(twice.unique()), most=5)}",
            fix="keep one row for each",
        )
    return ids


def _scores(table: pd.DataFrame) -> list[Any] | None:
    if "score" in table:
        return list(table["score"])
    return [100.0 * value for value in table["probability"]] if "probability" in table else None


def _reasons(table: pd.DataFrame) -> list[Any] | None:
    if "reasons" in table:
        return list(table["reasons"])
    ranked = [name for name in table.columns if re.fullmatch(r"reason_\d+", str(name))]
    if not ranked:
        return None
    ranked.sort(key=lambda name: int(str(name).split("_")[1]))
    return ["; ".join(filter(None, map(_text, row))) for row in table[ranked].itertuples(index=False)]


def _column(*names: str) -> Callable[[pd.DataFrame], list[Any] | None]:
    return lambda table: next((list(table[name]) for name in names if name in table), None)


# Columns of each part, for messages, and how it is read.
_PARTS: dict[str, tuple[str, Callable[[pd.DataFrame], list[Any] | None]]] = {
    "score": ("score or probability", _scores),
    "tier": ("tier", _column("tier")),
    "reasons": ("reasons, or reason_1, reason_2 …", _reasons),
    "action": ("action or treatment", _column("action", "treatment")),
    "model_version": ("model_version (or --model-version)", _column("model_version")),
    "as_of": ("as_of (or --as-of)", _column("as_of")),
}


def _parts_of(
    table: pd.DataFrame, parts: Iterable[str], constants: Mapping[str, list[Any] | None]
) -> dict[str, list[Any]]:
    """Return the values of each part; refuse a table that lacks some."""
    values = {part: constants.get(part) or _PARTS[part][1](table) for part in parts}
    lacking = [part for part, values in values.items() if values is None]
    if lacking and len(table):
        hints = "".join(f"\n    {_PARTS[part][0]}" for part in lacking)
        rest = " ".join(f"--only {part}" for part in values if part not in lacking)
        raise DataError(
            f"the scores lack columns:{hints}",
            fix="add them, or remove the parts from the mapping's scores.fields"
            + (f", or push the others only: {rest}" if rest else ""),
        )
    return {part: values or [] for part, values in values.items()}


def _fitting(value: Any, field: ScoreField, where: str) -> Value:
    if field.type in ("integer", "number"):
        if pd.isna(value):
            raise DataError("the number is missing", where=where, fix="omit customers without a score")
        return int(float(value) + 0.5) if field.type == "integer" else float(value)
    if field.type == "date":
        return _date(value, where)
    text = _text(value)
    if field.type == "choice" and field.values:
        if text not in field.values:
            raise DataError(
                f"{text!r} is not among the mapping's {', '.join(field.values)}",
                where=where,
                fix=f"add it to the values of {field.field}",
            )
        return field.values[text]
    return clipped(text, field.max_length)


def _text(value: Any) -> str:
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else _UNFIT.sub("", str(value))


def _date(value: Any, where: str) -> dt.date:
    try:
        date = pd.Timestamp(value)
        if not pd.isna(date):
            return date.date()
    except (ValueError, TypeError):
        pass
    raise DataError(f"{value!r} is not a date", where=where, fix="write it as 2026-01-31")
