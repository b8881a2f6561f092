"""A folder of tables, and an audit, are of one account of one CRM: another one is refused before anything is done."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.contract.serving import reply
from tests.contract.zoho_server import CLIENT

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert, Row
from riskml.crm.csv_folder import CsvFolder
from riskml.crm.mapping import Mapping
from riskml.crm.pull import pull
from riskml.crm.push import plan, push, raise_alerts
from riskml.crm.settings import CsvSettings
from riskml.crm.sqlite import database, keep_to
from riskml.errors import InputError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ALERT = Alert("k", "1", "x", "", NOW.date(), "x")
REFUSED = r"belongs to the account {}(.|\n)*fix: .* another --audit"


def only_customers(mapping: Mapping) -> Mapping:
    return mapping.model_copy(update={"tables": {"customers": mapping.tables["customers"]}})


@pytest.fixture
def audit(tmp_path):
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        yield Audit(connection)


def test_a_folder_of_one_system_is_refused_to_another(
    zoho, zoho_mapping, zoho_server, fxiaoke, fxiaoke_mapping, fxiaoke_server, accounts, tmp_path
):
    accounts(3)
    pull(zoho(), only_customers(zoho_mapping), tmp_path, started=NOW)
    before = (tmp_path / "customers.parquet").read_bytes()
    with pytest.raises(InputError, match=REFUSED.format("Zoho client 1000.CLIENT")):
        pull(fxiaoke(), only_customers(fxiaoke_mapping), tmp_path, started=NOW)
    assert not fxiaoke_server.counted["POST /cgi/crm/v2/data/query"]
    assert (tmp_path / "customers.parquet").read_bytes() == before
    pull(zoho(), only_customers(zoho_mapping), tmp_path, started=NOW)


def test_a_folder_is_refused_to_another_client_but_not_to_a_new_refresh_token(zoho, zoho_mapping, accounts, tmp_path):
    accounts(3)
    mapping = only_customers(zoho_mapping)
    pull(zoho(), mapping, tmp_path, started=NOW)
    with database(tmp_path / ".crm" / "records.db", "") as connection:
        renewed = zoho(login={"refresh_token": "1000.new"})
        keep_to(connection, renewed.calls.settings.account, whole=False)
        other = zoho(login={"client_id": "1000.OTHER"})
        with pytest.raises(InputError, match="this is Zoho client 1000.OTHER"):
            keep_to(connection, other.calls.settings.account, whole=False)


def test_a_sandbox_of_the_same_client_is_another_account(zoho, zoho_server, zoho_mapping, accounts, audit):
    rows = [Row(id, {"Risk_Score": 1}) for id in accounts(2)]
    push(zoho(), plan(rows, zoho_mapping.scores, audit), audit, at=NOW)
    said = {"access_token": "x", "api_domain": "https://sandbox.zohoapis.example", "expires_in": 3600}
    zoho_server.fault("POST /oauth/v2/token", 1, reply(200, said))
    with pytest.raises(InputError, match=r"this is Zoho client .*, sandbox\.zohoapis\.example"):
        push(zoho(), plan(rows, zoho_mapping.scores, audit), audit, at=NOW)


def test_another_enterprise_of_the_same_application_is_another_account(
    fxiaoke, fxiaoke_server, fxiaoke_mapping, customers, audit
):
    rows = [Row(id, {"risk_score__c": 1}) for id in customers(2)]
    push(fxiaoke(), plan(rows, fxiaoke_mapping.scores, audit), audit, at=NOW)
    said = {"errorCode": 0, "accessToken": "x", "ea": "fx2", "expiresIn": 7200}
    fxiaoke_server.fault("POST /oauth2.0/token", 1, reply(200, said))
    with pytest.raises(InputError, match=r"enterprise fx1; this is .*, enterprise fx2"):
        push(fxiaoke(), plan(rows, fxiaoke_mapping.scores, audit), audit, at=NOW)
    assert fxiaoke_server.writes == [row.customer for row in rows]


def test_an_audit_of_one_system_is_refused_to_alerts_of_another(zoho, fxiaoke, fxiaoke_server, accounts, audit):
    accounts(1)
    raise_alerts(zoho(), [], audit, at=NOW)
    with pytest.raises(InputError, match=REFUSED.format("Zoho")):
        raise_alerts(fxiaoke(), [ALERT], audit, at=NOW)
    assert fxiaoke_server.objects["RiskAlert__c"] == {}


def test_another_folder_of_files_is_another_account(zoho_mapping, tmp_path, audit):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (CsvFolder(CsvSettings(folder=tmp_path / name), zoho_mapping) for name in ("one", "two"))
    raise_alerts(one, [ALERT], audit, at=NOW)
    with pytest.raises(InputError, match=r"the files in .*/one; this is the files in .*/two"):
        raise_alerts(two, [ALERT], audit, at=NOW)


def test_an_account_is_named_without_secrets(zoho, fxiaoke):
    named = f"{zoho().account} {fxiaoke().account}"
    assert not [word for word in (CLIENT["client_secret"], CLIENT["refresh_token"], "s3cret", "p3rm") if word in named]
