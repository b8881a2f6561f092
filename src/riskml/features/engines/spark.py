"""Spark engine: the same expressions on a cluster, or on the cores of one machine."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskml.config.panel import PanelConfig, TableConfig
from riskml.data.sources.tables import Stored
from riskml.errors import InputError
from riskml.features.canonical import Dialect, columns_read, select

# The expressions' days need UTC; timestamps in nanoseconds are read as numbers.
_NEEDED = {"spark.sql.session.timeZone": "UTC", "spark.sql.legacy.parquet.nanosAsLong": "true"}
_TYPES = {
    "integer": "bigint",
    "number": "double",
    "text": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp_ntz",
    "timestamp with zone": "timestamp",
}


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _day(column: str, kind: str, zone: str) -> str:
    zone = zone.replace("'", "")
    # Spark holds timestamps with a zone as instants; the session's zone is UTC.
    local = f"from_utc_timestamp({column}, '{zone}')" if kind == "timestamp with zone" else column
    return f"cast(datediff(cast({local} as date), date'1970-01-01') as bigint)"


DIALECT = Dialect(_quote, _day, "string", "double")


@dataclass(frozen=True)
class Spark:
    """An engine for `riskml.features.panel`."""

    session: Any  # from `spark_session`
    persisted: list[Any] = field(default_factory=list)  # persisted frames

    def read(self, table: TableConfig, panel: PanelConfig, stored: Stored, *, integer_ids: bool) -> nw.LazyFrame[Any]:
        """Return a table in its canonical form, read lazily."""
        view = f"table_{id(table)}"
        kinds = {name: stored.columns[name] for name in columns_read(table, panel) if name in stored.columns}
        _united(self.session, stored.files, kinds).createOrReplaceTempView(view)
        records = self.session.sql(select(table, panel, stored.columns, view, DIALECT, integer_ids=integer_ids))
        # Without a key, to read the files again costs less than to keep the table.
        frame: nw.LazyFrame[Any] = nw.from_native(records if table.key is None else self._persisted(records))
        return frame

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        with quiet():
            frame: pd.DataFrame = lazy.to_native().toPandas()
        return frame

    def parts(self, rows: nw.LazyFrame[Any]) -> list[nw.Expr]:
        """Return no conditions: Spark partitions by itself."""
        return []

    def write(self, parts: Sequence[nw.LazyFrame[Any]], file: Path) -> None:
        """Write a result as Parquet: Spark's folder of parts, committed atomically."""
        (lazy,) = parts
        lazy.to_native().write.mode("overwrite").parquet(str(file))

    @contextmanager
    def holding(self, lazy: nw.LazyFrame[Any]) -> Iterator[nw.LazyFrame[Any]]:
        """Hold a result that is used more than once, and release it afterwards."""
        held = lazy.to_native().persist()
        try:
            yield nw.from_native(held)
        finally:
            held.unpersist()

    def release(self) -> None:
        """Release all persisted frames."""
        while self.persisted:
            self.persisted.pop().unpersist()

    def _persisted(self, frame: Any) -> Any:
        self.persisted.append(frame.persist())
        return self.persisted[-1]


def _united(session: Any, files: tuple[Path, ...], kinds: Mapping[str, str]) -> Any:
    """Return some columns of Parquet files with one type each, whatever their type in each file."""
    by_types: dict[tuple[tuple[str, pa.DataType], ...], list[Path]] = {}
    for file in files:
        schema = pq.read_schema(file)
        types = tuple((name, schema.field(name).type) for name in kinds if name in schema.names)
        by_types.setdefault(types, []).append(file)
    parts = []
    for types, alike in by_types.items():
        here = dict(types)
        keys = [name for name in kinds if name not in here]
        reader = session.read
        root = _root(alike[0], keys)
        if root is not None:
            reader = reader.option("basePath", str(root))
        read = reader.parquet(*[str(file) for file in alike])
        there = {*here, *(name for name in keys if name in read.columns)}
        parts.append(
            read.selectExpr(
                *[
                    f"{_cast(_quote(name), kind, here.get(name)) if name in there else f'cast(null as {_type(kind)})'}"
                    f" as {_quote(name)}"
                    for name, kind in kinds.items()
                ]
            )
        )
    return reduce(lambda one, other: one.union(other), parts)


def _root(file: Path, keys: list[str]) -> Path | None:
    """Return the folder above the folders ``key=value`` of some keys, or None."""
    parts = [position for position, part in enumerate(file.parts) if part.partition("=")[0] in keys and "=" in part]
    return Path(*file.parts[: parts[0]]) if parts else None


def _type(kind: str) -> str:
    return _TYPES.get(kind, "string")


def _cast(column: str, kind: str, type: pa.DataType | None) -> str:
    if type is not None and pa.types.is_timestamp(type) and type.unit == "ns":
        column = f"timestamp_micros((cast({column} as bigint) - pmod(cast({column} as bigint), 1000)) div 1000)"
    return f"cast({column} as {_type(kind)})" if kind in _TYPES else column


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Spark's warnings about its own use of pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pyspark\.")
        yield


@contextmanager
def spark_session(settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Open a Spark session, or use the active one; a session opened here is always stopped.

    Parameters
    ----------
    settings : mapping, optional
        Spark settings of a session that is opened here.

    Yields
    ------
    SparkSession
        On the cluster of the environment variable SPARK_MASTER, or on the cores of this machine, listening on the
        loopback interface only.

    Raises
    ------
    InputError
        When pyspark or Java is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError("engine: spark needs pyspark", where="panel.engine", fix="pip install riskml[spark]") from None
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    master = os.environ.get("SPARK_MASTER", "local[*]")
    options = {"spark.master": master, "spark.ui.enabled": "false", **_NEEDED}
    # Workers use the current interpreter.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    if master.startswith("local"):
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        # A task a core: the 200 by default cost more than they do.
        options["spark.sql.shuffle.partitions"] = str(max(2, os.cpu_count() or 2))
    builder = SparkSession.builder.appName("riskml")
    for name, value in (options | dict(settings or {})).items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise InputError(
                f"Spark does not start: {type(error).__name__}",
                where="panel.engine",
                fix="it needs Java 17: apt-get install openjdk-17-jre-headless",
            ) from None
    try:
        session.sparkContext.setLogLevel("ERROR")
        yield session
    finally:
        session.stop()


@contextmanager
def spark_engine(memory: str = "4GB") -> Iterator[Spark]:
    """Open a Spark session as an engine for panels."""
    with spark_session({"spark.driver.memory": memory.removesuffix("B").lower()}) as session:
        # The settings of a session that was active before are restored afterwards.
        before = {name: session.conf.get(name, None) for name in _NEEDED}
        engine = Spark(session)
        for name, value in _NEEDED.items():
            session.conf.set(name, value)
        try:
            yield engine
        finally:
            engine.release()
            for name, value in before.items():
                session.conf.unset(name) if value is None else session.conf.set(name, value)
