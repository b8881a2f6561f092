"""Artifacts: model.json with a key missing or of a wrong type, checksums right or wrong, and damaged wheels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from riskml.runtime.package import digest
from tests.hostile.bases import model, table
from tests.hostile.case import EITHER, Case

_SCORE = ["score", "m", "y.csv", "-o", "s.csv"]
_TYPES: dict[str, Any] = {"null": None, "a list": [1], "a text": "x", "a number": 7, "an object": {"a": 1}}
_TEXTS = {
    "empty": "", "NUL": "\0", "a list": "[]", "a number": "7", "cut": '{"format": 2, "name"', "deep": "[" * 5000, "not UTF-8": b"\xff",
    "NaN": '{"format": NaN}', "another format": '{"format": 99}', "a key twice": '{"format": 2, "format": 2}', "5,000 digits": '{"format": ' + "9" * 5000 + "}",
}  # fmt: skip
# Facts that no score needs may be anything.
_FREE = {"title", "metrics", "training", "event", "target", "statements", "family", "distributions", "requires", "task"}


def _sealed(payload: dict[str, Any]) -> str:
    payload = {key: value for key, value in payload.items() if key != "digest"}
    return json.dumps(payload | {"digest": digest(payload)})


def cases() -> Iterator[Case]:
    """Return the cases."""
    manifest = (model() / "model.json").read_text("utf-8")
    payload: dict[str, Any] = json.loads(manifest)

    def case(name: str, content: str | bytes, codes: tuple[int, ...] = (2,)) -> Case:
        return Case("models", name, _SCORE, {"m/model.json": content, "y.csv": table()}, codes)

    for key in payload:
        rest = {name: value for name, value in payload.items() if name != key}
        codes = EITHER if key in _FREE or key in ("digest", "reasons", "unseen", "version", "name") else (2,)
        yield case(f"without {key}", _sealed(rest), EITHER if key in ("digest", *_FREE) else codes)
        if key != "digest":
            yield case(f"without {key}, not sealed", json.dumps(rest))
            for name, value in _TYPES.items():
                yield case(f"{key}: {name}", _sealed(rest | {key: value}), EITHER)
    for key in payload["model"]:
        rest = {name: value for name, value in payload["model"].items() if name != key}
        yield case(f"model without {key}", _sealed(payload | {"model": rest}), EITHER)
        for name, value in _TYPES.items():
            yield case(f"model.{key}: {name}", _sealed(payload | {"model": rest | {key: value}}), EITHER)
    for name, text in _TEXTS.items():
        yield case(f"text: {name}", text)
    for name, content in {
        "empty": b"",
        "no zip": b"PK",
        "a text": b"hello",
        "a cut zip": b"PK\x03\x04" + b"\0" * 40,
    }.items():
        words = ["score", "riskml_t-1.0.0-py3-none-any.whl", "y.csv", "-o", "s.csv"]
        files = {words[1]: content, "y.csv": table()}
        yield Case("models", f"wheel: {name}", words, files)
        yield Case("models", f"verify: {name}", ["verify", words[1]], files)
        yield Case(
            "models",
            f"card: {name}",
            ["score", "c.yaml", "y.csv", "-o", "s.csv"],
            {"c.yaml": content, "y.csv": table()},
        )
