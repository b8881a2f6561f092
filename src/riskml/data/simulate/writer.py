"""A simulated book on disk: a folder of Parquet files per table, and a paper that says what it is."""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskml import __version__
from riskml.data.simulate.block import generator, simulate_block
from riskml.data.simulate.calendar import calendar
from riskml.data.simulate.market import market, market_rows
from riskml.data.simulate.settings import BLOCK, Book, Scenario
from riskml.data.simulate.tables import TABLES, arrow_table
from riskml.errors import InputError
from riskml.io import read_json, write_json

_WARNING = (
    "All of this is simulated by riskml. There are no such customers, and no result on these data says anything of "
    "real ones. They are for scale, for monitoring, and for proofs where the truth must be known."
)


@dataclass(frozen=True)
class Simulated:
    """A simulated book on disk."""

    folder: Path
    rows: dict[str, int]

    @property
    def tables(self) -> dict[str, Path]:
        """The folder of each table's Parquet files."""
        return {name: self.folder / name for name in self.rows}

    def read(self, table: str) -> pd.DataFrame:
        """Return a whole table in memory; dates and times alike are datetime64[us], which can be compared."""
        stored = pq.read_table(self.tables[table])
        days = [pa.field(f.name, pa.timestamp("us")) if f.type == pa.date32() else f for f in stored.schema]
        frame: pd.DataFrame = stored.cast(pa.schema(days)).to_pandas()
        return frame


def simulate(
    folder: str | Path,
    customers: int = 10_000,
    start: str = "2021-01-01",
    months: int = 36,
    seed: int = 7,
    switches: Scenario | None = None,
    *,
    horizon_days: int = 90,
    chunk: int = 10_000,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Simulate a book of customers and write it to a folder.

    The data are made up: never pass them off as real. ``about.json`` and ``README.md`` in the folder say so, and so
    does the metadata of each Parquet file.

    Parameters
    ----------
    folder : path
        Is made. It may hold the very same book, which then stays.
    customers, start, months, seed, horizon_days, chunk
        See ``Book``.
    switches : Switches, optional
        What is unusual about the book.
    progress : callable of (customers done, all customers), optional
        Called at the start and after every thousand customers.

    Raises
    ------
    InputError
        When the folder holds something else, cannot be written, or a parameter is out of its range.

    Notes
    -----
    Every thousand customers have random numbers of their own, which follow from the seed and their place: with the same
    seed, start and months a customer has the same records in a book of any size and with files of any size. Memory is
    bounded by ``chunk``. See ``riskml.data.simulate.hazards`` for the hazards and
    ``riskml.data.simulate.true_risk`` for the true probabilities.
    """
    book = Book(customers, start, months, seed, horizon_days, chunk, switches or Scenario())
    folder = Path(folder).expanduser().absolute()
    already = _same_book(folder, book)
    if already is not None:
        return already
    with _whole_folder(folder) as temporary:
        rows, dirty = _write_tables(temporary, book, progress or _silent)
        about = {
            "what": _WARNING,
            "riskml": __version__,
            "parameters": asdict(book),
            "rows": rows,
            "dirty": dirty,
            "tables": {
                name: {"row": table.row, "columns": {column.name: column.says for column in table.columns}}
                for name, table in TABLES.items()
            },
        }
        write_json(temporary / "about.json", about)
        (temporary / "README.md").write_text(_readme(book, rows), encoding="utf-8")
    return Simulated(folder, rows)


def _silent(done: int, customers: int) -> None: ...


def _same_book(folder: Path, book: Book) -> Simulated | None:
    """Return the book that a folder holds, if it is the one asked for; refuse a folder that holds anything else."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError("is a file", where=str(folder), fix="name a folder")
    if not any(folder.iterdir()):
        return None
    try:
        about = read_json(folder / "about.json")
        if about["riskml"] == __version__ and about["parameters"] == asdict(book):
            return Simulated(folder, about["rows"])
        differs = "another simulated book"
    except (OSError, ValueError, KeyError, TypeError):
        differs = "something else"
    raise InputError(f"the folder holds {differs}", where=str(folder), fix="name a new folder, or remove this one")


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder, which takes its name when the block ends without an error and else is removed."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(folder),
            fix="choose a folder that you may write to, on a disk with room",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_tables(
    folder: Path, book: Book, progress: Callable[[int, int], None]
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    months = calendar(book)
    rng = generator(book, 0)
    drawn = market(book, months, rng)
    rows = dict.fromkeys(TABLES, 0)
    dirty: defaultdict[str, Counter[str]] = defaultdict(Counter)
    # The market is one for all customers.
    rows["market"] = _write(folder, "market", 0, [arrow_table("market", market_rows(drawn, months, rng), 0)])
    progress(0, book.customers)
    for part, begin in enumerate(range(0, book.customers, book.chunk)):
        waiting: defaultdict[str, list[Any]] = defaultdict(list)
        end = min(begin + book.chunk, book.customers)
        for first in range(begin, end, BLOCK):
            block = simulate_block(book, months, drawn, first // BLOCK)
            for name, table in block.tables.items():
                waiting[name].append(table)
            for name, counts in block.dirty.items():
                dirty[name] += counts
            progress(min(first + BLOCK, end), book.customers)
        for name, tables in waiting.items():
            rows[name] += _write(folder, name, part, tables)
    return rows, {name: dict(counts) for name, counts in dirty.items()}


def _write(folder: Path, name: str, part: int, tables: list[Any]) -> int:
    whole = pa.concat_tables(tables)
    (folder / name).mkdir(exist_ok=True)
    pq.write_table(whole, folder / name / f"part-{part:05d}.parquet", compression="zstd")
    count: int = whole.num_rows
    return count


def _readme(book: Book, rows: dict[str, int]) -> str:
    lines = [
        "# A simulated book of customers",
        "",
        _WARNING,
        "",
        f"{book.customers:,} customers, {book.months} months from {book.start}, seed {book.seed}. All parameters are "
        "in `about.json`.",
        "",
        f"`truth` holds the probability of default and of churn within {book.horizon_days} days of the first morning "
        "of each month, given the states that nobody sees. It is what a model is held against, never what it learns "
        "from.",
    ]
    for name, table in TABLES.items():
        lines += ["", f"## {name}: {rows[name]:,} rows", "", f"A row is {table.row}.", ""]
        lines += [f"- `{column.name}` ({column.kind}): {column.says}" for column in table.columns]
    return "\n".join(lines) + "\n"
