from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import InputError
from riskml.export.sql import DIALECTS, as_double, number, to_sql
from riskml.runtime.additive import Additive, Segmented, Split
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Step

HOSTILE = ['x"; drop table t; --', "a]b", "c`d", "e'f", "g\\h", "多 列", "a.b", "--", "${x}", "%s"]


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["scorecard"])


def scored(artifact, frame, **options):
    with duckdb.connect() as connection:
        connection.register("t", frame.assign(place=range(len(frame))))
        return connection.sql(to_sql(artifact, "t", keep=["place"], **options)).df().sort_values("place")


def hostile(artifact):
    shapes = tuple(Levels(name, dict.fromkeys(HOSTILE, 0), (0.7, -0.2, 0.1), (1.0, 2.0, 3.0)) for name in HOSTILE)
    columns = tuple({"name": name, "kind": "categorical", "levels": HOSTILE, "special": []} for name in HOSTILE)
    tiers = tuple(replace(tier, name=f"{tier.name}'; --") for tier in artifact.tiers)
    return replace(artifact, model=Additive(-2.0, shapes, 10.0), columns=columns, tiers=tiers)


def test_hostile_names_of_columns_levels_and_tiers_are_quoted(artifact):
    model = hostile(artifact)
    frame = pd.DataFrame({name: [*HOSTILE, None, "x"] for name in HOSTILE})
    found, here = scored(model, frame), model.score(frame)
    np.testing.assert_allclose(found["probability"], here["probability"], rtol=0, atol=1e-12)
    assert found["tier"].tolist() == here["tier"].tolist()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_read_back_by_its_own_parser(dialect, artifact):
    import sqlglot

    query = to_sql(hostile(artifact), "risk.book", dialect=dialect, keep=["customer"])
    (parsed,) = sqlglot.parse(query, dialect=dialect)
    names = {column.name for column in parsed.find_all(sqlglot.exp.Column)}
    assert set(HOSTILE) <= names
    texts = {literal.this for literal in parsed.find_all(sqlglot.exp.Literal, sqlglot.exp.National)}
    assert set(HOSTILE) <= texts


def test_postgresql_takes_hostile_names(artifact, postgresql):
    model = hostile(artifact)
    frame = pd.DataFrame({name: [*HOSTILE, None] for name in HOSTILE})
    quoted = ['"' + name.replace('"', '""') + '" text' for name in HOSTILE]
    with postgresql() as address:
        import psycopg

        with psycopg.connect(address.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
            cursor.execute(f'create table "t" (place int, {", ".join(quoted)})')
            marks = ", ".join(["%s"] * (len(HOSTILE) + 1))
            for place, row in enumerate(frame.astype(object).where(frame.notna(), None).itertuples(index=False)):
                cursor.execute(f'insert into "t" values ({marks})', (place, *row))
            cursor.execute(to_sql(model, "t", dialect="postgres", keep=["place"]))
            found = pd.DataFrame(cursor.fetchall(), columns=[one.name for one in cursor.description])
    found = found.sort_values("place")
    here = model.score(frame)
    np.testing.assert_allclose(found["probability"].astype(float), here["probability"], rtol=0, atol=1e-12)
    assert found["tier"].tolist() == here["tier"].tolist()


def test_a_segmented_scorecard_is_one_query(artifact):
    cards = [
        Additive(start, (Step("Age", (40.0,), (), (0.1, -0.2, 0.3), (5.0, 6.0, 7.0)),), 400.0) for start in (-1.0, 1.0)
    ]
    splits = (Split(Levels("Home", {"owner": 0}, (0.0, 0.0, 0.0)), (~0, 1, ~1)), Split(
        Step("Income", (50.0,), (), (0.0, 0.0, 0.0)), (~1, ~0, ~1)
    ))  # fmt: skip
    model = replace(artifact, model=Segmented(splits, ("a", "b"), tuple(cards), (0.5, 0.5)))
    frame = pd.DataFrame(
        {"Home": ["owner", None, None, "x"], "Income": [1.0, 10, 60, np.nan], "Age": [20.0, 50, np.nan, 40]}
    )
    found, here = scored(model, frame), model.score(frame)
    np.testing.assert_allclose(found["probability"], here["probability"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["points"], here["points"], rtol=0, atol=1e-12)


def test_what_the_wheel_refuses_has_no_score(artifact):
    frame = pd.DataFrame({"Age": [np.inf, 30.0, 30.0], "Income": 50.0, "Home": ["rent", "castle", None]})
    found = scored(replace(artifact, unseen="refuse"), frame)
    assert found["probability"].isna().tolist() == [True, True, False]
    assert found["tier"].isna().tolist() == [True, True, False]
    assert found["points"].isna().tolist() == [True, True, False]


def test_log_odds_beyond_a_double_s_range_do_not_overflow(artifact):
    steep = replace(artifact, model=Additive(0.0, (Step("Age", (0.0,), (), (-5000.0, 5000.0, 0.0)),)))
    found = scored(steep, pd.DataFrame({"Age": [-1.0, 1.0, None], "Income": 0.0, "Home": "rent"}))
    assert found["probability"].tolist() == [pytest.approx(0, abs=1e-300), 1.0, 0.5]


@pytest.mark.parametrize("kind", ["boosting", "blend"])
def test_boosted_trees_are_not_written_as_sql(kind, artifacts):
    with pytest.raises(InputError, match="SQL for .* is not written"):
        to_sql(Artifact.load(artifacts[kind]), "t")


def test_what_cannot_be_asked_for_is_refused(artifact):
    with pytest.raises(InputError, match="'oracle' is not written"):
        to_sql(artifact, "t", dialect="oracle")
    with pytest.raises(InputError, match="the name of a result: 'Tier'"):
        to_sql(artifact, "t", keep=["Tier"])
    with pytest.raises(InputError, match="no table's name"):
        to_sql(artifact, "a.b.c.d")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_bit(value):
    assert float(number(value).sql()) == value
    assert "e" in number(value).sql().lower()


singles = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(singles, st.floats(-1e38, 1e38))
def test_a_bound_parts_doubles_as_the_tree_parts_their_float32(threshold, x):
    bound, included = as_double(threshold)
    near = [x, threshold, bound, np.nextafter(bound, np.inf), np.nextafter(bound, -np.inf)]
    for value in near:
        if abs(value) < 3.4e38:
            assert (value <= bound if included else value < bound) == bool(np.float32(value) <= threshold)


# -- one reading of a value, whatever the type of the warehouse's column

TYPED = {
    "double": ([1.0, 2.5, 10.0, None], {"duckdb": "DOUBLE", "postgres": "double precision", "sqlite": "REAL"}),
    "real": ([0.1, 2.5, 10.0, None], {"duckdb": "FLOAT", "postgres": "real"}),
    "decimal": ([Decimal("1.00"), Decimal("2.50"), None], {"duckdb": "DECIMAL(9, 2)", "postgres": "numeric(9, 2)"}),
    "boolean": ([True, False, None], {"duckdb": "BOOLEAN", "postgres": "boolean"}),
    "integer": ([1, 2, 10, None], {"duckdb": "BIGINT", "postgres": "bigint", "sqlite": "INTEGER"}),
    "text": (["1.0", "", "  ", "a\nb", "Ä'", None], {"duckdb": "VARCHAR", "postgres": "text", "sqlite": "TEXT"}),
    "char": (["ab", "a", None], {"duckdb": "CHAR(4)", "postgres": "char(4)", "sqlite": "CHAR(4)"}),
}
LEVELS = ("1", "2.5", "10", "0.1", "True", "False", "1.0", "a\nb", "Ä'", "ab", "a")


@contextmanager
def warehouse(dialect: str, postgresql) -> Iterator[Any]:
    """Yield what executes a statement with parameters in a database, and returns the rows."""
    if dialect == "duckdb":
        with duckdb.connect() as connection:
            yield lambda statement, values=(): connection.execute(statement, list(values)).fetchall()
    elif dialect == "sqlite":
        with closing(sqlite3.connect(":memory:")) as connection:
            yield lambda statement, values=(): connection.execute(statement, values).fetchall()
    else:
        import psycopg

        with postgresql() as address, psycopg.connect(address.replace("+psycopg", "")) as connection:

            def execute(statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
                cursor = connection.execute(statement.replace("?", "%s") if values else statement, values or None)
                return cursor.fetchall() if cursor.description else []

            yield execute


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "sqlite"])
def test_a_column_of_any_type_is_read_as_the_wheel_reads_it(dialect, artifact, postgresql):
    levels = {level: place for place, level in enumerate(LEVELS)}
    values = tuple(0.25 * place - 1 for place in range(len(LEVELS) + 2))
    categories = replace(artifact, model=Additive(0.1, (Levels("x", levels, values),)))
    numbers = replace(artifact, model=Additive(0.1, (Step("x", (0.1, 1.0, 2.5), (), (0.1, 0.2, 0.3, 0.4, 0.9)),)))
    columns = [{"name": "x", "kind": "categorical", "levels": LEVELS, "special": []}]
    with warehouse(dialect, postgresql) as execute:
        for name, (cells, types) in TYPED.items():
            if dialect not in types:
                continue
            execute(f"create table {name}_ (place integer, x {types[dialect]})")
            for place, cell in enumerate(cells):
                cell = str(cell) if isinstance(cell, Decimal) else cell
                execute(f"insert into {name}_ values (?, ?)", (place, cell))
            frame = pd.DataFrame({"x": pd.Series(cells, dtype="float32" if name == "real" else object)})
            models = [replace(categories, columns=columns)]
            models += (
                [replace(numbers, columns=[columns[0] | {"kind": "numeric"}])] if name not in ("text", "char") else []
            )
            for model in models:
                rows = execute(to_sql(model, f"{name}_", dialect=dialect, keep=["place"]))
                found = [float(probability) for _, probability, *_ in sorted(rows)]
                np.testing.assert_allclose(found, model.score(frame)["probability"], atol=1e-12, err_msg=name)


def test_reading_the_query_as_text_changes_no_level(artifact):
    model = replace(artifact, model=Additive(0.1, (Levels("x", {"a\r\nb": 0}, (1.0, 0.0, 0.0)),)))
    columns = [{"name": "x", "kind": "categorical", "levels": ["a\r\nb"], "special": []}]
    query = to_sql(replace(model, columns=columns), "t")
    assert "\r" not in query
    assert "CHR(13)" in query
