"""What every measure says of bad input: one clear error that names the argument, the row and the way out."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskml.metrics as validation
from riskml.errors import ConfigError, DataError

RANKING = [
    validation.auc,
    validation.gini,
    validation.ks,
    validation.delong,
    validation.h_measure,
    validation.roc_curve,
    validation.gains_table,
    validation.captured_share,
    validation.emp,
    validation.empc,
]
SIZE = [
    validation.brier,
    validation.log_loss,
    validation.ece,
    validation.brier_decomposition,
    validation.calibration_table,
    validation.observed_expected,
    validation.hosmer_lemeshow,
    validation.jeffreys_test,
    validation.binomial_test,
]
Measure = Callable[..., object]
either = pytest.mark.parametrize("measure", [*RANKING, *SIZE], ids=lambda measure: measure.__name__)


@either
def test_outcomes_other_than_0_and_1_are_refused(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)y must be 0 or 1, got also 2.*row 2.*fix"):
        measure([0, 1, 2], [0.1, 0.2, 0.3])


@either
def test_labels_are_refused_with_the_way_out(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)y must be numbers.*turn labels into 0 and 1"):
        measure(["good", "bad"], [0.1, 0.2])


@either
def test_a_missing_outcome_is_placed(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)y has 1 missing values in 3 rows.*row 1"):
        measure([0, np.nan, 1], [0.1, 0.2, 0.3])


@either
def test_a_missing_score_is_placed(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)has 1 missing values in 3 rows.*row 2"):
        measure([0, 1, 1], [0.1, 0.2, np.nan])


@either
def test_lengths_must_agree(measure: Measure) -> None:
    with pytest.raises(DataError, match="has 2 rows where y has 3"):
        measure([0, 1, 1], [0.1, 0.2])


@either
def test_no_rows_are_refused(measure: Measure) -> None:
    with pytest.raises(DataError, match="y has no rows"):
        measure([], [])


@either
def test_both_columns_of_predict_proba_are_refused_with_the_way_out(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)one dimension, got shape \(2, 2\).*\[:, 1\]"):
        measure([0, 1], [[0.9, 0.1], [0.2, 0.8]])


@pytest.mark.parametrize("measure", RANKING, ids=lambda measure: measure.__name__)
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_cannot_be_ranked(measure: Measure, only: int) -> None:
    with pytest.raises(DataError, match=r"at least . of each class, got"):
        measure([only] * 3, [0.1, 0.2, 0.3])


@pytest.mark.parametrize("measure", SIZE, ids=lambda measure: measure.__name__)
def test_one_class_can_still_be_calibrated(measure: Measure) -> None:
    assert measure([0, 0, 0], [0.1, 0.2, 0.3]) is not None


@pytest.mark.parametrize("measure", SIZE, ids=lambda measure: measure.__name__)
def test_points_are_no_probabilities(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"(?s)between 0 and 1, got 610.*row 1"):
        measure([0, 1], [0.5, 610])


def test_an_interval_needs_two_of_each_class() -> None:
    with pytest.raises(DataError, match="at least 2 of each class"):
        validation.delong([0, 0, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ConfigError, match="level"):
        validation.delong([0, 0, 1, 1], [1, 2, 3, 4], level=level)


@pytest.mark.parametrize(
    "y",
    [
        np.array([False, True, False, True]),
        pd.Series([0, 1, 0, 1], index=[9, 7, 5, 3]),
        pd.Series([0, 1, 0, 1], dtype="Int64"),
        pd.Series([False, True, False, True], dtype="boolean"),
        pd.Series([0, 1, 0, 1], dtype="category"),
        (0, 1, 0, 1),
        np.array([0, 1, 0, 1], dtype=object),
    ],
    ids=["bool", "series", "nullable", "nullable bool", "category", "tuple", "object"],
)
def test_outcomes_of_any_kind_of_column_are_read(y: object) -> None:
    assert validation.auc(y, pd.Series([0.1, 0.4, 0.35, 0.8])) == 1.0


def test_a_missing_value_of_a_nullable_column_is_missing() -> None:
    with pytest.raises(DataError, match="missing"):
        validation.auc(pd.Series([0, 1, None], dtype="Int64"), [1, 2, 3])


def test_inputs_are_left_as_they_were() -> None:
    y, p = np.array([0, 1, 0, 1, 1, 0]), np.array([0.3, 0.9, 0.1, 0.4, 0.5, 0.2])
    kept = y.copy(), p.copy()
    y.setflags(write=False)
    p.setflags(write=False)
    for measure in (*RANKING, *SIZE):
        measure(y, p)
    assert (y == kept[0]).all()
    assert (p == kept[1]).all()


def test_groups_without_an_order_are_refused() -> None:
    with pytest.raises(DataError, match="no order"):
        validation.observed_expected([0, 1], [0.1, 0.2], by=[pd.Timestamp("2024-01-31"), ("a", 1)])


def test_a_missing_group_in_a_list_of_text_is_missing() -> None:
    assert validation.observed_expected([0, 1], [0.1, 0.2], by=["a", np.nan])["group"].tolist() == ["a", "missing"]


def test_groups_of_two_columns_are_refused() -> None:
    with pytest.raises(DataError, match=r"by must have one dimension, got shape \(2, 2\)"):
        validation.observed_expected([0, 1], [0.1, 0.2], by=pd.DataFrame({"a": [1, 2], "b": [1, 2]}))


def test_every_public_name_is_there_and_in_order() -> None:
    assert all(hasattr(validation, name) for name in validation.__all__)
    assert sorted(validation.__all__) == validation.__all__


# Of distributions and counts: there is no worse side.
WITHOUT_A_DIRECTION = {"baseline", "concentration", "csi", "drift_test", "psi", "psi_by", "psi_test"}
FUNCTIONS = [name for name in validation.__all__ if inspect.isfunction(getattr(validation, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_goes_in_what_comes_out_and_where_it_is_from(name: str) -> None:
    told = inspect.getdoc(getattr(validation, name)) or ""
    parts = re.findall(r"^(\w+)\n-+$", told, re.MULTILINE)
    # Errors that all measures raise are described once, in the package.
    assert [part for part in parts if part != "Raises"] == ["Parameters", "Returns", "Examples"]
    assert re.search(r"^Sources?: ", told, re.MULTILINE)


DIRECTIONS = r"riskier|1 is (the event|default|churn)|probabilit(y|ies) of|1 for a customer|safest"


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in WITHOUT_A_DIRECTION])
def test_every_function_of_outcomes_says_which_way_is_risk(name: str) -> None:
    assert re.search(DIRECTIONS, inspect.getdoc(getattr(validation, name)) or "", re.IGNORECASE)


def test_metrics_import_nothing_of_riskml_but_its_errors_and_what_a_value_means() -> None:
    folder = Path(validation.__file__).parent
    imported = {
        name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    allowed = ("riskml.errors", "riskml.metrics", "riskml.runtime.frame")
    assert [name for name in sorted(imported) if name.startswith("riskml") and not name.startswith(allowed)] == []
