"""Columns for the validation alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.data.audit_columns import audit_columns
from riskml.errors import ConfigError, DataError

BOOK = pd.DataFrame({"k": ["a", "b"], "sex": ["f", None], "age": [20, 30], "amount": [100.0, 200.0], "bad": [0, 1]})


def asked(exposure: object = 1.0, columns: tuple[str, ...] = ()) -> Experiment:
    return Experiment.model_validate(
        {
            "name": "a",
            "title": "?",
            "task": "default",
            "data": {"source": "x.csv", "target": "bad", "id": "k", "exclude": ["sex"]},
            "costs": {"exposure": exposure, "loss_given_default": 0.5, "margin": 0.1},
            "fairness": {"columns": columns},
        }
    )


def test_protected_columns_that_no_model_sees_are_there_by_customer() -> None:
    found = audit_columns(BOOK, asked(columns=("sex", "age")))
    assert found.index.tolist() == ["a", "b"]
    assert found["sex"].isna().tolist() == [False, True]
    assert found["age"].tolist() == [20.0, 30.0]


def test_the_exposure_is_read_where_it_is_a_column() -> None:
    assert audit_columns(BOOK, asked("amount"))["amount"].tolist() == [100.0, 200.0]
    assert audit_columns(BOOK, asked(1000.0)).columns.empty


def test_a_column_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"fairness\.columns"):
        audit_columns(BOOK, asked(columns=("gender",)))


@pytest.mark.parametrize("amounts", [[100.0, None], [100.0, -1.0], ["a", "b"]])
def test_an_exposure_that_is_no_amount_is_refused(amounts: list[object]) -> None:
    with pytest.raises(DataError, match=r"costs\.exposure"):
        audit_columns(BOOK.assign(amount=amounts), asked("amount"))


def test_rows_outlast_a_file_where_the_experiment_names_no_column(tmp_path: Path) -> None:
    said = asked().model_dump(mode="json") | {"costs": None}
    said["data"]["id"] = None
    audit_columns(BOOK, Experiment.model_validate(said)).to_parquet(tmp_path / "beside.parquet")
    assert pd.read_parquet(tmp_path / "beside.parquet").index.tolist() == [0, 1]
