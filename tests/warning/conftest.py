"""Small rules, small books, and servers that take mail and webhooks."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from riskml.config.warning import WarningRules
from riskml.warning.store import Store

TODAY = dt.date(2030, 1, 1)
JANUARY, FEBRUARY, MARCH = (dt.date(2024, month, 1) for month in (1, 2, 3))


def rules_of(**changes: Any) -> WarningRules:
    """Return rules: a delay in days by itself, and a probability that rose; with changes at the top."""
    said: dict[str, Any] = {
        "name": "small",
        "title": "Signs",
        "indicators": {
            "late": {"title": "late", "value": "days_late", "amber": 10, "red": 30, "role": "finance", "plan": "call"},
            "score": {
                "title": "score",
                "value": "probability",
                "measure": "rise",
                "amber": 0.05,
                "red": 0.2,
                "role": "risk",
                "plan": "review",
            },
        },
        "alerts": {"priority": "probability", "escalation": {"to": "risk", "after_days": 3}},
    }
    return WarningRules.model_validate({**said, **changes})


def book_of(**customers: tuple[float, float]) -> pd.DataFrame:
    """Return a book from each customer's (days_late, probability)."""
    rows = [(name, *values) for name, values in customers.items()]
    return pd.DataFrame(rows, columns=["customer", "days_late", "probability"])


@pytest.fixture
def rules() -> WarningRules:
    return rules_of()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "alerts.db") as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Postbox:
    """A mail server's handler that keeps what it takes, and refuses whom it is told to."""

    refuses: set[str] = field(default_factory=set)
    refuses_content: bool = False
    farewell: str = ""
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuses:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses_content:
            return "554 5.7.1 refused by policy"
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        return self.farewell or "221 Bye"


@dataclass(frozen=True)
class MailServer:
    port: int
    box: Postbox


@pytest.fixture
def mail_server() -> Iterator[Callable[..., MailServer]]:
    """Start a real mail server: in clear, or with a certificate and a login."""
    running: list[Controller] = []

    def start(trusted: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> MailServer:
        def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, said: Any) -> AuthResult:
            given = (said.login.decode(), said.password.decode())
            return AuthResult(success=given == login, handled=False)

        box, port = Postbox(), free_port()
        options: dict[str, Any] = {}
        if trusted is not None:
            options |= {"tls_context": trusted, "require_starttls": True}
        if login is not None:
            options |= {"authenticator": authenticate, "auth_required": True}
        controller = Controller(box, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return MailServer(port, box)

    yield start
    for controller in running:
        controller.stop()


@dataclass
class Hook:
    """A webhook's other side: it keeps every request that it takes, and answers as it is told to."""

    url: str = ""
    answers: list[int] = field(default_factory=list)  # of the next requests; 200 after them
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def events(self) -> list[str]:
        """Return the keys of the events of all requests that were taken with 200, in order."""
        return [event["event"] for _, body in self.requests for event in json.loads(body)["events"]]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):  # the sender died
                return
            answer = found.answers.pop(0) if found.answers else 200
            if answer == 200:
                found.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answer)
            if answer in (301, 302):
                self.send_header("Location", found.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/alerts?token=verysecrettoken"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
