"""Documentation of a packaged model's service: the OpenAPI document, and a page to try it that loads nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .package import Artifact

# Only the content of the page itself, and requests to its own service.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def openapi(artifact: Artifact, rows: int) -> dict[str, Any]:
    """Return the OpenAPI document."""
    record = {"$ref": "#/components/schemas/Record"}
    posts = {
        "/score": ("Score one customer", record),
        "/score/batch": ("Score customers", {"type": "array", "items": record, "maxItems": rows}),
        "/explain": ("Reasons that raised the risk of one customer (parameters: n, language)", record),
    }
    gets = {"/health": "Status of the service", "/schema": "Columns of a record", "/card": "Model card"}
    responses = {"200": {"description": "OK"}, "default": {"description": "Error, as JSON: detail"}}
    paths: dict[str, Any] = {path: {"get": {"summary": text, "responses": responses}} for path, text in gets.items()}
    for path, (text, schema) in posts.items():
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths[path] = {"post": {"summary": text, "requestBody": body, "responses": responses}}
    columns = {
        column["name"]: {"type": ["number" if column["kind"] == "numeric" else "string", "null"]}
        | ({"description": column["description"]} if column.get("description") else {})
        for column in artifact.inputs
    }
    schemas = {
        "Record": {"type": "object", "required": [column["name"] for column in artifact.inputs], "properties": columns}
    }
    info = {"title": artifact.title, "version": artifact.version}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def page(artifact: Artifact, contract: Mapping[str, Any]) -> str:
    """Return the page."""
    calls = [
        (f"{method.upper()} {path}", operation["summary"])
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
    ]
    columns = [
        (column["name"], column["kind"], _known(column), column.get("description") or "") for column in artifact.inputs
    ]
    example = json.dumps({column["name"]: _example(column) for column in artifact.inputs}, indent=1)
    return _PAGE.format(
        title=html.escape(artifact.title),
        name=html.escape(f"riskml_{artifact.name} {artifact.version}"),
        calls=_table(("call", "what it does"), calls),
        columns=_table(("column", "kind", "in training", "description"), columns),
        example=html.escape(example),
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _known(column: Mapping[str, Any]) -> str:
    if column.get("levels"):
        return ", ".join(column["levels"])
    low, high = column.get("min"), column.get("max")
    return "" if low is None or high is None else f"{low:g} to {high:g}"


def _example(column: Mapping[str, Any]) -> Any:
    if column.get("levels"):
        return column["levels"][0]
    low, high = column.get("min"), column.get("max")
    return None if low is None or high is None else round((low + high) / 2, 2)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
td, th {{ border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; }}
textarea {{ width: 100%; height: 12rem; font-family: monospace; }}
</style></head><body>
<h1>{title}</h1>
<p>{name}. Records are JSON objects; null is a missing value. See the <a href="openapi.json">OpenAPI document</a>
and the <a href="card">model card</a>.</p>
{calls}
<h2>A record's columns</h2>
{columns}
<h2>Try it</h2>
<textarea id="record" aria-label="a record">{example}</textarea>
<p><button data-path="score">score</button> <button data-path="explain">explain</button></p>
<pre id="answer"></pre>
<script>
for (const button of document.querySelectorAll("button")) button.onclick = async () => {{
  const answer = await fetch(button.dataset.path, {{ method: "POST", body: document.getElementById("record").value }});
  document.getElementById("answer").textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 1);
}};
</script>
</body></html>
"""
