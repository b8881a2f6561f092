"""A small HTTP service of a packaged model: JSON in, JSON out, with limits.

Scores of single records are answered before any framework sees them; FastAPI has the rest, and the OpenAPI page.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .checksums import PackageError
from .contract import openapi
from .page import POLICY, page

if TYPE_CHECKING:
    from .package import Artifact

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_KEEP_ALIVE = 5  # seconds
_BACKLOG = 2048  # connections that wait to be taken
_DRAINED = 16 << 20  # bytes that are read, and dropped, of a body that is too large


@dataclass(frozen=True)
class Limits:
    """What a request may cost."""

    bytes: int = 1 << 20  # of its body
    rows: int = 1000  # of a batch
    seconds: float = 10.0  # until its body has arrived
    connections: int = 1000  # at a time


class _RefusedError(Exception):
    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class Service:
    """The application, as ASGI has it."""

    def __init__(self, artifact: Artifact, limits: Limits | None = None, card: str = "") -> None:
        self._artifact, self._limits = artifact, limits or Limits()
        self._score = artifact.scorer.score
        self._answers: Mapping[str, Callable[[Any, Mapping[str, str]], Any]] = {
            "/score": lambda said, _: self._score(_record(said)),
            "/score/batch": lambda said, _: [self._score(_record(one)) for one in self._batch(said)],
            "/explain": self._explain,
        }
        self._framework = _framework(artifact, self._limits, card)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self._answers.get(scope.get("path", "")) if scope["type"] == "http" else None
        if answer is None:
            await self._framework(scope, receive, send)
        else:
            status, content = await self._answered(answer, scope, receive)
            await _send(send, status, content)

    async def _answered(self, answer: Callable[..., Any], scope: Scope, receive: Receive) -> tuple[int, bytes]:
        try:
            if scope["method"] != "POST":
                raise _RefusedError(405, "POST is expected")
            said = _json(await self._body(scope, receive))
            return 200, _encoded(answer(said, _query(scope)))
        except _RefusedError as error:
            if error.status == 413:
                await self._drain(receive)
            return error.status, _error(str(error))
        except PackageError as error:
            return 422, _error(str(error))

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._limits.bytes:
                raise self._too_large()
        # Nearly every body is there at once, and needs no clock.
        message = await self._within(receive, None)
        if not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            if len(body) > self._limits.bytes:
                raise self._too_large()
            return body
        parts, size = [message.get("body", b"")], len(message.get("body", b""))
        end = asyncio.get_running_loop().time() + self._limits.seconds
        while message.get("more_body", False):
            message = await self._within(receive, end)
            if message["type"] == "http.disconnect":
                raise _RefusedError(400, "the connection was closed before the body's end")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limits.bytes:
                raise self._too_large()
        return b"".join(parts)

    async def _drain(self, receive: Receive) -> None:
        """Take in some of what is still being sent: who is cut off in the middle of it never reads the answer."""
        end, left = asyncio.get_running_loop().time() + self._limits.seconds, _DRAINED
        more = True
        while more and left > 0:
            try:
                message = await self._within(receive, end)
            except _RefusedError:
                return
            more = message["type"] == "http.request" and message.get("more_body", False)
            left -= len(message.get("body", b""))

    async def _within(self, receive: Receive, end: float | None) -> MutableMapping[str, Any]:
        loop = asyncio.get_running_loop()
        left = self._limits.seconds if end is None else end - loop.time()
        try:
            async with asyncio.timeout(left):
                return await receive()
        except TimeoutError:
            raise _RefusedError(408, f"the body took longer than {self._limits.seconds:g} seconds") from None

    def _too_large(self) -> _RefusedError:
        return _RefusedError(413, f"a body may have {self._limits.bytes} bytes at the most")

    def _batch(self, said: Any) -> list[Any]:
        if not isinstance(said, list):
            raise _RefusedError(422, f"a list of records is expected; got {_kind(said)}")
        if len(said) > self._limits.rows:
            raise _RefusedError(413, f"a request may have {self._limits.rows} records at the most; got {len(said)}")
        return said

    def _explain(self, said: Any, query: Mapping[str, str]) -> Any:
        n = query.get("n")
        if n is not None and not (n.isascii() and n.isdigit() and len(n) < 4):
            raise _RefusedError(422, f"n is a whole number; got {n!r}")
        return self._artifact.explain_record(_record(said), None if n is None else int(n), query.get("language"))


def run(artifact: Artifact, *, host: str, port: int, limits: Limits, card: str = "") -> None:
    """Serve until stopped."""
    service = Service(artifact, limits, card)
    import uvicorn

    from .patience import protocol

    config = uvicorn.Config(
        service,
        http=protocol(limits.seconds, limits.connections),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE,
        h11_max_incomplete_event_size=1 << 16,
    )
    with listening(host, port) as listener:
        found = listener.getsockname()[1]
        where = f"[{host}]:{found}" if ":" in host else f"{host}:{found}"
        sys.stderr.write(f"listening on http://{where} (the page: /docs); Ctrl+C stops it\n")
        sys.stderr.flush()
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections; a PackageError says why there can be none."""
    if not 0 <= port <= 65535:
        raise PackageError(f"port {port}: a port is a number from 0 (any that is free) to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol must be named: asyncio lets answers go at once (TCP_NODELAY) only where it reads TCP.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or error
        raise PackageError(
            f"host {host!r}, port {port}: nobody can listen there: {what}; name another, or port 0 for any that is free"
        ) from None


def _framework(artifact: Artifact, limits: Limits, card: str) -> Any:
    try:
        import uvicorn  # noqa: F401
        from fastapi import FastAPI
        from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
    except ImportError as error:
        package = f"riskml-{artifact.name.replace('_', '-')}"
        raise PackageError(f"serving needs {error.name}: pip install '{package}[serve]'") from None
    # Its own pages of documentation would load scripts from elsewhere.
    app = FastAPI(title=artifact.title, version=artifact.version, docs_url=None, redoc_url=None)
    contract = openapi(artifact, rows=limits.rows)
    app.openapi = lambda: contract  # type: ignore[method-assign]

    @app.get("/health", include_in_schema=False)
    async def health() -> Any:
        return JSONResponse({"status": "ok", "model": artifact.name, "version": artifact.version})

    @app.get("/schema", include_in_schema=False)
    async def schema() -> Any:
        return JSONResponse([dict(column) for column in artifact.columns])

    @app.get("/card", include_in_schema=False)
    async def model_card() -> Any:
        return PlainTextResponse(card, media_type="text/markdown")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Any:
        return HTMLResponse(page(artifact, contract), headers={"content-security-policy": POLICY})

    return app


def _record(said: Any) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise _RefusedError(422, f"a record is an object of columns and values; got {_kind(said)}")
    return said


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(400, f"the body is no JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; null stands for what is missing")


def _kind(said: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(said), "a number")


def _query(scope: Scope) -> dict[str, str]:
    if not scope["query_string"]:
        return {}
    from urllib.parse import parse_qsl

    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def _encoded(answer: Any) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # half a character, which JSON can name and UTF-8 cannot
        return json.dumps(answer, ensure_ascii=True, allow_nan=False).encode()


def _error(what: str) -> bytes:
    return json.dumps({"detail": what}, ensure_ascii=True).encode()


async def _send(send: Send, status: int, content: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not waited for
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
