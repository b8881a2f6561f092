"""Connections before there is a request: who trickles its head, speaks no HTTP or is one too many is told so."""

from __future__ import annotations

import asyncio
import json
from typing import Any


def _answer(status: str, what: str) -> bytes:
    body = json.dumps({"detail": what})
    head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}".encode("ascii")


def protocol(seconds: float, connections: int) -> Any:
    """Return uvicorn's HTTP protocol, with limits for the head of a request and for who may ask at a time."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        _clock: asyncio.TimerHandle | None = None
        _too_many = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._too_many = len(self.connections) > connections
            self._clock = self.loop.call_later(seconds, self._give_up)

        def data_received(self, data: bytes) -> None:
            if self._too_many:
                self._end(_answer("429 Too Many Requests", f"more than {connections} connections at a time"))
                return
            super().data_received(data)
            waiting = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
            if waiting and self._clock is None:
                self._clock = self.loop.call_later(seconds, self._give_up)
            elif not waiting and self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self._clock is not None:
                self._clock.cancel()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._end(_answer("400 Bad Request", msg))

        def _give_up(self) -> None:
            self._end(_answer("408 Request Timeout", f"the request's head took longer than {seconds:g} seconds"))

        def _end(self, answer: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(answer)
                self.transport.close()

    return Patient
