"""Requests to `serve`: hosts, paths, methods, heads and bodies, through the ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from riskml.runtime.package import Artifact
from tests.hostile.bases import model
from tests.hostile.case import DONE, Case

_GOOD = b'{"age": 30, "income": 90, "home": "own"}'
_LOCAL = b"localhost"
_HOSTS = (
    b"evil.example.com", b"evil.example.com:8000", b"localhost.evil.com", b"", b" ", b"127.0.0.1.nip.io", b"[::1", b"[evil]", b"localhost:x",
    b"localhost:80:80", b"a@localhost", b"localhost/evil", b"\xff\xfe", b"x" * 60_000, b"127.1", b"0x7f000001", b"localhost,evil.com", b"\0",
)  # fmt: skip
_BODIES: dict[bytes, int] = {
    b"": 400, b"{": 400, b"\xff": 400, b"[" * 100_000: 400, b'{"age": NaN}': 400, b'{"age": ' + b"9" * 5000 + b"}": 400, b"null": 422,
    b"[]": 422, b"7": 422, b'"x"': 422, b"{}": 422, b'{"age": 1e400, "income": 1, "home": "x"}': 422, b"\0" * 100: 400,
    b'{"age": {}, "income": 1, "home": "x"}': 422, b'{"age": "<script>", "income": 1, "home": "x"}': 422, b" " * 2_000_000: 413,
    b'{"age": 1, "income": 1, "home": [1]}': 422, b'{"__class__": 1}': 422, b'{"age": "' + b"x" * 500_000 + b'", "income": 1, "home": 1}': 422,
    b"[" + b",".join([b"{}"] * 2000) + b"]": 422, b'{"age":1,"age":"x","income":1,"home":"x"}': 422,
}  # fmt: skip
_PATHS: dict[str, int] = {
    "/": 404, "/nothing": 404, "/../../etc/passwd": 404, "//evil.example.com/": 404, "/score/": 404, "/static/../model.json": 404,
    "/%2e%2e/model.json": 404, "/\0": 404, "/" + "a" * 50_000: 404, "/schema/../health": 404, "/docs;x": 404, "": 404,
}  # fmt: skip
_QUERIES = (
    "n=0",
    "n=-1",
    "n=x",
    "n=999999",
    "n=١",
    "language=fr",
    "language=%00",
    "n=1e3",
    "language=" + "x" * 20_000,
    "n=1%0d%0aX: y",
)
_METHODS = ("PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "GET", "X" * 1000)


def _answer(path: str, method: str, body: bytes, host: bytes, query: str) -> tuple[int, dict[bytes, bytes], bytes]:
    from riskml.runtime.serve import Service

    sent: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "path": path, "raw_path": path.encode("utf-8", "replace"), "method": method, "headers": [(b"host", host)],
        "query_string": query.encode(), "root_path": "", "scheme": "http", "server": ("127.0.0.1", 80), "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(Service(Artifact.load(model()))(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(part.get("body", b"") for part in sent[1:])


def _expect(
    status: int, path: str, method: str = "GET", body: bytes = b"", host: bytes = _LOCAL, query: str = ""
) -> Callable[[Path], object]:
    def call(_: Path) -> None:
        actual, heads, content = _answer(path, method, body, host, query)
        if status in (400, 413, 421, 422):
            print(json.loads(content)["detail"])
        assert actual == status, f"status {actual}: {content[:200]!r}"
        assert not any(b"\r" in value or b"\n" in value for value in heads.values()), "a header of the request's making"
        assert method == "OPTIONS" or b"access-control-allow-origin" not in heads, "open to other sites"

    return call


def cases() -> Iterator[Case]:
    """Return the cases."""

    def case(name: str, call: Callable[[Path], object]) -> Case:
        return Case("requests", name, call, codes=DONE)

    for host in _HOSTS:
        yield case(f"host {host[:30]!r}", _expect(421, "/schema", host=host))
        yield case(f"score, host {host[:30]!r}", _expect(421, "/score", "POST", _GOOD, host))
    for body, status in _BODIES.items():
        yield case(f"body {body[:40]!r}", _expect(status, "/score", "POST", body))
    for path, status in _PATHS.items():
        yield case(f"path {ascii(path[:40])}", _expect(status, path))
    for query in _QUERIES:
        yield case(f"query {query[:30]}", _expect(422, "/explain", "POST", _GOOD, query=query))
    for method in _METHODS:
        yield case(f"method {method[:10]}", _expect(405, "/score", method))
        if method != "GET":
            yield case(f"page, method {method[:10]}", _expect(405, "/schema", method))
