"""Spark: the same expressions on a cluster, or on this machine's cores."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from riskml.data.tables import Stored
from riskml.errors import InputError
from riskml.features.canonical import Dialect, select
from riskml.panel_config import PanelConfig, TableConfig


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _day(column: str, kind: str, zone: str) -> str:
    zone = zone.replace("'", "")
    # Spark holds stamps with a zone as instants; the session's zone is UTC.
    local = f"from_utc_timestamp({column}, '{zone}')" if kind == "timestamp with zone" else column
    return f"cast(datediff(cast({local} as date), date'1970-01-01') as bigint)"


DIALECT = Dialect(_quote, _day, "string", "double")


@dataclass(frozen=True)
class Spark:
    """An engine for `riskml.features.panel`.

    Parameters
    ----------
    session : SparkSession
    """

    session: Any

    def read(self, table: TableConfig, panel: PanelConfig, stored: Stored, *, whole: bool) -> nw.LazyFrame[Any]:
        """Return a table in its canonical form; nothing is read before it is used."""
        files = [str(file) for file in stored.files]
        read = self.session.read.option("mergeSchema", "true").parquet(*files)
        view = f"table_{id(table)}"
        read.createOrReplaceTempView(view)
        query = select(table, panel, stored.columns, view, DIALECT, whole=whole)
        frame: nw.LazyFrame[Any] = nw.from_native(self.session.sql(query))
        return frame

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        found: pd.DataFrame = lazy.to_native().toPandas()
        return found

    def write(self, lazy: nw.LazyFrame[Any], file: Path) -> None:
        """Write a result as Parquet: Spark's folder of parts, which it commits whole or not at all."""
        lazy.to_native().write.mode("overwrite").parquet(str(file))

    def parquet(self, file: Path) -> nw.LazyFrame[Any]:
        """Return what was written."""
        frame: nw.LazyFrame[Any] = nw.from_native(self.session.read.parquet(str(file)))
        return frame


@contextmanager
def spark_engine() -> Iterator[Spark]:
    """Open Spark on this machine, or join the session there is; one opened here is stopped in every outcome.

    Raises
    ------
    InputError
        When pyspark or Java is not there.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError(
            "engine: spark needs pyspark", where="panel.engine", mend="pip install riskml[spark]"
        ) from None
    running = SparkSession.getActiveSession()
    if running is not None:
        yield Spark(running)
        return
    # Workers run the interpreter that runs, and nothing listens beyond this machine.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("riskml")
    if "SPARK_MASTER" in os.environ:
        builder = builder.master(os.environ["SPARK_MASTER"])
    else:
        builder = builder.master("local[*]").config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.shuffle.partitions", "8")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise InputError(
                f"Spark does not start: {type(error).__name__}",
                where="panel.engine",
                mend="it needs Java 17: apt-get install openjdk-17-jre-headless",
            ) from None
        try:
            yield Spark(session)
        finally:
            session.stop()
