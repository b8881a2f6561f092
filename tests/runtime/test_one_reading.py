"""One reading of a value: whatever its type and its way in, a number or a level has the same bin and points."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskml.export.onnx import onnx_inputs, to_onnx
from riskml.export.sql import to_sql
from riskml.metrics import baseline
from riskml.runs.model_loading import load_model
from riskml.runtime.batch import score_file
from riskml.runtime.package import Artifact
from riskml.scorecard import Scorecard

NUMBERS = [round(step * 0.1, 1) for step in range(21)]
LEVELS = ["1", "2.5", "True", "north"]
# How a number may be written: as a number of any type, or as text.
NUMBER_TYPES = {
    "float64": float,
    "float32": np.float32,
    "decimal": lambda value: Decimal(str(value)).quantize(Decimal("0.01")),
    "text": str,
}
LEVEL_TYPES: dict[str, tuple[Any, ...]] = {
    "text": tuple(LEVELS),
    "int": (1,),
    "float64": (1.0, 2.5),
    "float32": (np.float32(1), np.float32(2.5)),
    "decimal": (Decimal("1.00"), Decimal("2.50")),
    "bool": (True,),
}
WAYS = ("frame", "record", "csv", "parquet", "duckdb", "sqlite", "onnx", "psi")
quickly = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    draw = np.random.default_rng(6)
    X = pd.DataFrame({"rate": draw.choice([*NUMBERS, np.nan], 3000), "group": draw.choice([*LEVELS, None], 3000)})
    chance = 0.1 + 0.25 * X["rate"].fillna(1.0) + 0.15 * (X["group"] == "1") + 0.1 * (X["group"] == "True")
    y = (draw.random(3000) < chance).astype(int)
    special = {"rate": [0.1]}
    file = tmp_path_factory.mktemp("card") / "card.yaml"
    Scorecard(min_iv=0, max_bins=10, special_values=special).fit(X, y).save(file)
    return load_model(file)


@pytest.fixture(scope="session")
def session(card: Artifact) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(to_onnx(card))


def typed(values: list[Any], kind: str) -> pd.Series:
    """Return values as a column of their type; None is missing."""
    return pd.Series(values, dtype=kind if kind in ("float64", "float32") else object)


def points(way: str, card: Artifact, frame: pd.DataFrame, session: Any, folder: Path) -> list[float]:
    """Return the points of each row by one of the ways in."""
    if way == "frame":
        return card.score(frame)["points"].tolist()
    if way == "record":
        return [
            # pandas' own records would widen a float32.
            card.score_record({"rate": rate, "group": group})["points"]
            for rate, group in zip(frame["rate"].array, frame["group"].array, strict=True)
        ]
    if way == "onnx":
        names = [output.name for output in session.get_outputs()]
        return session.run(None, onnx_inputs(card, frame))[names.index("points")].ravel().tolist()
    if way in ("csv", "parquet"):
        file = folder / f"in.{way}"
        _ = frame.to_csv(file, index=False) if way == "csv" else frame.to_parquet(file, index=False)
        score_file(card, file, folder / "out.csv")
        return pd.read_csv(folder / "out.csv")["points"].tolist()
    rows = frame.assign(place=range(len(frame)))
    if way == "duckdb":
        rows.to_parquet(folder / "rows.parquet", index=False)
        with duckdb.connect() as connection:
            connection.sql(f"create table t as from read_parquet('{folder / 'rows.parquet'}')")
            found = connection.sql(to_sql(card, "t", keep=["place"])).df()
    else:
        # SQLite has no decimals.
        cells = rows.astype(object).map(lambda cell: float(cell) if isinstance(cell, Decimal) else cell)
        with closing(sqlite3.connect(":memory:")) as connection:
            cells.to_sql("t", connection, index=False)
            found = pd.read_sql_query(to_sql(card, "t", dialect="sqlite", keep=["place"]), connection)
    return found.sort_values("place")["points"].tolist()


def counts(way_of: pd.Series, plain: pd.Series) -> tuple[list[float], list[float]]:
    fixed = baseline(plain)
    return fixed.count(way_of).tolist(), fixed.count(plain).tolist()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", NUMBER_TYPES)
@given(numbers=st.lists(st.one_of(st.none(), st.sampled_from(NUMBERS)), min_size=8, max_size=40))
@quickly
def test_a_number_of_any_type_has_one_bin(
    kind: str, way: str, numbers: list[float | None], card: Artifact, session: Any, tmp_path: Path
) -> None:
    plain = pd.DataFrame({"rate": pd.Series(numbers, dtype="float64"), "group": "north"})
    if (way, kind) == ("sqlite", "float32"):
        # SQLite keeps a float32 as 0.10000000149: in its bin, but no special code.
        plain = plain[plain["rate"] != 0.1].reset_index(drop=True)
        numbers = [value for value in numbers if value != 0.1]
    column = typed([None if value is None else NUMBER_TYPES[kind](value) for value in numbers], kind)
    if way == "psi":
        if kind in ("float64", "float32"):  # others are levels to PSI; the model's columns are numbers before
            there, here = counts(column, plain["rate"])
            assert there == here
        return
    found = points(way, card, plain.assign(rate=column), session, tmp_path)
    np.testing.assert_allclose(found, card.score(plain)["points"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LEVEL_TYPES)
@given(data=st.data())
@quickly
def test_a_level_of_any_type_has_one_bin(
    kind: str, way: str, data: st.DataObject, card: Artifact, session: Any, tmp_path: Path
) -> None:
    if (way, kind) == ("sqlite", "bool"):
        pytest.skip("SQLite has no truth values: true is 1")
    known = dict(zip(LEVEL_TYPES[kind], ["True"] if kind == "bool" else LEVELS, strict=False))
    values = data.draw(st.lists(st.sampled_from([None, *known]), min_size=8, max_size=40))
    names = [None if value is None else known[value] for value in values]
    plain = pd.DataFrame({"rate": 0.5, "group": pd.Series(names, dtype=object)})
    column = typed(values, kind)
    if way == "psi":
        there, here = counts(column.astype(object), plain["group"])
        assert there == here
        return
    found = points(way, card, plain.assign(group=column), session, tmp_path)
    np.testing.assert_allclose(found, card.score(plain)["points"])


def test_postgresql_reads_values_of_any_type_alike(card: Artifact, postgresql: Any) -> None:
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    plain = pd.DataFrame({"rate": [*NUMBERS, None], "group": "north", "place": range(len(NUMBERS) + 1)})
    here = card.score(plain)["points"]
    with postgresql() as address, sqlalchemy.create_engine(address, poolclass=NullPool).begin() as connection:
        plain.to_sql("plain", connection, index=False)
        for kind in ("double precision", "real", "numeric(9, 2)", "text"):
            select = f'select place, "group", cast(rate as {kind}) as rate from plain'
            connection.execute(sqlalchemy.text(f"drop view if exists v; create temp view v as {select}"))
            query = to_sql(card, "v", dialect="postgres", keep=["place"])
            found = pd.read_sql(sqlalchemy.text(query.replace(":", "\\:")), connection).sort_values("place")
            np.testing.assert_allclose(found["points"].astype(float), here, err_msg=kind)
