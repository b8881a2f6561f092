"""What an experiment may say of monitoring."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from riskml.config.experiment import read_experiment
from riskml.config.monitoring import MonitoringConfig
from riskml.errors import ConfigError

SAID = {"name": "a", "title": "?", "task": "default", "data": {"source": "credit_data", "target": "Status"}}


def read(tmp_path: Path, monitoring: object) -> MonitoringConfig:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(SAID | {"monitoring": monitoring}))
    return read_experiment(tmp_path / "a.yaml").monitoring


def test_what_is_left_out_takes_its_default(tmp_path: Path) -> None:
    found = read(tmp_path, {"psi_act": 0.3})
    assert (found.psi_watch, found.psi_act, found.segments) == (0.1, 0.3, ())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"psi_acts": 0.3}, "monitoring.psi_acts: unknown key"),
        ({"psi_act": 0.05}, "psi_act lies below psi_watch"),
        ({"missing_rise": 0.3}, "missing_rise_act lies below missing_rise"),
        ({"segments": ["a", "a"]}, "each segment may be named once"),
        ({"segments": ["Status"]}, "monitoring.segments names the target"),
        ({"level": 1.0}, "monitoring.level"),
        ({"behaviour": {"payment": {"recent": "a"}}}, "monitoring.behaviour.payment.usual: missing"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(tmp_path: Path, said: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        read(tmp_path, said)


def test_how_a_model_is_watched_makes_no_other_experiment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(SAID))
    plain = read_experiment(tmp_path / "a.yaml")
    watched = read_experiment(tmp_path / "a.yaml", ["monitoring.psi_act=0.5"])
    assert plain.digest() == watched.digest()
    assert plain.digest() != read_experiment(tmp_path / "a.yaml", ["models.trials=3"]).digest()


def test_every_limit_is_described() -> None:
    parts = [MonitoringConfig, type(MonitoringConfig().behaviour)]
    undescribed = [
        name
        for part in parts
        for name, field in part.model_fields.items()
        if not field.description and name != "behaviour"
    ]
    assert undescribed == []
