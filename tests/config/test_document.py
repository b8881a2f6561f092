"""What an experiment may say of costs, fairness and the document."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from riskml.config.experiment import Experiment


def experiment(**said: Any) -> Experiment:
    base = {"name": "a", "title": "?", "task": "default", "data": {"source": "x.csv", "target": "bad"}}
    return Experiment.model_validate(base | said)


def test_all_of_it_may_stay_away() -> None:
    plain = experiment()
    assert plain.costs is None
    assert plain.fairness.columns == ()
    assert plain.document.owner == ""


@pytest.mark.parametrize(
    ("task", "costs", "wrong"),
    [
        ("default", {"value": 100, "contact_cost": 1}, "loss_given_default and margin"),
        ("churn", {"value": 100}, "contact_cost"),
        ("churn", {"value": 5, "contact_cost": 1, "incentive": 10}, "value must be above incentive"),
        ("default", {"loss_given_default": 1.5, "margin": 0.1}, "less than or equal to 1"),
        ("default", {"loss_given_default": 0.5, "margin": 0.1, "exposure": 0}, "exposure must be above 0"),
    ],
)
def test_costs_that_do_not_serve_the_task_are_refused(task: str, costs: dict[str, float], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        experiment(task=task, costs=costs)


def test_the_outcome_is_no_protected_group() -> None:
    with pytest.raises(ValidationError, match="names the target"):
        experiment(fairness={"columns": ["bad"]})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        experiment(document={"onwer": "me"})
