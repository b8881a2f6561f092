"""Fields of Fxiaoke objects: existence and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskml.crm.connector import FieldState, Refused
from riskml.crm.fxiaoke.http import FxiaokeCalls
from riskml.crm.mapping import Mapping as CrmMapping
from riskml.crm.mapping import ScoreField

_SYSTEM = {"_id", "last_modified_time", "create_time", "owner"}
_SUITED = {
    "integer": {"number", "currency", "percentile"},
    "number": {"number", "currency", "percentile"},
    "text": {"text", "long_text"},
    "long_text": {"long_text", "text"},
    "choice": {"select_one", "text"},
    "date": {"date", "date_time"},
}
_FIX = "create it in Fxiaoke's administration: the API creates none"


def field_states(calls: FxiaokeCalls, mapping: CrmMapping, alert_fields: Mapping[str, str]) -> list[FieldState]:
    """Return the state of each field of a mapping."""
    known: dict[str, dict[str, dict[str, Any]] | None] = {}

    def fields_of(object: str) -> dict[str, dict[str, Any]] | None:
        if object not in known:
            known[object] = _described(calls, object)
        return known[object]

    states = []
    for table in mapping.tables.values():
        there = fields_of(table.object)
        states += [_present(table.object, name, there) for name in table.fields]
    if mapping.scores:
        there = fields_of(mapping.scores.object)
        states += [_state(mapping.scores.object, field, there) for field in mapping.scores.fields.values()]
    if mapping.alerts:
        there = fields_of(mapping.alerts.object)
        names = mapping.alerts.named(alert_fields).values()
        states += [_present(mapping.alerts.object, name, there) for name in names]
    return states


def _described(calls: FxiaokeCalls, object: str) -> dict[str, dict[str, Any]] | None:
    """Return the fields of an object, or None where there is no such object."""
    query = {"apiName": object, "includeDetail": True}
    try:
        # Documents of different years put the name into the body or into its data.
        description = calls.call("/cgi/crm/v2/object/describe", {**query, "data": query}).get("data") or {}
    except Refused:
        return None
    described = description.get("describe", description)
    fields = described.get("fields", {})
    return fields if isinstance(fields, dict) else {str(one["api_name"]): one for one in fields}


def _present(object: str, name: str, there: dict[str, dict[str, Any]] | None) -> FieldState:
    if there is None:
        return FieldState(object, name, "missing", f"there is no object {object}, or it may not be read")
    present = name in there or name in _SYSTEM
    return FieldState(object, name, "present" if present else "missing", "" if present else _FIX)


def _state(object: str, field: ScoreField, there: dict[str, dict[str, Any]] | None) -> FieldState:
    state = _present(object, field.field, there)
    if state.state == "missing" or there is None:
        return state
    known = there.get(field.field, {})
    kind = str(known.get("type", ""))
    if kind and kind not in _SUITED[field.type]:
        return FieldState(object, field.field, "other type", f"it is {kind}, and {field.type} is to be written")
    options = {str(option.get("value")) for option in known.get("options", ())}
    lacking = sorted(set(field.values.values()) - options) if kind == "select_one" else []
    if lacking:
        return FieldState(object, field.field, "other type", f"it lacks the options {', '.join(lacking)}")
    return state
