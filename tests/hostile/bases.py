"""Harmless files that hostile inputs are put in: a table, an experiment, rules, a policy, a mapping, and a model."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

REPOSITORY = Path(__file__).parents[2]
ROWS = 160


@cache
def customers() -> pd.DataFrame:
    """Return the customers, with their outcome."""
    draw = np.random.default_rng(5)
    age, home = draw.integers(18, 80, ROWS), draw.choice(["own", "rent", "other"], ROWS)
    event = (draw.random(ROWS) < np.where(home == "rent", 0.5, 0.2)).astype(int)
    income = draw.normal(100, 30, ROWS).round(1)
    ids = [f"c{i:03d}" for i in range(ROWS)]
    return pd.DataFrame({"customer": ids, "age": age, "income": income, "home": home, "y": event})


@cache
def table() -> str:
    """Return the customers as CSV."""
    return customers().to_csv(index=False)


_EXPERIMENT: dict[str, Any] = {
    "name": "t",
    "title": "t?",
    "task": "default",
    "data": {"source": "y.csv", "target": "y", "event": 1, "id": "customer"},
    "models": {"families": ["logistic"], "trials": 1},
}
_RULES: dict[str, Any] = {
    "name": "r",
    "title": "r",
    "indicators": {"i1": {"title": "t", "value": "probability", "amber": 0.5, "role": "risk", "plan": "p"}},
}


def experiment(key: str = "", value: str = "") -> str:
    """Return an experiment file in which a dotted key has a raw YAML value."""
    return _with(_EXPERIMENT, key, value)


def rules(key: str = "", value: str = "") -> str:
    """Return a rules file in which a dotted key has a raw YAML value."""
    return _with(_RULES, key, value)


def policy(key: str = "", value: str = "") -> str:
    """Return a policy file in which a dotted key has a raw YAML value."""
    return _with(_parsed("policies/credit_default.yaml"), key, value)


def mapping(key: str = "", value: str = "") -> str:
    """Return a mapping of CSV files in which a dotted key has a raw YAML value."""
    return _with(_parsed("crm/csv.yaml"), key, value)


@cache
def _parsed(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((REPOSITORY / "experiments" / name).read_text("utf-8"))
    return spec


def _with(spec: dict[str, Any], key: str, value: str) -> str:
    place = "@@"
    return yaml.safe_dump(_replaced(spec, key.split("."), place) if key else spec, allow_unicode=True).replace(
        f"'{place}'", value
    )


def _replaced(spec: Any, keys: list[str], value: str) -> Any:
    if not keys:
        return value
    inner = spec if isinstance(spec, dict) else {}
    return inner | {keys[0]: _replaced(inner.get(keys[0]), keys[1:], value)}


@cache
def model() -> Path:
    """Return the folder of a small scorecard's artifact; cases copy it, or read it only."""
    from riskml.config.experiment import Experiment
    from riskml.export.artifact import write_artifact
    from riskml.scorecard import Scorecard

    frame = customers()
    features = frame[["age", "income", "home"]]
    card = Scorecard().fit(features, frame["y"])
    folder = Path(tempfile.mkdtemp(prefix="riskml-hostile-")) / "model"
    spec = Experiment.model_validate(_EXPERIMENT)
    return write_artifact(card, folder, experiment=spec, family="scorecard", X_train=features, metrics={})
