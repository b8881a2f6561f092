"""The fields of Zoho's modules: which are there, and those to write to that can be created."""

from __future__ import annotations

from typing import Any

from riskml.crm.connector import CrmError, FieldState
from riskml.crm.http import parsed
from riskml.crm.mapping import Mapping, ScoreField
from riskml.crm.zoho.http import ZohoCalls

_AT_ONCE = 5  # fields that one call creates
_TYPES = {
    "integer": "integer",
    "number": "double",
    "text": "text",
    "long_text": "textarea",
    "choice": "picklist",
    "date": "date",
}
# Types that take the value as well as the one that would be created.
_SUITED = {
    "integer": {"integer", "bigint", "double", "decimal", "currency"},
    "number": {"double", "decimal", "currency"},
    "text": {"text", "textarea"},
    "long_text": {"textarea"},
    "choice": {"picklist", "text"},
    "date": {"date"},
}


def field_states(calls: ZohoCalls, mapping: Mapping, key_field: str, *, create: bool) -> list[FieldState]:
    """Return the state of each field of a mapping; create what is missing of those to write to, where asked."""
    result: list[FieldState] = []
    if mapping.alerts:
        key_field = mapping.alerts.fields.get("key", key_field)
    for object in dict.fromkeys(table.object for table in mapping.tables.values()):
        there = _fields(calls, object)
        names = {field for table in mapping.tables.values() if table.object == object for field in table.fields}
        result += [
            FieldState(object, name, "present" if name in there or name == "id" else "missing", _known(name, there))
            for name in sorted(names)
        ]
    for object, fields in _to_write(mapping, key_field).items():
        there = _fields(calls, object)
        states = [_state(object, field, there) for field in fields]
        missing = [field for field, state in zip(fields, states, strict=True) if state.state == "missing"]
        if create and missing:
            made = _create(calls, object, missing, key_field)
            there = _fields(calls, object)  # Zoho may have given other names than it was asked for
            states = [_state(object, field, there, made) for field in fields]
        result += states
    return result


def _to_write(mapping: Mapping, key_field: str) -> dict[str, list[ScoreField]]:
    fields: dict[str, list[ScoreField]] = {}
    if mapping.scores:
        fields.setdefault(mapping.scores.object, []).extend(mapping.scores.fields.values())
    if mapping.alerts:
        key = ScoreField(field=key_field, label=key_field.replace("_", " ")[:25])
        fields.setdefault(mapping.alerts.object, []).append(key)
    return fields


def _fields(calls: ZohoCalls, object: str) -> dict[str, dict[str, Any]]:
    answer = calls.request("GET", "/crm/v8/settings/fields", params={"module": object})
    payload = parsed(answer) if answer.status_code == 200 else {}
    return {str(field["api_name"]): field for field in payload.get("fields", ())}


def _state(
    object: str, field: ScoreField, there: dict[str, dict[str, Any]], made: dict[str, str] | None = None
) -> FieldState:
    known = there.get(field.field)
    if known is None:
        named = next((name for name, one in there.items() if one.get("field_label") == field.label), "")
        if named:
            return FieldState(
                object, field.field, "other name", f"{field.label!r} is {named}: write that into the mapping"
            )
        return FieldState(object, field.field, "missing", (made or {}).get(field.label, "--create makes it"))
    if known.get("data_type") not in _SUITED[field.type]:
        problem = f"it is {known.get('data_type')}, and {_TYPES[field.type]} is to be written"
        return FieldState(object, field.field, "other type", problem)
    if field.type in ("text", "long_text") and int(known.get("length") or field.max_length) < field.max_length:
        problem = f"it holds {known['length']} characters: set max_length in the mapping to that"
        return FieldState(object, field.field, "other type", problem)
    if field.type == "choice" and known.get("data_type") == "picklist":
        options = {str(one.get("actual_value")) for one in known.get("pick_list_values", ())}
        lacking = sorted(set(field.values.values()) - options)
        if lacking:
            return FieldState(object, field.field, "other type", f"it lacks the options {', '.join(lacking)}")
    return FieldState(object, field.field, "created" if made is not None and field.label in made else "present")


def _create(calls: ZohoCalls, object: str, missing: list[ScoreField], key_field: str) -> dict[str, str]:
    """Create fields; return what Zoho said of each label, empty where it is there now."""
    errors: dict[str, str] = {}
    for first in range(0, len(missing), _AT_ONCE):
        some = missing[first : first + _AT_ONCE]
        specs = [_field_spec(one, unique=one.field == key_field) for one in some]
        answer = calls.request("POST", "/crm/v8/settings/fields", params={"module": object}, json={"fields": specs})
        body = parsed(answer) or {}
        verdicts = body.get("fields") or body.get("data") or []
        if len(verdicts) != len(some):
            raise CrmError("Zoho did not say which fields it created", where=object, fix="run check again")
        for field, verdict in zip(some, verdicts, strict=True):
            done = verdict.get("status") == "success"
            errors[field.label] = "" if done else f"{verdict.get('code')}: {verdict.get('message', '')}"
    return errors


def _field_spec(field: ScoreField, *, unique: bool) -> dict[str, Any]:
    # Zoho makes the API name of the label: an English label gives the name that the mapping foresees.
    spec: dict[str, Any] = {"field_label": field.label, "data_type": _TYPES[field.type]}
    if field.type == "text":
        spec["length"] = min(field.max_length, 255)
    if unique:  # a second task of a key is refused even when a search does not find the first one yet
        spec["unique"] = {"casesensitive": True}
    if field.type == "choice":
        spec["pick_list_values"] = [{"display_value": one, "actual_value": one} for one in field.values.values()]
    return spec


def _known(name: str, there: dict[str, dict[str, Any]]) -> str:
    if name in there or name == "id":
        return ""
    return "its label is used in the mapping" if name in {one.get("field_label") for one in there.values()} else ""
