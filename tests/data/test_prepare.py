from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.experiment import Experiment, GateConfig
from riskml.data.catalog import load_sample, sample
from riskml.data.prepare import prepare
from riskml.errors import ConfigError, DataError


def experiment(folds: int = 5, **data: Any) -> Experiment:
    said = {"source": "book.csv", "target": "status", "event": "bad", **data}
    return Experiment.model_validate(
        {"name": "e", "title": "e", "task": "default", "data": said, "split": {"folds": folds}}
    )


@pytest.fixture
def book() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "status": np.where(np.arange(n) % 4 == 0, "bad", "good"),
            "age": rng.integers(18, 70, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.normal(100, 20, n).round(1)),
            "home": rng.choice(["rent", "own"], n),
            "customer": [f"c{i:03d}" for i in rng.permutation(n)],
        }
    )


def notes_of(book: pd.DataFrame, column: str, **data: Any) -> list[tuple[str, str]]:
    notes = prepare(book, experiment(**data)).notes
    found = notes[notes["column"] == column]
    return list(zip(found["done"], found["finding"], strict=True))


def test_a_sound_table_is_prepared_without_a_note(book: pd.DataFrame):
    found = prepare(book, experiment(id="customer"))
    assert list(found.X) == ["age", "income", "home"]
    assert found.schema.categorical == ("home",)
    assert found.X.index.equals(pd.Index(book["customer"], name="customer"))
    assert found.y.index.equals(found.X.index)
    assert found.y.tolist() == (book["status"] == "bad").astype(int).tolist()
    assert found.y.dtype == np.int8
    assert found.dates is None
    assert found.notes.empty
    assert list(found.notes) == ["column", "finding", "severity", "done"]


def test_without_an_identifier_rows_are_numbered_whatever_the_index_was(book: pd.DataFrame):
    found = prepare(book.set_index("customer"), experiment())
    assert found.X.index.equals(pd.RangeIndex(200, name="row"))


def test_the_table_handed_in_is_not_changed(book: pd.DataFrame):
    before = book.copy(deep=True)
    prepare(book, experiment(id="customer"))
    pd.testing.assert_frame_equal(book, before)


def test_dates_are_kept_beside_the_rows_and_out_of_the_features(book: pd.DataFrame):
    book["as_of"] = pd.date_range("2024-01-01", periods=200).strftime("%F")
    found = prepare(book, experiment(id="customer", date="as_of"))
    assert "as_of" not in found.X
    assert found.dates is not None
    assert found.dates.index.equals(found.X.index)
    assert found.dates.iloc[-1] == pd.Timestamp("2024-07-18")


def test_excluded_columns_are_not_seen(book: pd.DataFrame):
    assert list(prepare(book, experiment(exclude=["customer", "age"])).X) == ["income", "home"]


def test_what_the_experiment_says_of_columns_reaches_the_schema(book: pd.DataFrame):
    facts = {"age": {"kind": "categorical", "description": "in years"}, "income": {"special": {-1: "refused"}}}
    found = prepare(book, experiment(id="customer", columns=facts))
    assert found.schema["age"].kind == "categorical"
    assert found.schema["age"].description == "in years"
    assert found.schema["income"].special == (-1.0,)


def test_a_samples_columns_are_described_by_the_catalog():
    known = sample("credit_data")
    said = experiment(source="credit_data", target="Status", columns={"Age": {"description": "mine"}})
    schema = prepare(load_sample("credit_data"), said).schema
    assert schema["Income"].description == known.descriptions["Income"]
    assert schema["Age"].description == "mine"


@pytest.mark.parametrize("name", ["credit_data", "lending_club", "wa_churn", "mlc_churn"])
def test_every_sample_with_a_target_can_be_prepared_without_a_note(name: str):
    known = sample(name)
    found = prepare(load_sample(name), experiment(source=name, target=known.target, event=known.event))
    assert found.X.shape == (known.rows, known.columns - 1)
    assert found.notes.empty


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("data.target", {"target": "statsu"}),
        ("data.id", {"id": "custmer"}),
        ("data.date", {"date": "aeg"}),
        ("data.exclude", {"exclude": ["hmoe"]}),
        ("data.columns", {"columns": {"incom": {}}}),
    ],
)
def test_an_unknown_column_names_the_key_and_the_nearest_column(book: pd.DataFrame, key: str, data: dict[str, Any]):
    with pytest.raises(ConfigError, match="the table has no column") as caught:
        prepare(book, experiment(**data))
    assert caught.value.where == key
    assert caught.value.fix.startswith("did you mean")


@pytest.mark.parametrize(("rows", "says"), [(0, "the table has no rows"), (20, "the table has 20 rows; at least 50")])
def test_a_table_too_small_is_one_clear_error(book: pd.DataFrame, rows: int, says: str):
    with pytest.raises(DataError, match=says):
        prepare(book.head(rows), experiment())


def test_too_few_events_say_how_many_are_needed(book: pd.DataFrame):
    book["status"] = np.where(np.arange(200) < 9, "bad", "good")
    with pytest.raises(DataError, match="9 events in 200 rows; at least 10 are needed, two for each of the 5 folds"):
        prepare(book, experiment())
    assert prepare(book, experiment(folds=4)).y.sum() == 9


def test_too_few_non_events_are_refused_alike(book: pd.DataFrame):
    book["status"] = np.where(np.arange(200) < 9, "good", "bad")
    with pytest.raises(DataError, match="9 non-events"):
        prepare(book, experiment())


def test_errors_name_rows_by_their_customer(book: pd.DataFrame):
    book.loc[3, "status"] = None
    with pytest.raises(DataError) as caught:
        prepare(book, experiment(id="customer"))
    assert caught.value.where == f"column 'status', rows {book['customer'][3]!r}"


def test_several_rows_of_a_customer_are_refused(book: pd.DataFrame):
    book.loc[1, "customer"] = book.loc[0, "customer"]
    with pytest.raises(DataError, match="1 customer has several rows, 2 in all"):
        prepare(book, experiment(id="customer"))


def test_infinite_values_of_all_columns_are_named_at_once(book: pd.DataFrame):
    book["ratio"] = np.where(np.arange(200) < 2, np.inf, 0.5)
    book.loc[7, "income"] = -np.inf
    with pytest.raises(DataError) as caught:
        prepare(book, experiment())
    assert "column 'income': 1 in rows 7 (counted from 0)" in caught.value.what
    assert "column 'ratio': 2 in rows 0, 1 (counted from 0)" in caught.value.what


def test_infinity_in_an_excluded_column_does_not_matter(book: pd.DataFrame):
    book["ratio"] = np.inf
    assert "ratio" not in prepare(book, experiment(exclude=["ratio"])).X


def test_numbers_with_a_few_words_among_them_are_refused_by_row_and_value(book: pd.DataFrame):
    book["income"] = book["income"].astype(object)
    book.loc[[4, 9], "income"] = ["n/k", "?"]
    book["age"] = book["age"].astype(str).where(book.index != 5, "old")
    with pytest.raises(DataError, match="numbers and text are mixed") as caught:
        prepare(book, experiment())
    assert "row 4: 'n/k', row 9: '?'" in caught.value.what
    assert "column 'age': 199 numbers, and row 5: 'old'" in caught.value.what


def test_numbers_not_written_plainly_are_refused_instead_of_dropped(book: pd.DataFrame):
    book["income"] = [f"{1000 + 7 * i:,}.50" for i in range(200)]
    book["rate"] = [f"{i % 30}%" for i in range(200)]
    with pytest.raises(DataError, match="written plainly, such as 1234.56") as caught:
        prepare(book, experiment())
    assert "column 'income': row 0: '1,000.50'" in caught.value.what
    assert "column 'rate': row 0: '0%'" in caught.value.what
    assert "percent" in caught.value.fix
    found = prepare(book, experiment(exclude=["income"], columns={"rate": {"kind": "categorical"}}))
    assert found.schema["rate"].kind == "categorical"


def test_numbers_stored_as_text_are_converted(book: pd.DataFrame):
    book["age"] = book["age"].astype(str)
    assert prepare(book, experiment(id="customer")).schema["age"].kind == "numeric"
    assert notes_of(book, "age") == [("converted", "numbers stored as text")]


def test_codes_padded_with_zeros_are_categories(book: pd.DataFrame):
    book["branch"] = [f"{i % 12:03d}" for i in range(200)]
    assert prepare(book, experiment()).schema["branch"].kind == "categorical"


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        (np.nan, "no values"),
        (None, "no values"),
        (" ", "no values"),
        (3.0, "one value only: 3"),
        ("x", "one value only: x"),
        (list(pd.date_range("2024-01-01", periods=200)), "dates (dates): not a feature by themselves"),
        (
            list(pd.date_range("2024-01-01", periods=200).strftime("%d.%m.%Y")),
            "dates (text such as 01.01.2024): not a feature by themselves",
        ),
        (
            list(pd.date_range("2024-01-01", periods=200).strftime("%Y%m%d").astype(int)),
            "dates (whole numbers such as 20240101): not a feature by themselves",
        ),
        (
            list(pd.date_range("2024-01-01", periods=200).strftime("%Y%m%d")),
            "dates (whole numbers such as 20240101): not a feature by themselves",
        ),
        (
            [f"k{i}" for i in range(200)],
            "seems to be an identifier: nearly every row has a value of its own",
        ),
    ],
)
def test_a_column_that_cannot_help_is_dropped_with_a_note(book: pd.DataFrame, values: Any, finding: str):
    book["extra"] = values
    assert "extra" not in prepare(book, experiment()).X
    assert notes_of(book, "extra") == [("dropped", finding)]


def test_a_value_that_is_there_or_missing_is_no_constant(book: pd.DataFrame):
    book["flag"] = np.where(np.arange(200) % 3 == 0, "x", None)
    assert "flag" in prepare(book, experiment()).X
    assert notes_of(book, "flag") == []


def test_numbers_that_count_the_rows_are_kept_with_a_warning(book: pd.DataFrame):
    book["nr"] = range(200)
    assert "nr" in prepare(book, experiment()).X
    [(done, finding)] = notes_of(book, "nr")
    assert done == "kept"
    assert "its values only count the rows" in finding


def test_text_with_very_many_levels_is_kept_with_a_warning(book: pd.DataFrame):
    book["town"] = [f"t{i % 150}" for i in range(200)]
    assert notes_of(book, "town") == [("kept", "150 levels in 200 rows: most occur once")]


def test_a_column_that_knows_the_outcome_is_kept_with_a_warning(book: pd.DataFrame):
    book["loss"] = np.where(book["status"] == "bad", 100.0, 0.0)
    [(done, finding)] = notes_of(book, "loss")
    assert done == "kept"
    assert "AUC of 1.000" in finding


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_kind_that_is_said_overrules_suspicion(book: pd.DataFrame, kind: str):
    book["nr"] = range(200)
    found = prepare(book, experiment(columns={"nr": {"kind": kind}}))
    assert found.schema["nr"].kind == kind
    assert not found.notes.loc[found.notes["column"] == "nr", "finding"].str.contains("identifier").any()


def test_more_than_two_outcomes_are_noted(book: pd.DataFrame):
    book.loc[1, "status"] = "unclear"
    assert notes_of(book, "status") == [("converted", "3 values; 'bad' is the event, all others are not")]


def test_a_table_without_a_useful_column_is_refused(book: pd.DataFrame):
    with pytest.raises(DataError, match="no feature is left"):
        prepare(book[["status", "customer"]], experiment(id="customer"))


def test_cells_with_lists_are_refused(book: pd.DataFrame):
    book["tags"] = [["a"]] * 200
    with pytest.raises(DataError, match="a cell holds a list"):
        prepare(book, experiment())


@pytest.mark.parametrize("name", ["_target", "_part", "_fold", "_date", "probability", "Points"])
def test_a_column_named_as_one_of_the_runs_own_is_refused(book: pd.DataFrame, name: str):
    with pytest.raises(DataError) as caught:
        prepare(book.rename(columns={"age": name}), experiment())
    assert caught.value.where == f"column {name!r}"
    assert "rename" in caught.value.fix
    assert name not in prepare(book.rename(columns={"age": name}), experiment(exclude=[name])).X


def test_two_columns_of_one_name_are_refused(book: pd.DataFrame):
    with pytest.raises(DataError, match="'age'"):
        prepare(pd.concat([book, book[["age"]]], axis=1), experiment())


column = st.one_of(
    st.lists(st.one_of(st.none(), st.floats(allow_infinity=False, width=32)), min_size=60, max_size=60),
    st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", " ", "c"])), min_size=60, max_size=60),
    st.lists(st.one_of(st.none(), st.booleans(), st.sampled_from([1, 2.5, "x"])), min_size=60, max_size=60),
)


@given(column)
def test_whatever_a_column_holds_rows_stay_and_cells_are_numbers_or_text_or_missing(values: list[Any]):
    status = np.where(np.arange(60) % 3 == 0, "bad", "good")
    frame = pd.DataFrame({"status": status, "x": np.arange(60) % 7, "z": pd.Series(values, dtype=object)})
    try:
        found = prepare(frame, experiment())
    except DataError as error:
        assert "mixed" in error.what  # noqa: PT017  numbers with a few words among them
        return
    assert len(found.X) == len(found.y) == 60
    for name in found.schema.categorical:
        assert all(value is None or type(value) is str for value in found.X[name])
    for name in found.schema.numeric:
        assert found.X[name].dtype == np.float64
    assert ("z" in found.X) != bool((found.notes["done"] == "dropped").any())


def test_a_protected_column_that_is_not_there_is_refused_before_the_run(book: pd.DataFrame):
    asked = experiment(id="customer")
    asked = asked.model_copy(update={"gate": GateConfig(protected=("homme",))})
    with pytest.raises(ConfigError, match=r"no column 'homme'(.|\n)*gate.protected(.|\n)*home"):
        prepare(book, asked)


def test_the_outcome_is_no_protected_column():
    with pytest.raises(ValueError, match=r"gate.protected names the target"):
        Experiment.model_validate(
            {**experiment().model_dump(), "gate": {"protected": ["status"]}},
        )
