"""Progress bar on a terminal while a file is read; silent elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from .tables import Chunk

_WIDTH = 30  # characters
_PAUSE = 0.1  # seconds between two updates


class Progress:
    """Counter of customers with a bar."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._visible = stream, stream.isatty()
        self._customers, self._drawn = 0, float("-inf")

    def __call__(self, chunk: Chunk) -> None:
        """Count a processed chunk."""
        self._customers += len(chunk.frame)
        if self._visible and time.monotonic() - self._drawn >= _PAUSE:
            self._drawn = time.monotonic()
            full = round(_WIDTH * chunk.done)
            bar = "█" * full + "░" * (_WIDTH - full)
            self._stream.write(f"\r{bar} {chunk.done:4.0%}  {self._customers:,} customers")
            self._stream.flush()

    def clear(self) -> None:
        """Remove the bar."""
        if self._visible:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a bar on standard error, removed at the end of the block."""
    bar = Progress(sys.stderr)
    try:
        yield bar
    finally:
        bar.clear()
