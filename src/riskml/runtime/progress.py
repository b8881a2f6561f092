"""A line on a terminal that says how far a file has been read; elsewhere nothing is said."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from .tables import Chunk

_WIDTH = 30  # characters
_PAUSE = 0.1  # seconds between two drawings


class Progress:
    """Counts customers, and draws a bar."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown = stream, stream.isatty()
        self._customers, self._drawn = 0, float("-inf")

    def __call__(self, chunk: Chunk) -> None:
        """Take note of a chunk that was answered."""
        self._customers += len(chunk.frame)
        if self._shown and time.monotonic() - self._drawn >= _PAUSE:
            self._drawn = time.monotonic()
            full = round(_WIDTH * chunk.done)
            bar = "█" * full + "░" * (_WIDTH - full)
            self._stream.write(f"\r{bar} {chunk.done:4.0%}  {self._customers:,} customers")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a bar on standard error, which is gone when the block ends."""
    bar = Progress(sys.stderr)
    try:
        yield bar
    finally:
        bar.clear()
