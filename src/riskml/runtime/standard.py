"""Standard input and output as files: a whole answer goes out, or none."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .checksums import PackageError

STANDARD = "-"
_MAGIC = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz"}


@contextmanager
def files(source: str | Path, destination: str | Path) -> Iterator[tuple[Path, Path, Callable[[], None]]]:
    """Yield the files that stand for a source and a destination, and what must be called when both are done.

    Parameters
    ----------
    source : path
        ``-`` for standard input: CSV, gzipped CSV or Parquet, as its first bytes say.
    destination : path
        ``-`` for standard output: CSV.

    Yields
    ------
    tuple of Path, Path and function

    Raises
    ------
    PackageError
        Of the block, with standard input named as such.
    """
    with tempfile.TemporaryDirectory(prefix="riskml-") as folder:
        read = _received(Path(folder)) if str(source) == STANDARD else Path(source)
        write = Path(folder) / "out.csv" if str(destination) == STANDARD else Path(destination)

        def done() -> None:
            if str(destination) == STANDARD:
                with write.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()

        try:
            yield read, write, done
        except PackageError as error:
            raise PackageError(str(error).replace(str(read), _name(source))) from None


def _name(source: str | Path) -> str:
    return "standard input" if str(source) == STANDARD else str(source)


def _received(folder: Path) -> Path:
    path = folder / "in"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with path.open("rb") as file:
        first = file.read(4)
    suffix = next((suffix for magic, suffix in _MAGIC.items() if first.startswith(magic)), ".csv")
    return path.rename(path.with_name(f"in{suffix}"))
