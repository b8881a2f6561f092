"""What riskml makes goes to a CRM as it is: a month's folder, a file of scores, the list of early warning."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from tests.portfolio.conftest import POLICY, book_of

from riskml.cli import main
from riskml.config.policy import policy_of
from riskml.config.warning import WarningRules
from riskml.crm.payload import alert_rows
from riskml.crm.service import alert_table
from riskml.portfolio.manage import MonthInputs, MonthResult, manage
from riskml.runs.model_loading import load_model
from riskml.scorecard import Scorecard

AS_OF = dt.date(2026, 1, 31)
RULES = {
    "name": "small",
    "title": "Signs",
    "indicators": {
        "score": {
            "title": "likely to default", "value": "probability", "amber": 0.6, "red": 0.8, "role": "risk",
            "plan": "review the limit",
        },
    },
    "alerts": {"priority": "probability"},
}  # fmt: skip


@pytest.fixture
def month(system, tmp_path) -> MonthResult:
    """Return a month of the CRM's own customers."""
    name, server = system
    object, field = ("Accounts", "Account_Name") if name == "zoho" else ("AccountObj", "name")
    put = server.put
    ids = [put(object, **{field: f"客户{number}"}) for number in range(40)]
    learnt = book_of(1, 2000)
    Scorecard().fit(learnt[["income", "debt"]], learnt["outcome"]).save(tmp_path / "card.yaml")
    customers = book_of(2, 40)[["income", "debt"]].set_axis(pd.Index(ids, name="customer"))
    customers.to_csv("book.csv")
    asked = MonthInputs(load_model(tmp_path / "card.yaml"), policy_of(POLICY), WarningRules.model_validate(RULES))
    return manage(asked, customers, AS_OF, Path("books"), today=AS_OF)


def kept(system) -> dict[str, dict]:
    name, server = system
    return server.modules["Accounts"] if name == "zoho" else server.objects["AccountObj"]


def test_a_months_folder_is_pushed_with_actions_model_and_date(system, month, capsys):
    name, _ = system
    assert main(["crm", "push", name, "books/2026-01-31", "--yes"]) == 0
    assert "40 written" in capsys.readouterr().out
    suffix = {part: f"Risk_{part}" if name == "zoho" else f"risk_{part.lower()}__c" for part in ("Action", "As_Of")}
    told = pd.DataFrame(kept(system)).T
    planned = pd.read_parquet("books/2026-01-31/actions.parquet")
    titles = planned.groupby("customer", sort=False)["title"].agg("; ".join)
    assert told[suffix["Action"]].to_dict() == titles.reindex(told.index).fillna("").to_dict()
    assert len(titles) > 3
    assert set(told[suffix["As_Of"]]) == {"2026-01-31" if name == "zoho" else 1769788800000}
    assert main(["crm", "push", name, "books/2026-01-31", "--yes"]) == 0
    assert "40 as they are" in capsys.readouterr().out


def test_a_folder_that_is_no_month_is_refused(system, month, capsys):
    assert main(["crm", "push", system[0], "books"]) == 2
    assert "not the folder of a month" in capsys.readouterr().err


def test_a_file_of_scores_is_pushed_as_far_as_it_goes(system, month, tmp_path, capsys):
    assert main(["score", str(tmp_path / "card.yaml"), "book.csv", "-o", "scores.csv", "--id", "customer"]) == 0
    push = ["crm", "push", system[0], "scores.csv", "--as-of", "2026-01-31", "--model-version", "1"]
    assert main(push) == 2
    assert "lack columns:\n    reasons, or reason_1, reason_2 …\n    action" in (told := capsys.readouterr().err)
    assert "--only score --only tier --only model_version --only as_of" in told
    assert main([*push, "--yes", "--only", "score"]) == 0
    assert "40 written" in capsys.readouterr().out


def test_one_customer_is_pushed_alone(system, month, capsys):
    ids = list(kept(system))
    words = ["crm", "push", system[0], "books/2026-01-31", "--yes", "--customer"]
    assert main([*words, ids[3], "--customer", ids[5]]) == 0
    assert "2 written" in capsys.readouterr().out
    assert set(system[1].writes) == {ids[3], ids[5]}
    assert main([*words, "nobody"]) == 2
    assert "no customer 'nobody'" in capsys.readouterr().err


def test_the_list_of_early_warning_is_raised_once(system, month, capsys):
    name, server = system
    assert main(["alerts", "list", "--store", "books/alerts.db", "-o", "list.csv"]) == 0
    open_alerts = pd.read_csv("list.csv", dtype=str)
    assert len(open_alerts) > 1
    for _ in range(2):
        assert main(["crm", "alerts", name, "list.csv", "--yes"]) == 0
    assert f"{len(open_alerts)} exists" in capsys.readouterr().out
    made = server.modules["Tasks"] if name == "zoho" else server.objects["RiskAlert__c"]
    key, text = ("Risk_Key", "Description") if name == "zoho" else ("risk_key__c", "description__c")
    assert {one[key] for one in made.values()} == set(open_alerts["key"])
    assert all(one[text].endswith("review the limit") for one in made.values())


def test_a_list_without_alerts_is_no_mistake(system, month, capsys):
    assert main(["alerts", "list", "--store", "books/alerts.db", "--role", "sales", "-o", "none.csv"]) == 0
    assert main(["crm", "alerts", system[0], "none.csv", "--yes"]) == 0
    assert "no alerts" in capsys.readouterr().out


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_keys_and_ids_that_look_like_numbers_stay_text(delimiter, system, tmp_path):
    names, values = ("key", "customer", "cause", "owner", "due", "text"), ("12e5", "007", "x", "", "2026-02-05", "1.50")
    Path("alerts.csv").write_text("\n".join(delimiter.join(line) for line in (names, values)) + "\n", "utf-8-sig")
    (found,) = alert_rows(alert_table(Path("alerts.csv")))
    assert (found.key, found.customer, found.text) == ("12e5", "007", "1.50")
