"""Simulated portfolio on disk: a folder of Parquet files per table, with a description."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskml import __version__
from riskml.data.simulate.block import generator, simulate_block
from riskml.data.simulate.calendar import calendar_of
from riskml.data.simulate.market import draw_market, market_rows
from riskml.data.simulate.settings import BLOCK, Scenario, Settings
from riskml.data.simulate.tables import TABLES, arrow_table
from riskml.errors import InputError
from riskml.io import read_json, replacing, write_json

_WARNING = (
    "All of this is simulated by riskml. The customers do not exist, and no result on these data says anything about "
    "real ones. They are for load tests, for monitoring, and for proofs where the truth must be known."
)


@dataclass(frozen=True)
class Simulated:
    """A simulated portfolio on disk."""

    folder: Path
    rows: dict[str, int]

    @property
    def tables(self) -> dict[str, Path]:
        """The folder of each table's Parquet files."""
        return {name: self.folder / name for name in self.rows}

    def read(self, table: str) -> pd.DataFrame:
        """Return a table in memory; dates and times are datetime64[us]."""
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
    """Simulate a portfolio of customers and write it to a folder.

    The data are made up: never present them as real. ``about.json`` and ``README.md`` in the folder say so, and so does
    the metadata of each Parquet file.

    Parameters
    ----------
    folder : path
        New folder. A folder with the same simulation is kept.
    customers, start, months, seed, horizon_days, chunk
        See ``Settings``.
    switches : Scenario, optional
        Deviations from a plain simulation.
    progress : callable of (customers done, all customers), optional
        Called at the start and after every thousand customers.

    Raises
    ------
    InputError
        When the folder holds something else, cannot be written, or a parameter is out of range.

    Notes
    -----
    The random numbers of every thousand customers depend on the seed and their position only: with the same seed, start
    and months, a customer has the same records for any number of customers and any size of files. Memory is bounded by
    ``chunk``. See ``riskml.data.simulate.hazards`` for the hazards and ``riskml.data.simulate.true_risk`` for the true
    probabilities.
    """
    settings = Settings(customers, start, months, seed, horizon_days, chunk, switches or Scenario())
    folder = Path(folder).expanduser().absolute()
    existing = _existing(folder, settings)
    if existing is not None:
        return existing
    with replacing(folder) as temporary:
        temporary.mkdir()
        rows, dirty = _write_tables(temporary, settings, progress or (lambda done, customers: None))
        about = {
            "what": _WARNING,
            "riskml": __version__,
            "parameters": asdict(settings),
            "rows": rows,
            "dirty": dirty,
            "tables": {
                name: {"row": table.row, "columns": {column.name: column.description for column in table.columns}}
                for name, table in TABLES.items()
            },
        }
        write_json(temporary / "about.json", about)
        (temporary / "README.md").write_text(_readme(settings, rows), encoding="utf-8")
    return Simulated(folder, rows)


def _existing(folder: Path, settings: Settings) -> Simulated | None:
    """Return the simulation that a folder holds, if it has these settings; refuse a folder with anything else."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError("this is a file, not a folder", where=str(folder), fix="name a folder")
    if not any(folder.iterdir()):
        return None
    try:
        about = read_json(folder / "about.json")
        if about["riskml"] == __version__ and about["parameters"] == asdict(settings):
            return Simulated(folder, about["rows"])
        content = "another simulation"
    except (OSError, ValueError, KeyError, TypeError):
        content = "other files"
    raise InputError(f"the folder holds {content}", where=str(folder), fix="name a new folder, or remove this one")


def _write_tables(
    folder: Path, settings: Settings, progress: Callable[[int, int], None]
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    calendar = calendar_of(settings)
    rng = generator(settings, 0)
    market = draw_market(settings, calendar, rng)
    rows = dict.fromkeys(TABLES, 0)
    dirty: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows["market"] = _write(folder, "market", 0, [arrow_table("market", market_rows(market, calendar, rng), 0)])
    progress(0, settings.customers)
    for part, begin in enumerate(range(0, settings.customers, settings.chunk)):
        pending: defaultdict[str, list[Any]] = defaultdict(list)
        end = min(begin + settings.chunk, settings.customers)
        for first in range(begin, end, BLOCK):
            block = simulate_block(settings, calendar, market, first // BLOCK)
            for name, table in block.tables.items():
                pending[name].append(table)
            for name, counts in block.dirty.items():
                dirty[name] += counts
            progress(min(first + BLOCK, end), settings.customers)
        for name, tables in pending.items():
            rows[name] += _write(folder, name, part, tables)
    return rows, {name: dict(counts) for name, counts in dirty.items()}


def _write(folder: Path, name: str, part: int, tables: list[Any]) -> int:
    table = pa.concat_tables(tables)
    (folder / name).mkdir(exist_ok=True)
    pq.write_table(table, folder / name / f"part-{part:05d}.parquet", compression="zstd")
    return int(table.num_rows)


def _readme(settings: Settings, rows: dict[str, int]) -> str:
    lines = [
        "# Simulated portfolio of customers",
        "",
        _WARNING,
        "",
        f"{settings.customers:,} customers, {settings.months} months from {settings.start}, seed {settings.seed}; all "
        "settings are in `about.json`.",
        "",
        f"`truth` holds the probability of default and of churn within {settings.horizon_days} days from the first day "
        "of each month, given the latent states. Use it to evaluate a model, never to train one.",
    ]
    for name, table in TABLES.items():
        lines += ["", f"## {name}: {rows[name]:,} rows", "", f"A row is {table.row}.", ""]
        lines += [f"- `{column.name}` ({column.kind}): {column.description}" for column in table.columns]
    return "\n".join(lines) + "\n"
