"""A search that outlives its process, and is shared."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError, InputError
from riskml.models.families import FAMILIES
from riskml.models.search.cv_task import Task
from riskml.models.search.study import Search, opened


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


def test_two_processes_may_open_one_fresh_database_at_the_same_time(tmp_path):
    code = (
        "import sys, time; from riskml.models.search.study import opened; "
        "time.sleep(max(0, float(sys.argv[2]) - time.time())); opened(sys.argv[1])"
    )
    begin = str(time.time() + 6)
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'search.db'}", begin]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors


def test_a_race_for_the_tables_of_a_database_is_run_again(monkeypatch):
    tables = []

    def made(address):
        tables.append(address)
        if len(tables) < 3:
            raise RuntimeError("UNIQUE constraint failed: version_info.version_info_id")
        return "a storage"

    monkeypatch.setattr("riskml.models.search.study._PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr("optuna.storages.get_storage", made)
    assert opened("sqlite:///search.db") == "a storage"
    assert len(tables) == 3


class Killed(BaseException):
    """A process that ends in the middle."""


def test_a_search_that_was_killed_in_its_first_trial_begins_with_the_good_defaults_again(task, tmp_path, monkeypatch):
    storage = str(tmp_path / "search.log")

    def die(*args):
        raise Killed

    monkeypatch.setattr(Task, "margins", die)
    with pytest.raises(Killed):
        Search(FAMILIES["tree"], task, opened(storage)).trial()
    monkeypatch.undo()
    later = Search(FAMILIES["tree"], task, opened(storage))
    later.trial()
    assert later.params == FAMILIES["tree"].defaults
    assert later.count == 1


def test_a_search_whose_first_trial_was_too_slow_begins_with_the_good_defaults_again(task, tmp_path):
    storage = str(tmp_path / "search.log")
    hurried = Search(FAMILIES["tree"], task, opened(storage))
    hurried.trial(limit=0.0)
    assert "its defaults need about" in hurried.reason
    later = Search(FAMILIES["tree"], task, opened(storage))
    later.trial()
    assert later.params == FAMILIES["tree"].defaults


def test_processes_that_began_together_do_not_try_the_same(task, tmp_path):
    storage = str(tmp_path / "search.log")
    both = [Search(FAMILIES["tree"], task, opened(storage)) for _ in range(2)]
    for _ in range(4):
        for search in both:
            search.trial()
        for search in both:
            search._shared._next = 0.0
            search.refresh()
    params = both[0].table()["params"].map(str)
    assert both[0].count == both[1].count == 8
    assert params.nunique() == 7, "only the defaults are tried by both"


@pytest.mark.parametrize("name", ["search.log", "search.db"])
def test_processes_that_know_nothing_of_each_other_yet_do_not_try_the_same(task, tmp_path, name):
    storage = str(tmp_path / name) if name.endswith(".log") else f"sqlite:///{tmp_path / name}"
    some = [Search(FAMILIES["tree"], task, opened(storage)) for _ in range(3)]
    for search in some:
        for _ in range(4):
            search.trial()
    tried = [{str(params) for params in search.table()["params"][1:]} for search in some]
    assert len(set().union(*tried)) == sum(map(len, tried))


def test_a_search_alone_in_its_storage_is_the_one_in_memory(task, tmp_path):
    alone, stored = Search(FAMILIES["tree"], task), Search(FAMILIES["tree"], task, opened(str(tmp_path / "search.log")))
    for search in (alone, stored):
        for _ in range(3):
            search.trial()
    assert stored.table().equals(alone.table())


def test_a_search_that_is_really_killed_goes_on_where_it_was(task, tmp_path):
    code = (
        "import sys, pickle; from riskml.models.families import FAMILIES; "
        "from riskml.models.search.study import Search, opened; "
        "task = pickle.load(open(sys.argv[2], 'rb')); search = Search(FAMILIES['tree'], task, opened(sys.argv[1]))\n"
        "while True: search.trial(); print(search.count, flush=True)"
    )
    (tmp_path / "task").write_bytes(pickle.dumps(task))
    storage = str(tmp_path / "search.log")
    command = [sys.executable, "-c", code, storage, str(tmp_path / "task")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(3):
                process.stdout.readline()
        finally:
            process.kill()
    later = Search(FAMILIES["tree"], task, opened(storage))
    begun = later.count
    assert begun >= 3
    later.trial()
    params = later.table()["params"].map(str)
    assert params.iloc[0] == str(FAMILIES["tree"].defaults), "the good defaults are not tried again"
    assert params.nunique() == len(params) == begun + 1


def test_a_storage_that_goes_away_does_not_end_the_search(task, tmp_path, monkeypatch):
    storage = opened(f"sqlite:///{tmp_path / 'search.db'}")
    search = Search(FAMILIES["tree"], task, storage)

    def gone(*args, **more):
        raise OSError("server closed the connection; password=secret")

    monkeypatch.setattr(storage, "create_new_trial", gone)
    with pytest.warns(UserWarning, match="goes on without its storage, which fails: OSError") as told:
        search.trial()
    assert "secret" not in str(told[0].message)
    search.trial()
    assert search.count == 2


def test_trials_are_read_and_written_in_one_go(task, tmp_path, monkeypatch):
    storage = opened(f"sqlite:///{tmp_path / 'search.db'}")
    search = Search(FAMILIES["tree"], task, storage)
    asked = []
    for name in ("create_new_trial", "get_all_trials", "set_trial_param", "set_trial_user_attr"):
        call = getattr(storage, name)
        monkeypatch.setattr(storage, name, lambda *a, call=call, name=name, **k: (asked.append(name), call(*a, **k))[1])
    for _ in range(3):
        search.trial()
    assert asked == ["create_new_trial"] * 3


def test_another_table_has_another_search(task, tmp_path):
    storage = str(tmp_path / "search.log")
    Search(FAMILIES["tree"], task, opened(storage)).trial()
    other = Task(task.frame.assign(debt=0.0), task.target, task.fold, None, 4)
    assert Search(FAMILIES["tree"], other, opened(storage)).count == 0


def test_a_storage_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    with pytest.raises(ConfigError, match="cannot be opened") as error:
        opened("postgresql://someone:secret@127.0.0.1:1/none")
    assert "secret" not in str(error.value)


def test_a_storage_may_name_variables_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCH_FOLDER", str(tmp_path))
    opened("sqlite:///${SEARCH_FOLDER}/search.db")
    assert (tmp_path / "search.db").is_file()
    monkeypatch.delenv("SEARCH_FOLDER")
    with pytest.raises(InputError, match="the environment has no variable 'SEARCH_FOLDER'"):
        opened("sqlite:///${SEARCH_FOLDER}/search.db")


def test_parameters_set_by_hand_are_not_searched(task):
    fixed = Task(task.frame, task.target, task.fold, None, 4, {"tree": {"max_depth": 2}})
    search = Search(FAMILIES["tree"], fixed)
    search.trial()
    assert "max_depth" not in search.params


def test_the_starts_of_a_family_are_tried_first_also_after_a_pause(task, tmp_path):
    tree, storage = FAMILIES["tree"], str(tmp_path / "search.log")
    family = replace(tree, starts=({"max_depth": 2}, {"max_depth": 6}))
    for _ in range(3):
        search = Search(family, task, opened(storage))
        search.trial()
    assert sorted(trial.params["max_depth"] for trial in search.trials) == [2, 5, 6]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_start_lies_in_the_space_that_is_searched(family):
    for start in (family.defaults, *family.starts):
        assert start.keys() <= family.space.keys()
        for name, value in start.items():
            space = family.space[name]
            assert space._contains(space.to_internal_repr(value)), (name, value)
