"""Standard input and output as files; output is written whole or not at all."""

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
READER_GONE = 141  # exit code after a broken pipe: 128 + SIGPIPE
_MAGIC = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz"}


def print_text(text: str) -> None:
    """Write text to standard output and flush it, so that a broken pipe is noticed here."""
    with _output_stream() as stream:
        stream.write(text.encode("utf-8"))


def discard_output() -> None:
    """Discard pending output after a broken pipe, at which the interpreter would complain when it ends."""
    _silence(sys.stdout)
    _silence(sys.stderr)


@contextmanager
def files(source: str | Path, destination: str | Path) -> Iterator[tuple[Path, Path, Callable[[], None]]]:
    """Yield files in place of a source and a destination, and a function to call when both are complete."""
    if str(destination) == STANDARD:
        _output()
    with tempfile.TemporaryDirectory(prefix="riskml-") as folder:
        read = _received(Path(folder)) if str(source) == STANDARD else Path(source)
        write = Path(folder) / "out.csv" if str(destination) == STANDARD else Path(destination)

        def done() -> None:
            if str(destination) == STANDARD:
                with write.open("rb") as file, _output_stream() as stream:
                    shutil.copyfileobj(file, stream)

        try:
            yield read, write, done
        except PackageError as error:
            raise PackageError(str(error).replace(str(read), _name(source))) from None


def _name(source: str | Path) -> str:
    return "standard input" if str(source) == STANDARD else str(source)


@contextmanager
def _output_stream() -> Iterator[BinaryIO]:
    stream = _output()
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise PackageError(f"cannot write to standard output: {error.strerror}") from None


def _silence(stream: TextIO | None) -> None:
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _output() -> BinaryIO:
    if sys.stdout is None:  # the process was started without standard output
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
            raise PackageError(f"cannot read standard input: {error.strerror}") from None
    with path.open("rb") as file:
        first = file.read(4)
    suffix = next((suffix for magic, suffix in _MAGIC.items() if first.startswith(magic)), ".csv")
    return path.rename(path.with_name(f"in{suffix}"))
