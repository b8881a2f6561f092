"""Tables of polars and Arrow are scored as those of pandas, and the results are tables of the same library."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskml.runtime.dataframes import as_pandas, like
from riskml.runtime.package import Artifact, PackageError

pl = pytest.importorskip("polars")

LIBRARIES = {"polars": pl.DataFrame, "arrow": pa.table}
DAY = dt.date(2024, 1, 1)


def cells(frame: pd.DataFrame) -> dict[str, list[object]]:
    return {str(name): [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame}


def of(table):
    """Return the cells of a table of any library, by column."""
    return table.to_pydict() if isinstance(table, pa.Table) else table.to_dict(as_series=False)


@pytest.fixture(scope="module")
def loaded(artifacts):
    return {kind: Artifact.load(folder) for kind, folder in artifacts.items()}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["scorecard", "boosting"])
def test_scores_reasons_contributions_and_checks_are_those_of_pandas(library, kind, loaded, loans):
    frame = loans.reset_index(drop=True)
    table, artifact = LIBRARIES[library](cells(frame)), loaded[kind]
    for method in (artifact.score, artifact.explain, artifact.contributions):
        result = method(table)
        assert type(result) is type(table)
        assert of(result) == method(frame).to_dict("list")
    checked = artifact.check(table)
    assert type(checked) is type(table)
    assert of(checked)["status"] == artifact.check(frame)["status"].tolist()
    assert of(artifact.explain(table, language="en"))["statement"]
    assert len(of(artifact.score(table[:0]))["tier"]) == 0


number = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([45.5, 80.0, float("nan")]))
text = st.one_of(st.none(), st.sampled_from(["owner", "rent", "", "nan"]), st.text(max_size=4))


@pytest.mark.parametrize("library", LIBRARIES)
@given(rows=st.lists(st.tuples(number, number, text), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_score_alike_in_every_library(library, loaded, rows):
    age, income, home = (list(column) for column in zip(*rows, strict=True))
    table = {"Age": age, "Income": income, "Home": home}
    frame = pd.DataFrame(table).astype({"Age": "float64", "Income": "float64", "Home": object})
    for artifact in loaded.values():
        result = of(artifact.score(LIBRARIES[library](table)))["probability"]
        np.testing.assert_array_equal(result, artifact.score(frame)["probability"])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "values",
    [[1, None, 3], [0.5, None, 2.5], ["a", None, ""], [True, None, False], [Decimal("1.10"), None, Decimal("2.00")]]
    + [[DAY, None, DAY], [2**60, 2**60 + 1, 0]],
    ids=["integer", "float", "text", "boolean", "decimal", "date", "long"],
)
def test_values_and_gaps_are_kept(library, values):
    column = as_pandas(LIBRARIES[library]({"a": values}))["a"]
    assert [None if pd.isna(value) else value for value in column.tolist()] == values


def test_levels_of_categories_are_text_and_their_gaps_are_gaps():
    values = ["b", None, "a", "b"]
    coded = pa.table({"a": pa.array(values).dictionary_encode()})
    for table in (coded, pl.DataFrame({"a": pl.Series(values, dtype=pl.Categorical)})):
        assert cells(as_pandas(table)) == {"a": values}


def test_a_float32_stays_one():
    assert as_pandas(pl.DataFrame({"a": pl.Series([0.1], dtype=pl.Float32)}))["a"].dtype == np.float32


@pytest.mark.parametrize("library", LIBRARIES)
def test_results_have_types_even_where_all_is_missing(library):
    result = pd.DataFrame({"text": pd.Series([None], dtype=object), "float": [np.nan], "integer": [1], "bool": [True]})
    table = like(LIBRARIES[library]({"x": [0]}), result)
    types = [str(kind).lower() for kind in (table.schema.types if library == "arrow" else table.dtypes)]
    assert [kind.removeprefix("large_") for kind in types] == ["string", types[1], "int64", types[3]]
    assert types[1] in ("double", "float64")
    assert types[3] in ("bool", "boolean")


def test_results_are_pandas_for_pandas_and_arrays():
    result = pd.DataFrame({"a": [1.0]})
    assert like(result, result) is result
    assert like(np.ones((1, 1)), result) is result


def test_a_lazy_table_is_refused_with_what_to_do(loaded, loans):
    with pytest.raises(PackageError, match=r"polars.LazyFrame is a query without rows: collect it"):
        loaded["scorecard"].score(pl.LazyFrame(cells(loans)))


@pytest.mark.parametrize("other", [{"Age": [1]}, [[1, 2]], np.ones((2, 2)), "customers.csv", None])
def test_what_is_no_table_is_refused(other, loaded):
    with pytest.raises(PackageError, match=r"customers must be a table of pandas.*; got (dict|list|ndarray|str|None)"):
        loaded["scorecard"].score(other)


def test_without_narwhals_pandas_is_scored_and_other_tables_say_what_to_install(loaded, loans, monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    assert len(loaded["scorecard"].score(loans)) == len(loans)
    assert loaded["scorecard"].score_record(loans.iloc[0].to_dict())
    with pytest.raises(PackageError, match=r"polars.DataFrame requires narwhals: pip install narwhals"):
        loaded["scorecard"].score(pl.DataFrame(cells(loans)))
