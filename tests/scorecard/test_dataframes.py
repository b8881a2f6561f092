"""Estimators read tables of polars and Arrow as those of pandas; results by row are of the same library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import config_context

from riskml.errors import DataError
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard

pl = pytest.importorskip("polars")

LIBRARIES = {"polars": (pl.DataFrame, pl.Series), "arrow": (pa.table, pa.array)}
CARDS = [Scorecard(), SegmentedScorecard(segment_by="home", min_segment_events=20)]


def values(column) -> list[object]:
    return [None if pd.isna(value) else value for value in column.tolist()]


@pytest.fixture(scope="module", params=LIBRARIES)
def tables(request, made):
    """Return the customers in another library: the table, the outcomes, and the same table of pandas."""
    table, series = LIBRARIES[request.param]
    return table({name: values(made.X[name]) for name in made.X}), series(made.y), made.X.reset_index(drop=True)


@pytest.mark.parametrize("estimator", CARDS, ids=["card", "segments"])
def test_cards_fit_and_predict_in_any_library(estimator, tables):
    table, y, frame = tables
    card = estimator.fit(table, y)
    expected = type(estimator)(**estimator.get_params(deep=False)).fit(frame, np.asarray(y))
    assert card.feature_names_in_.tolist() == list(frame)
    np.testing.assert_array_equal(card.predict_proba(table), expected.predict_proba(frame))
    np.testing.assert_array_equal(card.predict(table), card.predict(frame))
    for method in ("reasons", "shortfalls", "contributions"):
        result, of_pandas = getattr(card, method)(table), getattr(card, method)(frame)
        assert type(result) is type(table)
        assert {name: values(result.to_pandas()[name]) for name in of_pandas} == {
            name: values(of_pandas[name]) for name in of_pandas
        }
    for method in ("points", "segment") if hasattr(card, "segment") else ("points",):
        assert getattr(card, method)(table).to_numpy().tolist() == getattr(card, method)(frame).tolist()


def test_a_card_scores_a_table_without_the_columns_it_dropped(tables):
    table, y, _ = tables
    card = Scorecard(always_keep=("age",), max_characteristics=1).fit(table, y)
    kept = table.select([shape.column for shape in card.model_.shapes])
    assert kept.shape[1] < 3
    np.testing.assert_array_equal(card.points(kept).to_numpy(), card.points(table).to_numpy())


def test_a_card_is_edited_with_the_rows_of_any_library(tables):
    table, y, frame = tables
    card = Scorecard().fit(table, y)
    change = {"splits": [40.0], "by": "M", "why": "policy", "when": "2026-03-01"}
    edited, expected = card.edit("age", X=table, y=y, **change), card.edit("age", X=frame, y=np.asarray(y), **change)
    pd.testing.assert_frame_equal(edited.card_, expected.card_)


def test_weights_and_periods_may_be_series_of_the_same_library(tables):
    table, y, frame = tables
    series = type(y) if isinstance(y, pl.Series) else pa.array
    weight, period = np.linspace(0.5, 2, len(frame)), np.arange(len(frame)) % 3
    card = Scorecard().fit(table, y, series(weight), series(period))
    expected = Scorecard().fit(frame, np.asarray(y), weight, period)
    pd.testing.assert_frame_equal(card.card_, expected.card_)


def test_weights_of_evidence_are_a_table_of_the_same_library(tables):
    table, y, frame = tables
    binner = OptimalBinner().fit(table, y)
    woe = binner.transform(table)
    assert type(woe) is type(table)
    pd.testing.assert_frame_equal(woe.to_pandas(), OptimalBinner().fit(frame, np.asarray(y)).transform(frame))


@pytest.mark.parametrize(("output", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output_overrules_the_library(output, kind, tables):
    table, y, frame = tables
    binner = OptimalBinner().fit(table, y)
    expected = binner.transform(frame).to_numpy()
    with config_context(transform_output=output):
        everywhere = binner.transform(table)
    for woe in (everywhere, binner.set_output(transform=output).transform(table), binner.transform(frame)):
        assert isinstance(woe, kind)
        assert list(woe.columns) == list(frame)
        np.testing.assert_array_equal(woe.to_numpy(), expected)


def test_a_lazy_table_is_refused_with_what_to_do(made):
    with pytest.raises(DataError, match="collect it into a table first"):
        OptimalBinner().fit(pl.LazyFrame({"age": values(made.X["age"])}), made.y)
