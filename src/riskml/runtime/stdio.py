"""Standard input and output as files: a whole answer goes out, or none."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from .checksums import PackageError

STANDARD = "-"
_BLOCK = 1 << 20  # bytes
READER_GONE = 141  # the exit code of a program whose reader went away: 128 + SIGPIPE
_MAGIC = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz"}


def say(text: str) -> None:
    """Write text to standard output, all of it now: who reads it may be gone later."""
    with _spoken() as stream:
        stream.write(text.encode("utf-8"))


def stop_speaking() -> None:
    """Let what is still to be said go nowhere: its reader went away, and the interpreter's end would complain."""
    _silence(sys.stdout)
    _silence(sys.stderr)


@contextmanager
def files(source: str | Path, destination: str | Path) -> Iterator[tuple[Path, Path, Callable[[], None]]]:
    """Yield the files that stand for a source and a destination, and what must be called when both are done."""
    if str(destination) == STANDARD:
        _output()
    with tempfile.TemporaryDirectory(prefix="riskml-") as folder:
        read = _received(Path(folder)) if str(source) == STANDARD else Path(source)
        write = Path(folder) / "out.csv" if str(destination) == STANDARD else Path(destination)

        def done() -> None:
            if str(destination) == STANDARD:
                with write.open("rb") as file, _spoken() as stream:
                    shutil.copyfileobj(file, stream)

        try:
            yield read, write, done
        except PackageError as error:
            raise PackageError(str(error).replace(str(read), _name(source))) from None


def _name(source: str | Path) -> str:
    return "standard input" if str(source) == STANDARD else str(source)


@contextmanager
def _spoken() -> Iterator[BinaryIO]:
    stream = _output()
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise PackageError(f"standard output cannot be written: {error.strerror}") from None


def _silence(stream: TextIO | None) -> None:
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _output() -> BinaryIO:
    if sys.stdout is None:  # the process was started without it
        raise PackageError("standard output is closed; name a file to write")
    return sys.stdout.buffer


def _received(folder: Path) -> Path:
    path = folder / "in"
    if sys.stdin is None:
        raise PackageError("standard input is closed; pipe a table into it, or name a file")
    with path.open("wb") as file:
        try:
            while block := sys.stdin.buffer.read(_BLOCK):
                file.write(block)
        except OSError as error:
            raise PackageError(f"standard input cannot be read: {error.strerror}") from None
    with path.open("rb") as file:
        first = file.read(4)
    suffix = next((suffix for magic, suffix in _MAGIC.items() if first.startswith(magic)), ".csv")
    return path.rename(path.with_name(f"in{suffix}"))
