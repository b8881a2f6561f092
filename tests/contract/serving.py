"""A real HTTP server on loopback that answers by a contract, and goes wrong where it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    status: int
    body: bytes = b""
    kind: str = "application/json;charset=UTF-8"
    location: str = ""


def reply(status: int, content: Any) -> Reply:
    return Reply(status, json.dumps(content, ensure_ascii=False).encode())


HTML = Reply(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")


@dataclass
class Fault:
    """Something that goes wrong with one call.

    Parameters
    ----------
    call : str
        How the method and path begin, such as "PUT /crm/v8/Accounts"; empty for any.
    nth : int
        Which of these calls, from 1, counted from when the fault is set.
    does : Reply or callable
        The answer instead; or what is called, and may return one. "drop" breaks the connection.
    after : bool
        After the call was done, and not instead of it.
    """

    call: str
    nth: int
    does: Any
    after: bool = False
    seen: int = 0


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the server's ``answer``."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet
    disable_nagle_algorithm = True
    server: ContractServer

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        body = self.rfile.read(length)
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body)
        answer = self.server.handle_call(request)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        if answer.status not in (204, 304):
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        if answer.status not in (204, 304):
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815

    def log_message(self, format: str, *words: object) -> None:
        pass


class ContractServer(ThreadingHTTPServer):
    """The server: ``answer`` is what a contract says; calls are answered one at a time.

    Parameters
    ----------
    now : callable
        Seconds; of a test's clock, so that tokens end without waiting.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, now: Callable[[], float] = time.monotonic, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.now = now
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.counted: Counter[str] = Counter()
        self._one = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, call: str, nth: int, does: Any, *, after: bool = False) -> None:
        self.faults.append(Fault(call, nth, does, after))

    def handle_call(self, request: Request) -> Reply | None:
        name = f"{request.method} {request.path}"
        with self._one:
            self.calls.append(name)
            self.counted[name] += 1
            hit = None
            for fault in self.faults:
                if name.startswith(fault.call):
                    fault.seen += 1
                    hit = fault if fault.seen == fault.nth and hit is None else hit
            if hit is None:
                return self.answer(request)
            done = self.answer(request) if hit.after else None
        if hit.does == "drop":
            return None
        if callable(hit.does):
            instead = hit.does()
            return instead if instead is not None else done if done is not None else self.handle_quietly(request)
        answer: Reply = hit.does
        return answer

    def handle_quietly(self, request: Request) -> Reply:
        with self._one:
            return self.answer(request)

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed has no use for an answer


Server = TypeVar("Server", bound=ContractServer)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Serve for as long as a block lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class FakeClock:
    """A clock that tests move, and that sleeping moves; client and server share it."""

    moment: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        with self.lock:
            return self.moment

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.moment += max(seconds, 0.0)
