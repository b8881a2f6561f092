"""A search that outlives its process, and is shared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError
from riskml.models.families import FAMILIES
from riskml.models.search import Search, opened
from riskml.models.task import Task


@pytest.fixture(scope="module")
def task():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"debt": draw.normal(size=300), "home": draw.choice(["own", "rent"], 300)})
    target = (frame["debt"] + draw.normal(size=300) > 0.5).to_numpy().astype(np.int8)
    return Task(frame, target, np.arange(300) % 3, None, 4)


@pytest.mark.parametrize("name", ["search.log", "search.db"])
def test_a_later_process_goes_on_where_the_first_one_ended(task, tmp_path, name):
    storage = str(tmp_path / name) if name.endswith(".log") else f"sqlite:///{tmp_path / name}"
    first = Search(FAMILIES["tree"], task, opened(storage))
    for _ in range(3):
        first.trial()
    later = Search(FAMILIES["tree"], task, opened(storage))
    assert later.count == 3
    assert later.best == first.best
    assert later.longest == first.longest
    later.trial()
    while first.count < 4:  # shared while both are at work
        first.refresh()
    params = later.table()["params"].map(str)
    assert params.nunique() == 4  # nothing is tried twice


def test_another_table_has_another_search(task, tmp_path):
    storage = str(tmp_path / "search.log")
    Search(FAMILIES["tree"], task, opened(storage)).trial()
    other = Task(task.frame.assign(debt=0.0), task.target, task.fold, None, 4)
    assert Search(FAMILIES["tree"], other, opened(storage)).count == 0


def test_a_storage_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    with pytest.raises(ConfigError, match="cannot be opened") as error:
        opened("postgresql://someone:secret@127.0.0.1:1/none")
    assert "secret" not in str(error.value)


def test_parameters_set_by_hand_are_not_searched(task):
    fixed = Task(task.frame, task.target, task.fold, None, 4, {"tree": {"max_depth": 2}})
    search = Search(FAMILIES["tree"], fixed)
    search.trial()
    assert "max_depth" not in search.params
