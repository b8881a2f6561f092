"""How long a connection may take over a request's head: who trickles it byte by byte is told to go."""

from __future__ import annotations

import asyncio
from typing import Any

_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncontent-length: 48\r\nconnection: close\r\n\r\n"
    b'{"detail": "the request\'s head took too long.  "}'
)


def protocol(seconds: float) -> Any:
    """Return uvicorn's HTTP protocol, with a limit for the head of a request.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    type
    """
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._clock = self.loop.call_later(seconds, self._give_up)

        def data_received(self, data: bytes) -> None:
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

        def _give_up(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(_ANSWER)
                self.transport.close()

    return Patient
