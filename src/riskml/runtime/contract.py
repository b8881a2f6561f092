"""The OpenAPI document of a packaged model's service, made of the columns that the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reasons import LANGUAGES, MOST_STATEMENTS

if TYPE_CHECKING:
    from .package import Artifact

_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1, "description": "of the event; higher is riskier"}


def openapi(artifact: Artifact, *, rows: int) -> dict[str, Any]:
    """Return the document."""
    scores = {"probability": _PROBABILITY, "tier": {"type": "string", "enum": [tier.name for tier in artifact.tiers]}}
    if getattr(artifact.model, "base_points", None) is not None:
        scores["points"] = {"type": "number", "description": "more points are safer"}
    reason = {
        "type": "object",
        "properties": {
            "rank": {"type": "integer"},
            "column": {"type": "string"},
            "value": {"type": "string"},
            "contribution": {"type": "number", "description": "log-odds above the average customer's"},
            "statement": {"type": "string"},
        },
    }
    record, score = _ref("Record"), _ref("Score")
    n = {"name": "n", "in": "query", "schema": {"type": "integer", "minimum": 1}}
    language = {
        "name": "language",
        "in": "query",
        "description": f"adds statements, {MOST_STATEMENTS} at the most",
        "schema": {"type": "string", "enum": list(LANGUAGES)},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": artifact.title, "version": artifact.version},
        "paths": {
            "/score": {"post": _post("Score one customer", record, score)},
            "/score/batch": {
                "post": _post("Score customers", {"type": "array", "items": record, "maxItems": rows}, _list(score))
            },
            "/explain": {
                "post": _post("What raised one customer's risk", record, _list(reason)) | {"parameters": [n, language]}
            },
            "/health": {"get": _get("Whether the service answers", "application/json", {"type": "object"})},
            "/schema": {"get": _get("The columns of a record", "application/json", _list({"type": "object"}))},
            "/card": {"get": _get("The model card", "text/markdown", {"type": "string"})},
        },
        "components": {
            "schemas": {
                "Record": {
                    "type": "object",
                    "required": list(artifact.model.kinds),
                    "properties": {column["name"]: _column(column) for column in artifact.columns},
                },
                "Score": {"type": "object", "required": list(scores), "properties": scores},
            }
        },
    }


def _column(column: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"type": ["number", "null"] if column["kind"] == "numeric" else ["string", "null"]}
    if column.get("description"):
        said["description"] = column["description"]
    if column.get("levels"):
        said["examples"] = column["levels"][:5]
    return said


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _content(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


def _post(summary: str, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    refusals = {
        "400": "no JSON", "408": "the body took too long", "413": "too large", "422": "not a record of this model",
        "429": "too many connections at a time",
    }  # fmt: skip
    return {
        "summary": summary,
        "requestBody": {"required": True} | _content("application/json", body),
        "responses": {
            "200": {"description": "done"} | _content("application/json", answer),
            **{status: {"description": what} for status, what in refusals.items()},
        },
    }


def _get(summary: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "done"} | _content(kind, schema)}}
