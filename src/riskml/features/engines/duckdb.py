"""DuckDB engine: tables larger than memory on one machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from riskml.config.panel import PanelConfig, TableConfig
from riskml.data.sources.sql import identifier, literal
from riskml.data.sources.tables import Stored
from riskml.features.canonical import Dialect, select
from riskml.io import replacing

_AT_ONCE = 500_000  # customers


def _below(file: Path, root: Path) -> tuple[str, ...]:
    return file.parent.relative_to(root).parts if file.is_relative_to(root) else ()


def _day(column: str, kind: str, zone: str) -> str:
    local = f"timezone({literal(zone)}, {column})" if kind == "timestamp with zone" else column
    return f"cast(cast({local} as date) - date '1970-01-01' as integer)"


DIALECT = Dialect(identifier, _day, "varchar", "double")


@dataclass(frozen=True)
class DuckDB:
    """An engine for `riskml.features.panel`."""

    connection: Any
    numbers: Iterator[int] = field(default_factory=count)  # unique names of held results

    def read(self, table: TableConfig, panel: PanelConfig, stored: Stored, *, integer_ids: bool) -> nw.LazyFrame[Any]:
        """Return a table in its canonical form, read once because each as-of date uses it several times."""
        files = ", ".join(literal(str(file)) for file in stored.files)
        # Folders named key=value count only below the source's own folder.
        hive = str(any("=" in part for file in stored.files for part in _below(file, stored.root))).lower()
        source = f"read_parquet([{files}], union_by_name=true, hive_partitioning={hive})"
        query = select(table, panel, stored.columns, source, DIALECT, integer_ids=integer_ids)
        read = self.connection.sql(query)
        # Sorted by customer, so that a group is complete before the next one needs its memory.
        return self._held(read if table.role == "market" else read.order("customer"), self._name())

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        frame: pd.DataFrame = lazy.to_native().df()
        return frame

    def parts(self, rows: nw.LazyFrame[Any]) -> list[nw.Expr]:
        """Return conditions on ``customer`` for parts of half a million customers; larger ones would spill to disk."""
        relation = rows.to_native()
        several = -(-len(relation) // _AT_ONCE)
        if several < 2:
            return []
        shares = [number / several for number in range(1, several)]
        ((cuts,),) = relation.aggregate(f"quantile_disc(customer, {shares})").fetchall()
        customer = nw.col("customer")
        between = [(customer >= low) & (customer < high) for low, high in pairwise(cuts)]
        return [customer < cuts[0], *between, customer >= cuts[-1]]

    def write(self, parts: Sequence[nw.LazyFrame[Any]], file: Path) -> None:
        """Write a result as Parquet, atomically; several parts become a folder."""
        with replacing(file) as temporary:
            if len(parts) == 1:
                parts[0].to_native().write_parquet(str(temporary), compression="snappy")
                return
            shutil.rmtree(file, ignore_errors=True)  # of an interrupted build
            temporary.mkdir()
            for number, part in enumerate(parts):
                path = temporary / f"part-{number:05d}.parquet"
                part.to_native().write_parquet(str(path), compression="snappy")

    @contextmanager
    def holding(self, lazy: nw.LazyFrame[Any]) -> Iterator[nw.LazyFrame[Any]]:
        """Hold a result that is used more than once, and release it afterwards."""
        name = self._name()
        try:
            yield self._held(lazy.to_native(), name)
        finally:
            self.connection.execute(f"drop table if exists {name}")

    def _name(self) -> str:
        return f"held_{next(self.numbers)}"

    def _held(self, relation: Any, name: str) -> nw.LazyFrame[Any]:
        """Hold a result in memory, or on disk where it is too large."""
        relation.create(name)
        frame: nw.LazyFrame[Any] = nw.from_native(self.connection.table(name))
        return frame


@contextmanager
def duckdb_engine(folder: Path, memory: str) -> Iterator[DuckDB]:
    """Open DuckDB in memory, with a folder to spill to."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    try:
        yield DuckDB(connection)
    finally:
        connection.close()
