"""What rows are called: the same in another table, if customers have identifiers; a hash tells nobody's name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DataConfig, Experiment, GateConfig
from riskml.data.dataset import Dataset
from riskml.gate.holdout_rows import RowNames, protected_columns, row_names
from riskml.runs.run import Run


def named(
    names: list[object], at: Path, *, id: str | None = "customer", dates: list[str] | None = None, digest: str = "d1"
) -> RowNames:
    data = DataConfig(source="x.csv", target="bad", id=id, date="day" if dates else None)
    experiment = Experiment(name="x", title="?", task="default", data=data)
    run = Run.start(experiment, at, at=dt.datetime(2026, 1, 2))
    run.update(data_digest=digest)
    index = pd.Index(names)
    y = pd.Series(0, index=index)
    date = pd.Series(pd.to_datetime(dates), index=index) if dates else None
    return row_names(run, Dataset(pd.DataFrame(index=index), y, y, y, date))


def test_a_customer_is_known_again_however_the_identifier_is_stored(tmp_path: Path) -> None:
    found = named([7, 8], tmp_path).among(named(["8", "9"], tmp_path, digest="d2"))
    assert found is not None
    assert found.tolist() == [False, True]


def test_a_customer_at_a_later_date_is_another_row(tmp_path: Path) -> None:
    before = named(["a", "b"], tmp_path, dates=["2025-01-31", "2025-01-31"])
    found = named(["a", "b"], tmp_path, dates=["2025-02-28", "2025-01-31"]).among(before)
    assert found is not None
    assert found.tolist() == [False, True]


@pytest.mark.parametrize("digest", ["d1", "d2"])
def test_row_numbers_name_rows_of_the_same_table_alone(tmp_path: Path, digest: str) -> None:
    found = named([0, 1], tmp_path, id=None).among(named([1, 2], tmp_path, id=None, digest=digest))
    assert (found is None) == (digest == "d2")


def test_rows_named_by_other_columns_are_not_known(tmp_path: Path) -> None:
    assert named(["a"], tmp_path).among(named(["a"], tmp_path, id="account")) is None


def test_protected_columns_are_the_gate_s_and_those_of_the_fairness_part() -> None:
    asked = SimpleNamespace(
        gate=GateConfig(protected=("sex", "age")), fairness=SimpleNamespace(columns=("age", "home"))
    )
    assert protected_columns(cast(Experiment, asked)) == ("sex", "age", "home")


def test_a_name_is_a_number_that_does_not_tell_it(tmp_path: Path) -> None:
    assert named(["Ann Smith"], tmp_path).keys.dtype == np.uint64
