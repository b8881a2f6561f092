"""Derived columns outside the wheel: computed by SQL and ONNX, listed in the card's workbook."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import InputError
from riskml.export.html_excel import sheets
from riskml.export.sql import DIALECTS, to_sql
from riskml.runtime.additive import Additive
from riskml.runtime.derived import Derivation, Formula
from riskml.runtime.package import Artifact, Tier
from riskml.runtime.shapes import Line

KINDS = {"a": "numeric", "b b": "numeric", "home": "categorical", "other": "categorical"}
EXPRESSIONS = [
    "a / `b b`",
    "a - -`b b` * 2",
    "a > `b b` or home == 'rent'",
    "not (a > 1 and home != 'own')",
    "home in ['rent', \"o'wn\"] and 0 <= a < 2",
    "home not in ['rent']",
    "a in [1, 2]",
    "a not in [1]",
    "isnull(a) or isnull(home) or isnull(a > 1)",
    "min(a, `b b`) + max(a, 1) + abs(`b b`)",
    "home == other",
    "'rent' != home",
    "true or a > 1",
    "(a > 1) == (`b b` > 1)",
    "(a > 0) * 3 + false",
]


def _model(*expressions: str) -> Artifact:
    names = [f"d{place}" for place in range(len(expressions))]
    steps = tuple(Formula(name, text) for name, text in zip(names, expressions, strict=True))
    # The margin is the derived number itself, in a range that the probability resolves.
    shapes = tuple(Line(name, knots=(-16.0, 16.0), value=(-8.0, 8.0, 0.25), special=()) for name in names)
    raw = [{"name": name, "kind": kind, "special": [], "levels": ["rent"]} for name, kind in KINDS.items()]
    columns = tuple({"name": name, "kind": "numeric", "special": []} for name in names)
    return Artifact(
        name="mine", version="1.0.0", family="logistic", title="?", task="default", target="bad", event=1,
        unseen="score", columns=columns, tiers=(Tier("low", 0.0), Tier("high", 0.5)), reasons=2,
        reference=dict.fromkeys(names, 0.0), metrics={}, training={}, requires=(), model=Additive(0.1, shapes),
        derivation=Derivation(steps, KINDS), raw=tuple(raw),
    )  # fmt: skip


numbers = st.none() | st.sampled_from([0.0, 1.0, 2.0, -1.5, 3.25])
texts = st.sampled_from([None, "rent", "own", "o'wn", ""])
rows = st.lists(st.tuples(numbers, numbers, texts, texts), min_size=1, max_size=6)


@given(expression=st.sampled_from(EXPRESSIONS), rows=rows)
def test_duckdb_and_sqlite_compute_what_the_wheel_computes(expression, rows):
    model = _model(expression, "d0 + 1")
    frame = pd.DataFrame(rows, columns=list(KINDS)).astype({"a": float, "b b": float, "home": object, "other": object})
    expected = model.score(frame)["probability"]
    placed = frame.assign(place=range(len(frame)))
    with duckdb.connect() as connection:
        connection.register("t", placed.astype({"home": "string", "other": "string"}))
        by_duckdb = connection.sql(to_sql(model, "t", keep=["place"])).df().sort_values("place")["probability"]
    with closing(sqlite3.connect(":memory:")) as connection:
        placed.to_sql("t", connection, index=False)
        query = to_sql(model, "t", dialect="sqlite", keep=["place"])
        by_sqlite = pd.read_sql(query, connection).sort_values("place")["probability"]
    np.testing.assert_allclose(by_duckdb.astype(float), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(by_sqlite.astype(float), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_read_back_by_its_own_parser(dialect):
    import sqlglot

    (parsed,) = sqlglot.parse(to_sql(_model(*EXPRESSIONS), "book", dialect=dialect), dialect=dialect)
    assert set(KINDS) <= {column.name for column in parsed.find_all(sqlglot.exp.Column)}


def test_the_cards_workbook_lists_them():
    assert sheets(_model("a / `b b`"))["Derived columns"].to_dict("list") == {
        "column": ["d0"],
        "computed as": ["a / `b b`"],
    }


@given(expression=st.sampled_from([text for text in EXPRESSIONS if "other" not in text]), rows=rows)
def test_an_onnx_graph_computes_what_the_wheel_computes(expression, rows):
    onnxruntime = pytest.importorskip("onnxruntime")
    from riskml.export.onnx import onnx_inputs, to_onnx

    model = _model(expression, "d0 + 1")
    frame = pd.DataFrame(rows, columns=list(KINDS)).astype({"a": float, "b b": float, "home": object, "other": object})
    session = onnxruntime.InferenceSession(to_onnx(model))
    by_graph, *_ = session.run(["probability"], onnx_inputs(model, frame))
    np.testing.assert_allclose(by_graph[:, 0], model.score(frame)["probability"], rtol=0, atol=1e-12)


def test_onnx_names_what_it_refuses():
    pytest.importorskip("onnx")
    from riskml.export.onnx import to_onnx

    with pytest.raises(InputError, match="ONNX of home == other is not written: two columns of text"):
        to_onnx(_model("home == other"))
