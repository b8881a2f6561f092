"""Derived columns in a packaged model: tables and single records of raw customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.runtime.additive import Additive
from riskml.runtime.derived import Derivation, Formula
from riskml.runtime.package import Artifact, PackageError, Tier
from riskml.runtime.shapes import Line

RATIO = Formula("ratio", "payment / income")
LOG_ODDS = Line("ratio", knots=(0.0, 1.0), value=(-1.0, 1.0, 0.25), special=())
HEAVY = Line("heavy", knots=(0.0, 1.0), value=(0.0, 0.5, 0.125), special=())
RAW = {"payment": "numeric", "income": "numeric", "home": "categorical"}


def _column(name: str, kind: str = "numeric", **facts: object) -> dict[str, object]:
    return {"name": name, "kind": kind, "description": "", "special": [], **facts}


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    steps = (RATIO, Formula("heavy", "ratio > 0.5 and home == 'rent'"))
    return Artifact(
        name="mine", version="1.0.0", family="logistic", title="?", task="default", target="bad", event=1,
        unseen="score", columns=(_column("ratio", min=0.0, max=9.0), _column("heavy", min=0.0, max=1.0)),
        tiers=(Tier("low", 0.0), Tier("high", 0.5)), reasons=2, reference={"ratio": 0.0, "heavy": 0.0}, metrics={},
        training={}, requires=(), model=Additive(0.0, (LOG_ODDS, HEAVY)), derivation=Derivation(steps, RAW),
        raw=(_column("payment"), _column("income", missing_words=["-"]),
             _column("home", "categorical", levels=["rent"])),
    )  # fmt: skip


def _frame(rows: list[tuple[object, object, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(RAW), dtype=object)


def test_raw_customers_are_scored_by_their_derived_columns(artifact):
    frame = _frame([(3, 4, "rent"), (3, 0, "rent"), (1, 4, "rent"), (3, "-", "own")])
    read = artifact.read(frame)
    np.testing.assert_array_equal(read["ratio"], [0.75, np.nan, 0.25, np.nan])
    np.testing.assert_array_equal(read["heavy"], [1.0, np.nan, 0.0, 0.0])
    assert artifact.schema()["name"].tolist() == list(RAW)
    assert artifact.explain(frame)["column"].head(2).tolist() == ["ratio", "heavy"]


number = st.one_of(st.none(), st.sampled_from(["", "-", "7"]), st.floats(-1e300, 1e300), st.integers(-5, 5))


@given(rows=st.lists(st.tuples(st.floats(-1e300, 1e300) | st.none(), number, st.sampled_from([None, "rent", ""])),
                     min_size=1, max_size=8))  # fmt: skip
def test_a_record_has_the_score_of_its_row(artifact, rows):
    frame = _frame(rows)
    alone = [artifact.score_record(record)["probability"] for record in frame.to_dict("records")]
    np.testing.assert_array_equal(artifact.score(frame)["probability"], alone)


def test_a_derived_column_is_read_where_its_raw_columns_are_absent(artifact):
    frame = pd.DataFrame({"ratio": [0.75], "heavy": [1.0]})
    assert (
        artifact.score(frame)["probability"].item()
        == artifact.score_record({"ratio": 0.75, "heavy": 1.0})["probability"]
    )
    assert artifact.kinds_read(["ratio", "heavy", "home"]) == {"ratio": "numeric", "heavy": "numeric"}
    assert artifact.kinds_read(["ratio", "heavy", *RAW]) == RAW


def test_raw_columns_are_computed_even_where_the_derived_column_is_there(artifact):
    frame = _frame([(3, 4, "rent")]).assign(ratio=99.0)
    assert artifact.read(frame)["ratio"].item() == 0.75


def test_absent_raw_columns_are_named(artifact):
    with pytest.raises(PackageError, match="columns missing from the table: 'income'"):
        artifact.score(_frame([(3, 4, "rent")]).drop(columns="income"))
    with pytest.raises(PackageError, match="columns missing from the record: 'payment', 'income'"):
        artifact.score_record({"home": "rent"})


def test_the_check_compares_derived_columns(artifact):
    frame = _frame([(3, 4, "rent"), (300, 4, "rent")])
    table = artifact.check(frame).set_index("column")
    assert table.loc["ratio", "message"] == "1 row outside the training range 0 to 9"
    assert "'income'" in artifact.check(frame.drop(columns="income")).set_index("column").loc["ratio", "message"]


def test_only_the_steps_of_some_columns_are_kept():
    derivation = Derivation((RATIO, Formula("rents", "home == 'rent'"), Formula("twice", "ratio * 2")), RAW)
    kept = derivation.only(["twice"])
    assert [step.name for step in kept.steps] == ["ratio", "twice"]
    assert kept.inputs == {"payment": "numeric", "income": "numeric"}
