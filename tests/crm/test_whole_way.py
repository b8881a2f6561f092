"""The whole way as docs/crm.md has it, command by command: from the CRM's customers to their risk in the CRM."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.contract.zoho_server import fill

from riskml.cli import main
from riskml.config.experiment import read_experiment
from riskml.features.panel_store import build
from riskml.scorecard import Scorecard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "crm.md").read_text(encoding="utf-8")
WAY = [shlex.split(line, comments=True) for line in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()]


@pytest.fixture
def project(system):
    """Return a project with the CRM's experiment, policy and rules, and a server with a simulated book."""
    for name in ("crm_default.yaml", "policies/crm_default.yaml", "warnings/crm_default.yaml"):
        Path("experiments", name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "experiments" / name, Path("experiments", name))
    fill(system[1], 150, 18, seed=7)
    return system


def fitted() -> str:
    """Return a card that is fitted here: a whole run takes minutes."""
    rows = build(read_experiment(Path("experiments/crm_default.yaml")).panel, Path("panel")).frame()
    Scorecard().fit(rows.drop(columns=["customer", "as_of", "outcome"]), rows["outcome"]).save(Path("card.yaml"))
    return "card.yaml"


@pytest.mark.parametrize("system", ["zoho"], indirect=True)
def test_the_commands_of_the_page_lead_from_the_crm_and_back(project, capsys):
    _, server = project
    model = ""
    for program, *words in WAY:
        assert program == "riskml"
        if words[0] == "run":
            model = fitted()
            continue
        said = [model if word == "experiments/runs/crm_default/latest" else word for word in words]
        assert main(said) == 0, said
    scored = [one for one in server.modules["Accounts"].values() if "Risk_Score" in one]
    assert len(scored) > 100
    assert {one["Risk_As_Of"] for one in scored} == {"2025-04-01"}
    assert any(one["Risk_Action"] for one in scored)
    assert server.modules["Tasks"]
    assert {one["What_Id"]["id"] for one in server.modules["Tasks"].values()} <= {one["id"] for one in scored}
