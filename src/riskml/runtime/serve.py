"""HTTP service of a packaged model: JSON in, JSON out, with limits on size, time and connections."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .checksums import PackageError
from .hosts import Hosts
from .page import POLICY, openapi, page

if TYPE_CHECKING:
    from .package import Artifact

_KEEP_ALIVE = 5  # seconds
_BACKLOG = 2048  # connections waiting to be accepted
_LARGEST_HEAD = 1 << 16  # bytes
_LONGEST_DETAIL = 1000  # characters of an error
_DRAINED = 16 << 20  # bytes read and discarded from a body that is too large


@dataclass(frozen=True)
class Limits:
    """Limits on requests and connections."""

    bytes: int = 1 << 20  # of a body
    rows: int = 1000  # of a batch
    seconds: float = 10.0  # until a head, or a body, is complete
    connections: int = 1000  # at a time


class Service:
    """The ASGI application. Scores bypass Starlette's routing, which takes longer than scoring."""

    def __init__(
        self, artifact: Artifact, limits: Limits | None = None, card: str = "", hosts: Hosts | None = None
    ) -> None:
        self._artifact, self._limits, self._hosts = artifact, limits or Limits(), hosts or Hosts()
        self._score = artifact.scorer.score
        self._posts: Mapping[str, Callable[[Any, Mapping[str, str]], Any]] = {
            "/score": lambda payload, _: self._score(_record(payload)),
            "/score/batch": self._score_batch,
            "/explain": self._explain,
        }
        contract = openapi(artifact, self._limits.rows)
        pages = {
            "/health": JSONResponse({"status": "ok", "model": artifact.name, "version": artifact.version}),
            "/schema": JSONResponse([dict(column) for column in artifact.inputs]),
            "/card": PlainTextResponse(card, media_type="text/markdown"),
            "/docs": HTMLResponse(page(artifact, contract), headers={"content-security-policy": POLICY}),
            "/openapi.json": JSONResponse(contract),
        }
        routes = [Route(path, _endpoint(response)) for path, response in pages.items()]
        self._pages = Starlette(routes=routes, exception_handlers={HTTPException: _error})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond to a request."""
        if scope["type"] == "http" and (refusal := self._hosts.refused(scope["headers"])):
            await (await _error(Request(scope), HTTPException(421, refusal)))(scope, receive, send)
            return
        results_of = self._posts.get(scope["path"]) if scope["type"] == "http" else None
        if results_of is None:
            await self._pages(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            if request.method != "POST":
                raise HTTPException(405)
            payload = _json(await _body(request, self._limits))
            response = Response(_encoded(results_of(payload, request.query_params)), media_type="application/json")
        except HTTPException as error:
            response = await _error(request, error)
        except PackageError as error:
            response = await _error(request, HTTPException(422, str(error)))
        await response(scope, receive, send)

    def _score_batch(self, payload: Any, _: Mapping[str, str]) -> list[Any]:
        if not isinstance(payload, list):
            raise HTTPException(422, f"expected a list of records; got {_kind(payload)}")
        if len(payload) > self._limits.rows:
            raise HTTPException(413, f"a request must not exceed {self._limits.rows} records; got {len(payload)}")
        return [self._score(_record(record)) for record in payload]

    def _explain(self, payload: Any, query: Mapping[str, str]) -> Any:
        n = query.get("n")
        if n is not None and not (n.isascii() and n.isdigit() and len(n) < 4):
            raise HTTPException(422, f"n must be a whole number; got {n!r}")
        return self._artifact.explain_record(_record(payload), None if n is None else int(n), query.get("language"))


def _endpoint(response: Response) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return response

    return endpoint


async def _error(_: Request, error: Any) -> Response:
    # The rest of a body that is late or too large is not awaited.
    close = {"connection": "close"} if error.status_code in (408, 413, 421) else {}
    detail = error.detail if len(error.detail) <= _LONGEST_DETAIL else f"{error.detail[:_LONGEST_DETAIL]}…"
    content = _encoded({"detail": detail})
    return Response(content, error.status_code, {**(error.headers or {}), **close}, media_type="application/json")


async def _body(request: Request, limits: Limits) -> bytes:
    size, announced = 0, int(request.headers.get("content-length", 0))
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if max(size, announced) <= limits.bytes:
                    parts.append(part)
                elif size > _DRAINED:  # a client that is cut off earlier, while sending, never reads the response
                    break
    except TimeoutError:
        if max(size, announced) <= limits.bytes:
            raise HTTPException(408, f"the body took longer than {limits.seconds:g} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the connection was closed before the end of the body") from None
    if max(size, announced) > limits.bytes:
        raise HTTPException(413, f"the body must not exceed {limits.bytes} bytes")
    return b"".join(parts)


def _record(payload: Any) -> Mapping[str, Any]:
    if not isinstance(payload, dict):
        raise HTTPException(422, f"a record must be an object of columns and values; got {_kind(payload)}")
    return payload


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; use null for missing values")


def _kind(payload: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(payload), "a number")


def _encoded(content: Any) -> bytes:
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # lone surrogates, which JSON can escape and UTF-8 cannot encode
        return json.dumps(content, ensure_ascii=True, allow_nan=False).encode()


class ConnectionGuard:
    """ASGI middleware with what uvicorn lacks: a timeout for heads of requests, and a limit on open connections."""

    def __init__(self, app: Callable[..., Awaitable[None]], limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.open: dict[Any, _Connection] = {}  # by the client's address

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, whose head is complete."""
        connection = self.open.get(tuple(scope.get("client") or ()))
        if connection is None:
            await self.app(scope, receive, send)
            return
        connection.begin_request()
        try:
            await self.app(scope, receive, send)
        finally:
            connection.in_request = False

    def protocol(self, protocol_class: Callable[..., asyncio.Protocol]) -> Callable[..., Any]:
        """Return a factory of guarded connections."""
        return lambda **options: _Connection(protocol_class(**options), self)


class _Connection:
    """A connection of the server, closed if the head of a request takes too long."""

    def __init__(self, protocol: asyncio.Protocol, guard: ConnectionGuard) -> None:
        self._protocol, self._guard = protocol, guard
        self._deadline: asyncio.TimerHandle | None = None
        self.in_request = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    def connection_made(self, transport: Any) -> None:
        self._transport, self._client = transport, tuple(transport.get_extra_info("peername") or ())[:2]
        self._guard.open[self._client] = self
        self._too_many = len(self._guard.open) > self._guard.limits.connections
        self._start_deadline()
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._too_many:
            limit = self._guard.limits.connections
            self._close("429 Too Many Requests", f"more than {limit} connections at a time")
            return
        if not self.in_request and self._deadline is None:
            self._start_deadline()
        self._protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.begin_request()
        self._guard.open.pop(self._client, None)
        self._protocol.connection_lost(exc)

    def begin_request(self) -> None:
        self.in_request = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _start_deadline(self) -> None:
        seconds = self._guard.limits.seconds
        detail = f"the head of the request took longer than {seconds:g} seconds"
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._close, "408 Request Timeout", detail)

    def _close(self, status: str, detail: str) -> None:
        body = json.dumps({"detail": detail})
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
        if not self._transport.is_closing():
            self._transport.write(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}".encode("ascii"))
            self._transport.close()


def run(artifact: Artifact, *, host: str, port: int, limits: Limits, card: str = "", names: Sequence[str] = ()) -> None:
    """Serve until stopped, by the address, this machine's names and further ones."""
    guard = ConnectionGuard(Service(artifact, limits, card, Hosts((host, *names))), limits)
    config = uvicorn.Config(
        guard,
        http="h11",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
    )
    config.load()
    config.http_protocol_class = guard.protocol(config.http_protocol_class)  # type: ignore[assignment]
    with listening(host, port) as listener:
        actual = listener.getsockname()[1]
        address = f"[{host}]:{actual}" if ":" in host else f"{host}:{actual}"
        sys.stderr.write(f"listening on http://{address} (try it: /docs); press Ctrl+C to stop\n")
        sys.stderr.flush()
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; an invalid or occupied address raises a PackageError."""
    if not 0 <= port <= 65535:
        raise PackageError(f"port {port}: a port is a number from 0 (any free port) to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol must be named: asyncio sets TCP_NODELAY only on sockets of protocol TCP.
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
        reason = getattr(error, "strerror", None) or error
        raise PackageError(
            f"host {host!r}, port {port}: cannot listen: {reason}; choose another, or port 0 for any free port"
        ) from None
