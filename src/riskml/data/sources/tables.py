"""Tables of dated records from files, samples and databases, as Parquet files that every engine reads the same way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskml.data.catalog import load_sample, sample, sample_names
from riskml.data.sources.cache import Copy, copied
from riskml.data.sources.csv_scan import write_text_tables
from riskml.data.sources.databases import database_at, expanded, write_database_table
from riskml.data.sources.duckdb_files import is_duckdb, write_duckdb_table
from riskml.data.sources.parquet import united
from riskml.data.sources.source import missing_file
from riskml.data.sources.sql import identifier, no_table_named, short
from riskml.errors import DataError, InputError, did_you_mean, preview

_TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True)
class Stored:
    """A table on disk."""

    files: tuple[Path, ...]  # Parquet. A column may be missing in some of them: it is empty there
    # "integer", "number", "text", "boolean", "date", "timestamp", "timestamp with zone", or another type's own name
    # ("null" for a column without values). Folders ``key=value`` count as columns
    columns: Mapping[str, str]
    rows: int  # at least 1
    remarks: Mapping[str, str] = field(default_factory=dict)  # by column: the cell that made it text, where known
    root: Path = Path()  # the folder below which folders ``key=value`` are columns


def stored(source: str, folder: Path, *, table: str | None = None, name: str = "") -> Stored:
    r"""Return a table as Parquet files.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "orders.csv")
    ...     _ = path.write_text("customer,day,amount\n007,2024-01-31,9.5\n")
    ...     stored(str(path), Path(folder, "copies")).columns
    {'customer': 'text', 'day': 'date', 'amount': 'number'}
    """
    source = expanded(source)
    if "://" in source:
        return _from_url(source, folder, table, name)
    path = Path(source).expanduser()
    if _is_duckdb_file(path):
        return _from_duckdb(path.absolute(), folder, table, name)
    if table is not None:
        raise InputError(
            "only a database has tables to choose from",
            where=f"{source}, table {table!r}",
            fix="omit the table, or name a DuckDB file or a database's URL",
        )
    return _from_sample(source, folder, name) if source in sample_names() else _from_files(path, folder, name)


def check_columns(stored: Stored, needed: Mapping[str, Collection[str]], where: str) -> None:
    """Refuse a table that lacks columns, or has them with other types than needed.

    Examples
    --------
    >>> orders = Stored((), {"customer": "integer", "day": "text"}, 5)
    >>> check_columns(orders, {"custmer": ["integer"], "day": ["date", "timestamp"]}, "tables.orders")
    Traceback (most recent call last):
    riskml.errors.DataError: 2 columns are missing or have the wrong type:
      there is no column 'custmer' (did you mean 'customer'?)
      column 'day' is text, not date or timestamp; write days as 2024-01-31
      where: tables.orders
      fix:   the columns are 'customer' (integer), 'day' (text)
    """
    faults = [fault for name, kinds in needed.items() if (fault := _fault(stored, name, kinds))]
    if not faults:
        return
    columns = [f"{name!r} ({kind})" for name, kind in stored.columns.items()]
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    heading = [f"{len(faults)} columns are missing or have the wrong type:"] if len(faults) > 1 else []
    raise DataError(
        "\n  ".join([*heading, *faults]), where=where, fix=f"the columns are {', '.join(columns[:20])}{more}"
    )


def duplicated_rows(files: Iterable[Path]) -> int:
    """Return how many rows of a table equal an earlier one in every column, out of core."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        rows = connection.read_parquet([str(file) for file in files], union_by_name=True)
        columns = ", ".join(map(identifier, rows.columns))
        counted = rows.aggregate(f"{columns}, count(*) as riskml_copies", columns)
        ((duplicates,),) = counted.aggregate("coalesce(sum(riskml_copies - 1), 0)").fetchall()
    return int(duplicates)


def _fault(stored: Stored, name: str, kinds: Collection[str]) -> str:
    if name not in stored.columns:
        hint = did_you_mean(name, stored.columns)
        return f"there is no column {name!r}" + (f" ({hint})" if hint else "")
    kind, expected = stored.columns[name], " or ".join(sorted(kinds))
    if kind in kinds or (kind == "integer" and "number" in kinds):
        return ""
    if kind == "null":
        return f"column {name!r} is empty, not {expected}"
    remark = f" ({stored.remarks[name]})" if name in stored.remarks else ""
    hint = "; write days as 2024-01-31" if kind == "text" and "date" in kinds else ""
    return f"column {name!r} is {kind}, not {expected}{remark}{hint}"


def _from_url(url: str, folder: Path, table: str | None, name: str) -> Stored:
    database = database_at(url)
    if table is None:
        raise no_table_named(database.label)
    key = ["url", database.identity, table]
    inputs = [database.file] if database.file is not None and database.file.exists() else []
    copy = copied(folder, name or short(table), key, inputs, lambda home: write_database_table(database, table, home))
    return _of_copy(copy, f"{database.label}, table {short(table)}")


def _from_duckdb(path: Path, folder: Path, table: str | None, name: str) -> Stored:
    if table is None:
        raise no_table_named(str(path))
    log = path.with_name(path.name + ".wal")  # written and not yet in the file itself
    inputs = [path, *([log] if log.exists() else [])]
    key = ["duckdb", str(path), table]
    copy = copied(folder, name or short(table), key, inputs, lambda home: write_duckdb_table(path, table, home))
    return _of_copy(copy, f"{path}, table {short(table)}")


def _from_sample(source: str, folder: Path, name: str) -> Stored:
    def write(home: Path) -> dict[str, str]:
        content = pa.Table.from_pandas(load_sample(source), preserve_index=False)
        pq.write_table(content, home / "part-00000.parquet", compression="zstd", coerce_timestamps="us")
        return {}

    return _of_copy(copied(folder, name or source, ["sample", source, sample(source).sha256], [], write), source)


def _from_files(path: Path, folder: Path, name: str) -> Stored:
    if not path.exists():
        raise missing_file(path)
    files = _files(path) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    kinds = {"text" if file.name.lower().endswith(_TEXT) else file.suffix.lower() for file in files}
    if len(kinds) != 1 or not kinds <= {"text", ".parquet"}:
        raise _no_table_files(path, files)
    if kinds == {".parquet"}:
        return _of(tuple(files), root, {}, str(path))
    if empty := next((file for file in files if file.stat().st_size == 0), None):
        raise DataError("the file is empty (0 bytes)", where=str(empty), fix="export it again")
    files, root = [file.absolute() for file in files], root.absolute()
    key = ["text", str(path.absolute())]
    copy = copied(
        folder, name or path.name.split(".")[0], key, files, lambda home: write_text_tables(files, root, home)
    )
    return _of_copy(copy, str(path))


def _of_copy(copy: Copy, where: str) -> Stored:
    return _of(copy.files, copy.files[0].parent, copy.remarks, where)


def _of(files: tuple[Path, ...], root: Path, remarks: Mapping[str, str], where: str) -> Stored:
    columns = united(files, root)
    if not columns.rows:
        raise DataError("the table has no rows", where=where, fix="export it again, with its rows")
    return Stored(files, columns.kinds, columns.rows, remarks, root)


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder that hold its rows, in the same order on every machine."""
    if (folder / "_delta_log").exists():
        raise DataError(
            "the folder is a Delta Lake table: its files also hold rows that were deleted",
            where=str(folder),
            fix="write the table as plain Parquet files first",
        )
    inside = (file for file in folder.rglob("*") if file.is_file())
    visible = [file for file in inside if not any(part[0] in "._" for part in file.relative_to(folder).parts)]
    tables = [file for file in visible if file.name.lower().endswith((*_TEXT, ".parquet"))]
    return sorted(tables, key=lambda file: file.relative_to(folder).as_posix())


def _is_duckdb_file(path: Path) -> bool:
    if not path.is_file():
        return False
    if is_duckdb(path):
        return True
    if path.suffix.lower() not in (".duckdb", ".db", ".sqlite", ".sqlite3"):
        return False
    with path.open("rb") as file:
        sqlite = file.read(15) == b"SQLite format 3"
    raise DataError(
        "the file is a SQLite database" if sqlite else "the file is not a DuckDB database",
        where=str(path),
        fix=f"name it as sqlite:///{path}" if sqlite else "check which program wrote it",
    )


def _no_table_files(path: Path, files: Iterable[Path]) -> DataError:
    if not path.is_dir():
        return DataError(
            f"a table is read from .parquet, {', '.join(_TEXT)} or a database; got {path.name!r}",
            where=str(path),
            fix="convert it, or correct its name",
        )
    both = f"both Parquet and text files ({preview([file.name for file in files], 4)})"
    return DataError(
        f"the folder holds {both if list(files) else 'no file of a table'}",
        where=str(path),
        fix=f"name a folder of .parquet files, or of {', '.join(_TEXT)} files",
    )
