"""What the pack says of the model."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from riskml.config.policy import Policy
from riskml.errors import InputError
from riskml.io import write_json
from riskml.portfolio.manage import MonthInputs, manage
from riskml.portfolio.model_health import Health, health_of, read_health
from riskml.runtime.package import Artifact

JANUARY, TODAY = dt.date(2026, 1, 31), dt.date(2026, 6, 1)
FINDING = {
    "severity": "act",
    "about": "level",
    "what": "The risk is <underestimated>.",
    "what_zh": "风险被低估。",
    "next_step": "recalibrate",
}


def monitored(run: Path, day: str, *findings: dict[str, str]) -> None:
    step = findings[0]["next_step"] if findings else "none"
    state = {"as_of": day, "next_step": step, "findings": list(findings), "metrics": {}}
    write_json(run / "monitoring" / day / "monitoring.json", state)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_json(tmp_path / "run" / "run.json", {})
    return tmp_path / "run"


def pack(model: Artifact, policy: Policy, customers: pd.DataFrame, folder: Path, **said: object) -> str:
    asked = replace(MonthInputs(model, policy), **said)
    return (manage(asked, customers, JANUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")


def test_the_newest_month_up_to_the_day_counts(run: Path) -> None:
    monitored(run, "2025-12-31")
    monitored(run, "2026-01-31", FINDING)
    monitored(run, "2026-02-28")
    assert health_of(run, JANUARY).as_of == "2026-01-31"
    assert health_of(run, dt.date(2026, 1, 30)) == Health("2025-12-31", "none", ())
    assert health_of(run, dt.date(2025, 1, 1)) is None


def test_a_wheel_has_no_months(tmp_path: Path) -> None:
    assert health_of(tmp_path / "model.whl", JANUARY) is None


def test_a_file_that_is_no_monitoring_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "other.json", {"findings": [{"severity": "act"}]})
    with pytest.raises(InputError, match="has no findings of monitoring"):
        read_health(tmp_path / "other.json")


def test_the_pack_has_the_findings_and_the_next_step_escaped(
    model: Artifact, policy: Policy, customers: pd.DataFrame, folder: Path, run: Path
) -> None:
    monitored(run, "2026-01-31", FINDING)
    page = pack(model, policy, customers, folder, health=health_of(run, JANUARY))
    assert "The model was monitored as of 2026-01-31; next step: recalibrate." in page
    assert "The risk is &lt;underestimated&gt;." in page


def test_the_pack_says_it_in_chinese(
    model: Artifact, policy: Policy, customers: pd.DataFrame, folder: Path, run: Path
) -> None:
    monitored(run, "2026-01-31", FINDING)
    page = pack(model, policy, customers, folder, health=health_of(run, JANUARY), language="zh")
    for words in ("模型监控日期 2026-01-31；下一步：重新校准。", "风险被低估。", "需处理"):
        assert words in page


def test_a_model_of_which_nothing_was_found_is_not_one_that_was_not_looked_at(
    model: Artifact, policy: Policy, customers: pd.DataFrame, folder: Path, run: Path
) -> None:
    monitored(run, "2026-01-31")
    assert "Nothing was found." in pack(model, policy, customers, folder / "a", health=health_of(run, JANUARY))
    assert "No monitoring was handed in" in pack(model, policy, customers, folder / "b")
