"""What keeps a run from its work: a login that is refused ends it at once, what may pass is told and tried again."""

from __future__ import annotations

import datetime as dt
import socket
import sqlite3
from contextlib import closing

import pytest
from tests.contract.serving import HTML, Reply, reply

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert, LoginRefused, Passing, Row, Unreachable
from riskml.crm.push import plan, push, raise_alerts
from riskml.crm.sqlite import database
from riskml.errors import InputError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ZOHO_TOKEN, FXIAOKE_TOKEN = "POST /oauth/v2/token", "POST /oauth2.0/token"
NO_PAGE = Reply(404, b"<html>not found</html>", "text/html")


def alerts(count: int) -> list[Alert]:
    return [Alert(f"k{number}", "1", "x", "", NOW.date(), "x") for number in range(count)]


@pytest.fixture
def audit(tmp_path):
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        yield Audit(connection)


@pytest.fixture
def nobody() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# -- a login that is refused


@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "refresh_token"])
def test_a_wrong_login_of_zoho_is_told_by_the_first_call(wrong, zoho, zoho_server, clock):
    with pytest.raises(LoginRefused, match=r"no token: invalid(.|\n)*check the client"):
        zoho(login={wrong: "another"}).check_schema()
    assert (zoho_server.calls, clock.slept) == ([ZOHO_TOKEN], [])


@pytest.mark.parametrize("wrong", ["app_id", "app_secret", "permanent_code", "user"])
def test_a_wrong_login_of_fxiaoke_is_told_at_once_by_every_verb(wrong, fxiaoke, fxiaoke_server, clock):
    for ask in (
        lambda one: one.check_schema(),
        lambda one: list(one.iter_records("AccountObj", ["name"])),
        lambda one: one.write_scores([Row("1", {}), Row("2", {})]),
        lambda one: one.raise_alert(alerts(1)[0]),
    ):
        fxiaoke_server.token_calls.clear()
        with pytest.raises(LoginRefused, match="fix: "):
            ask(fxiaoke(**{wrong: "another"}))
    assert clock.slept == []


def test_a_login_that_is_refused_is_no_failure_of_rows(fxiaoke, fxiaoke_mapping, audit):
    rows = [Row(str(number), {"risk_score__c": 1}) for number in range(5)]
    with pytest.raises(LoginRefused):
        push(fxiaoke(app_secret="another"), plan(rows, fxiaoke_mapping.scores, audit), audit, at=NOW)
    assert audit.outcomes().empty


def test_a_login_that_is_refused_stops_all_alerts(zoho, zoho_server, audit):
    zoho_server.fault(ZOHO_TOKEN, 1, reply(200, {"error": "invalid_code"}))
    with pytest.raises(LoginRefused):
        raise_alerts(zoho(), alerts(20), audit, at=NOW)
    assert zoho_server.counted[ZOHO_TOKEN] == 1
    assert audit.alerts().empty


def test_a_host_that_is_not_zohos_is_told_at_once(zoho, zoho_server, clock):
    zoho_server.fault(ZOHO_TOKEN, 1, NO_PAGE)
    with pytest.raises(LoginRefused, match=r"404, a page(.|\n)*accounts_url"):
        zoho().calls.token()
    assert clock.slept == []


def test_a_host_that_is_not_fxiaokes_is_told_at_once(fxiaoke, fxiaoke_server, clock):
    fxiaoke_server.fault(FXIAOKE_TOKEN, 1, NO_PAGE)
    with pytest.raises(LoginRefused, match=r"answers 404(.|\n)*open.fxiaoke.com"):
        fxiaoke().calls.token()
    assert clock.slept == []


# -- a host that is not reached


def test_a_host_that_never_answered_is_given_up_within_seconds_and_each_wait_is_told(nobody, zoho, clock, caplog):
    calls = zoho(login={"accounts_url": f"http://127.0.0.1:{nobody}"}).calls
    for _ in range(4):  # no token was asked for, so none of the ten is spent
        with pytest.raises(Unreachable, match=r"cannot be reached(.|\n)*check the address"):
            calls.request("GET", "/crm/v8/Accounts")
    assert (len(clock.slept), len(caplog.messages)) == (12, 12)
    assert sum(clock.slept[:3]) <= 7
    assert f"127.0.0.1:{nobody} cannot be reached" in caplog.messages[0]
    assert "trying again in 1 s" in caplog.messages[0]


def test_fxiaoke_is_given_up_as_soon(nobody, fxiaoke, clock):
    with pytest.raises(Unreachable):
        fxiaoke(url=f"http://127.0.0.1:{nobody}").write_scores([Row("1", {})])
    assert len(clock.slept) == 3


def test_a_host_that_answered_before_gets_more_patience(zoho, zoho_server, clock, accounts):
    connector = zoho()
    connector.calls.token()
    zoho_server.fault("", 1, "drop")
    zoho_server.shutdown()
    zoho_server.server_close()
    with pytest.raises(Unreachable, match="run again: it resumes where it stopped"):
        connector.calls.request("GET", "/crm/v8/Accounts")
    assert len(clock.slept) == 7
    assert 60 < sum(clock.slept) < 130


@pytest.mark.parametrize("path", [ZOHO_TOKEN, "GET /crm/v8/Accounts"])
def test_what_was_tried_eight_times_within_is_not_tried_eight_times_without(path, zoho, zoho_server, clock):
    for nth in range(1, 100):
        zoho_server.fault(path, nth, HTML)
    with pytest.raises(Passing):
        zoho().calls.request("GET", "/crm/v8/Accounts", params={"fields": "Owner"})
    assert zoho_server.counted[path] == 8
    assert len(clock.slept) == 7


def test_a_busy_token_server_of_fxiaoke_is_not_asked_eight_times_eight(fxiaoke, fxiaoke_server, clock):
    for nth in range(1, 100):
        fxiaoke_server.fault(FXIAOKE_TOKEN, nth, reply(200, {"errorCode": -1, "errorMessage": "busy"}))
    with pytest.raises(Passing):
        fxiaoke().raise_alert(alerts(1)[0])
    assert fxiaoke_server.counted[FXIAOKE_TOKEN] == 8


def test_a_connection_is_waited_for_less_long_than_an_answer(zoho):
    timeout = zoho(timeout=60.0).calls.caller._client.timeout
    assert (timeout.connect, timeout.read) == (5.0, 60.0)


def test_a_database_of_another_program_is_left_as_it_is(tmp_path):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("create table customers (name text)")
        theirs.commit()
    before = path.read_bytes()
    with pytest.raises(InputError, match="another kind of database"), database(path, "select 1;"):
        pass
    assert path.read_bytes() == before
