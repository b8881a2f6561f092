"""riskml crm: dry by default, one clear message for what is wrong, and no secret in anything it leaves behind."""

from __future__ import annotations

import logging

import pandas as pd
import pytest
from tests.contract.fxiaoke_server import LOGIN, wrong
from tests.contract.serving import Reply
from tests.contract.zoho_server import CLIENT, ZohoServer, error

from riskml.cli import main


def filled(name: str, server, count: int = 3) -> list[str]:
    if name == "zoho":
        return [server.put("Accounts", Account_Name=f"客户{number}") for number in range(count)]
    return [server.put("AccountObj", name=f"客户{number}") for number in range(count)]


def files(ids: list[str]) -> None:
    told = {"customer": ids, "probability": 0.87, "tier": "high", "reason_1": "逾期", "treatment": "电话"}
    pd.DataFrame(told).to_csv("scores.csv", index=False)
    raised = {
        "key": [f"{id}:1" for id in ids],
        "customer": ids,
        "cause": "升高",
        "owner": "",
        "due": "2026-01-05",
        "text": "x",
    }
    pd.DataFrame(raised).to_csv("alerts.csv", index=False)


def push(name: str, *words: str) -> int:
    return main(["crm", "push", name, "scores.csv", "--as-of", "2026-01-01", "--model-version", "1.0.0", *words])


def writes(server) -> int:
    return len(server.writes) + len(
        server.modules["Tasks"] if isinstance(server, ZohoServer) else server.objects["RiskAlert__c"]
    )


def test_check_pull_push_and_alerts_from_the_first_to_the_last(system, capsys):
    name, server = system
    ids = filled(name, server)
    files(ids)
    assert main(["crm", "check", name]) == 0
    assert "fields of the mapping are there" in capsys.readouterr().out
    assert main(["crm", "pull", name, "data"]) == 0
    assert "everything" in capsys.readouterr().out
    assert list(pd.read_parquet("data/customers.parquet")["customer"]) == ids
    assert push(name, "--yes") == 0
    assert "3 written" in capsys.readouterr().out
    assert push(name, "--yes") == 0
    assert "3 as they are" in capsys.readouterr().out
    assert main(["crm", "alerts", name, "alerts.csv", "--yes"]) == 0
    assert "3 created" in capsys.readouterr().out
    assert main(["crm", "alerts", name, "alerts.csv", "--yes"]) == 0
    assert "3 exists" in capsys.readouterr().out
    assert writes(server) == 6


def test_writing_is_dry_unless_it_is_told_otherwise(system, capsys):
    name, server = system
    files(filled(name, server))
    assert push(name) == 0
    said = capsys.readouterr().out
    assert "3 customers for the first time, 0 changed, 0 as they are" in said
    assert "nothing is written yet: add --yes" in said
    assert main(["crm", "alerts", name, "alerts.csv"]) == 0
    assert "3 new" in capsys.readouterr().out
    assert server.calls == []


def test_a_row_that_is_not_written_ends_with_1_and_is_told(system, capsys):
    name, server = system
    files([*filled(name, server), "404"])
    assert push(name, "--yes") == 1
    told = capsys.readouterr()
    assert "3 written, 1 failed" in told.out
    assert "failed  404" in told.out
    assert "some customers were not written" in told.err


def test_check_ends_with_2_when_fields_are_missing(system, capsys):
    name, server = system
    fields = server.fields["Accounts" if name == "zoho" else "AccountObj"]
    del fields["Risk_Score" if name == "zoho" else "risk_score__c"]
    assert main(["crm", "check", name]) == 2
    assert "missing" in capsys.readouterr().out
    assert main(["crm", "check", name, "--create"]) == (0 if name == "zoho" else 2)


@pytest.mark.parametrize(
    "words", [["pull", "nothing", "data"], ["push", "zoho", "none.csv"], ["check", "none.yaml"], ["alerts", "zoho"]]
)
def test_what_is_wrong_ends_with_2(system, words, capsys):
    assert main(["crm", *words]) == 2
    assert capsys.readouterr().err


def test_no_secret_is_in_anything_that_a_run_leaves_behind(system, capsys, caplog, tmp_path, monkeypatch):
    name, server = system
    caplog.set_level(logging.DEBUG)
    ids = filled(name, server)
    files(ids)
    for words in (["check", name], ["pull", name, "data"]):
        main(["--debug", "crm", *words])
    push(name, "--yes", "--debug")
    main(["--debug", "crm", "alerts", name, "alerts.csv", "--yes"])
    secret = CLIENT["client_secret"] if name == "zoho" else LOGIN["app_secret"]

    def tells(status: int, code: int) -> Reply:
        """Answer as a server that repeats what it was told."""
        text = f"{list(server.tokens)[-1]} {secret}"
        return error(status, secret, text) if name == "zoho" else wrong(code, text)

    server.fault("", 2, lambda: tells(400, 10006))  # the first call after that for a token
    server.fault("", 4, lambda: tells(403, 20017))
    main(["--debug", "crm", "pull", name, "other"])
    main(["--debug", "crm", "pull", name, "third"])
    for variable in ("RISKML_ZOHO_CLIENT_SECRET", "RISKML_FXIAOKE_APP_SECRET"):
        monkeypatch.setenv(variable, "another-wrong-one")
    main(["--debug", "crm", "pull", name, "fourth"])
    told = capsys.readouterr()
    left = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    left |= {"out": told.out.encode(), "err": told.err.encode(), "log": caplog.text.encode()}
    never = [*(CLIENT | LOGIN).values(), "another-wrong-one", *server.tokens]
    hidden = [word for word in never if word not in (CLIENT["client_id"], LOGIN["app_id"])]
    assert len(hidden) > 5
    assert told.err
    assert caplog.text
    for place, content in left.items():
        assert not [word for word in hidden if word.encode() in content], place


def test_an_audit_of_another_account_is_refused_before_a_call(system, capsys, monkeypatch):
    name, server = system
    files(filled(name, server))
    assert push(name, "--yes") == 0
    monkeypatch.setenv("RISKML_ZOHO_CLIENT_ID", "1000.OTHER")
    monkeypatch.setenv("RISKML_FXIAOKE_APP_ID", "FSAID_2")
    calls = len(server.calls)
    for words in (["--yes"], []):
        assert push(name, *words) == 2
        assert "belongs to the account" in capsys.readouterr().err
    assert len(server.calls) == calls


def test_a_dry_run_needs_no_login(system, capsys, monkeypatch):
    name, server = system
    files(filled(name, server))
    monkeypatch.delenv("RISKML_ZOHO_CLIENT_ID" if name == "zoho" else "RISKML_FXIAOKE_APP_ID")
    assert push(name) == 0
    assert push(name, "--yes") == 2
