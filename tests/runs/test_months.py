"""Store of months."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskml.errors import InputError
from riskml.runs.months import MONITORING, PORTFOLIO, MonthStore


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_month_that_cannot_be_finished_leaves_the_earlier_one(tmp_path: Path) -> None:
    store, state = MonthStore(tmp_path, MONITORING), {"as_of": "2026-01-01", "metrics": {}}
    store.write(state, lambda folder: (folder / "a").touch(), replace=True)

    def fail(folder: Path) -> None:
        (folder / "b").touch()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(state | {"new": True}, fail, replace=True)
    assert names(tmp_path) == {"2026-01-01"}
    assert "new" not in store.months()[0].state


def test_a_month_is_replaced_only_on_request(tmp_path: Path) -> None:
    store = MonthStore(tmp_path, PORTFOLIO)
    store.write({"as_of": "2026-01-01"}, lambda folder: None, replace=False)
    with pytest.raises(InputError, match="cannot be written"):
        store.write({"as_of": "2026-01-01", "new": True}, lambda folder: None, replace=False)
    assert "new" not in store.months()[0].state
    store.write({"as_of": "2026-01-01", "new": True}, lambda folder: None, replace=True)
    assert store.months()[0].state["new"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".2026-01-01.77.part").mkdir()
    MonthStore(tmp_path, MONITORING).write({"as_of": "2026-01-01"}, lambda folder: None, replace=True)
    assert names(tmp_path) == {"2026-01-01"}


@pytest.mark.parametrize("text", ["", "[]", '{"as_of": "tomorrow"}'])
def test_a_state_that_cannot_be_read_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "monitoring.json").write_text(text)
    with pytest.raises(InputError, match="cannot be read"):
        MonthStore(tmp_path, MONITORING).open(tmp_path)
