"""The tiers of a run, and what is proposed for the next."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import yaml

from riskml.cli import main
from riskml.config.experiment import Experiment
from riskml.errors import InputError
from riskml.runs.run import Run
from riskml.runs.tiers import tiers_of_run

COSTS = {"exposure": "amount", "loss_given_default": 0.5, "margin": 0.1}


def a_run(folder, costs=COSTS) -> Run:
    asked = Experiment.model_validate(
        {
            "name": "loans",
            "title": "?",
            "task": "default",
            "data": {"source": "x.csv", "target": "bad"},
            "costs": costs,
            "tiers": [
                {"name": "fine", "from_probability": 0, "treatment": "nothing"},
                {"name": "bad", "from_probability": 0.9},
            ],
        }
    )
    run = Run.start(asked, folder, at=dt.datetime(2026, 1, 1))
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 6, 2000)
    frame = pd.DataFrame(
        {
            "_part": np.repeat(["train", "test"], [1500, 500]),
            "_target": (rng.random(2000) < chance).astype(int),
            "probability": chance,
        }
    ).rename_axis("customer")
    run.write_parquet("predictions.parquet", frame)
    run.write_parquet("beside.parquet", pd.DataFrame({"amount": rng.lognormal(7, 1, 2000)}).rename_axis("customer"))
    return run


def test_the_tiers_of_a_run_are_judged_on_the_rows_set_aside(tmp_path):
    found = tiers_of_run(a_run(tmp_path))
    assert [tier.from_probability for tier in found.tiers] == [0.0, 0.9]
    assert found.table["rows"].sum() == 500
    assert found.table["value_at_stake"].sum() > 0


@pytest.mark.parametrize("rule", ["equal_risk", "profit_best"])
def test_a_proposal_can_be_pasted_into_the_experiment(tmp_path, rule):
    run = a_run(tmp_path)
    found = tiers_of_run(run, rule)
    again = Experiment.model_validate(run.experiment.model_dump() | yaml.safe_load(found.yaml))
    assert again.tiers == found.tiers
    assert again.tiers[0].treatment == "nothing"


def test_names_and_rule_come_from_the_command_line(tmp_path, capsys):
    folder = str(a_run(tmp_path).folder)
    assert main(["tiers", folder, "--rule", "equal_risk", "--names", "a, b,c"]) == 0
    assert "- name: b" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--rule", "best"], "there is no rule 'best'"), (["--names", "a,b"], "add --rule")],
)
def test_what_cannot_be_done_ends_with_2(tmp_path, capsys, words, told):
    assert main(["tiers", str(a_run(tmp_path).folder), *words]) == 2
    assert told in capsys.readouterr().err


def test_a_run_without_costs_has_no_profit_best_tiers(tmp_path):
    with pytest.raises(InputError, match="states none"):
        tiers_of_run(a_run(tmp_path, costs=None), "profit_best")


def test_a_run_without_predictions_says_what_is_missing(tmp_path):
    run = a_run(tmp_path)
    run.path("predictions.parquet").unlink()
    with pytest.raises(InputError, match="no predictions yet"):
        tiers_of_run(run)
