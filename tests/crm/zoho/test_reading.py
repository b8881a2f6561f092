"""Zoho, reading: behaviours 1 to 8 of its contract."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import httpx
import pyarrow.parquet as pq
import pytest
from tests.contract.book import NAMES, name
from tests.contract.serving import HTML, reply
from tests.contract.zoho_server import CLIENT, START, error

from riskml.crm.connector import CrmError, LimitReached
from riskml.crm.pull import pull
from riskml.crm.zoho.adapter import Zoho
from riskml.errors import ConfigError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
TOKEN_CALL = "POST /oauth/v2/token"


def ids_of(pages) -> list[str]:
    return [record.id for page in pages for record in page.records]


def read(zoho: Zoho, since: dt.datetime | None = None, cursor: str = "") -> list[str]:
    return ids_of(zoho.iter_records("Accounts", ["Account_Name"], since, cursor))


@pytest.fixture
def paged(zoho, zoho_mapping):
    """Return a connector that reads everything by pages, and not by Bulk Read."""
    return zoho(zoho_mapping.model_copy(update={"bulk": False}))


def raw(server, **query) -> httpx.Response:
    """Ask the server as a client would that knows no rules."""
    form = {**CLIENT, "grant_type": "refresh_token"}
    token = httpx.post(f"{server.url}/oauth/v2/token", data=form).json()["access_token"]
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    return httpx.get(f"{server.url}/crm/v8/Accounts", params=query, headers=headers)


# -- 1: tokens that end


def test_01_an_ended_token_is_refreshed_once_and_the_call_repeated(paged, zoho_server, accounts):
    ids = accounts(3)
    read(paged)
    zoho_server.end_tokens()
    assert read(paged) == ids
    assert zoho_server.counted[TOKEN_CALL] == 2


def test_01_a_second_refusal_of_a_token_is_final(paged, zoho_server, accounts):
    accounts(3)
    zoho_server.fault("GET /crm/v8/Accounts", 1, error(401, "INVALID_TOKEN"))
    zoho_server.fault("GET /crm/v8/Accounts", 2, error(401, "INVALID_TOKEN"))
    with pytest.raises(CrmError, match="401 INVALID_TOKEN"):
        read(paged)
    assert zoho_server.counted[TOKEN_CALL] == 2


def test_01_a_missing_scope_never_refreshes_the_token(paged, zoho_server, accounts):
    accounts(3)
    zoho_server.fault("GET /crm/v8/Accounts", 1, error(401, "OAUTH_SCOPE_MISMATCH"))
    with pytest.raises(CrmError, match=r"OAUTH_SCOPE_MISMATCH.*\n.*\n.*scopes of docs/crm.md"):
        read(paged)
    assert zoho_server.counted[TOKEN_CALL] == 1


def test_01_the_wrong_prefix_of_a_token_is_refused_by_the_server(zoho_server):
    answer = httpx.get(f"{zoho_server.url}/crm/v8/Accounts", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


# -- 2: expiry in the middle


@pytest.mark.parametrize("call", range(1, 6))
def test_02_a_token_that_ends_at_any_page_loses_and_doubles_nothing(call, paged, zoho_server, accounts):
    ids = accounts(750)
    zoho_server.fault("GET /crm/v8/Accounts", call, zoho_server.end_tokens)
    assert sorted(set(read(paged))) == ids


@pytest.mark.parametrize("call", range(1, 9))
def test_02_a_token_that_ends_at_any_call_of_a_bulk_read_loses_and_doubles_nothing(call, zoho, zoho_server, accounts):
    ids = accounts(25)
    zoho_server.switches.bulk_rows = 10
    zoho_server.fault("", 1 + call, zoho_server.end_tokens)
    assert read(zoho()) == ids


# -- 3: the token server


def test_03_a_wrong_secret_is_told_although_the_status_is_200(zoho, zoho_server):
    zoho_server.fault(TOKEN_CALL, 1, reply(200, {"error": "invalid_client_secret"}))
    with pytest.raises(CrmError, match="no token: invalid_client_secret"):
        read(zoho())
    assert zoho_server.counted[TOKEN_CALL] == 1


@pytest.mark.parametrize("chinese", [True, False])
def test_03_the_eleventh_token_in_ten_minutes_is_throttled_in_any_language(chinese, zoho, zoho_server):
    zoho_server.switches.throttled_in_chinese = chinese
    for _ in range(10):
        zoho().calls.token()
    with pytest.raises(LimitReached, match="ten tokens in ten minutes"):
        zoho().calls.token()
    assert zoho_server.counted[TOKEN_CALL] == 11


def test_03_a_client_does_not_ask_for_an_eleventh_token_itself(zoho, zoho_server, clock):
    calls = zoho().calls
    for _ in range(9):
        calls.token(instead_of=calls.token())
    with pytest.raises(LimitReached, match="ten minutes"):
        calls.token(instead_of=calls.token())
    assert zoho_server.counted[TOKEN_CALL] == 10
    clock.moment += 600
    assert calls.token(instead_of=calls.token())


def test_03_workers_that_need_a_token_at_once_refresh_it_once(zoho, zoho_server):
    calls = zoho().calls
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: calls.token(), range(32)))
        assert len(set(tokens)) == 1
        again = list(pool.map(lambda old: calls.token(instead_of=old), tokens))
    assert len(set(again)) == 1
    assert zoho_server.counted[TOKEN_CALL] == 2


def test_03_a_domain_without_https_gets_no_token(zoho, zoho_server):
    said = {"access_token": "x", "api_domain": "http://www.zohoapis.example", "expires_in": 3600}
    zoho_server.fault(TOKEN_CALL, 1, reply(200, said))
    with pytest.raises(CrmError, match="secrets need https"):
        read(zoho())


# -- 4: parameters


def test_04_fields_are_mandatory_at_most_50_and_a_page_holds_200(zoho_server, accounts):
    accounts(1)
    assert raw(zoho_server).json()["code"] == "REQUIRED_PARAM_MISSING"
    assert raw(zoho_server, fields=",".join(f"F{n}" for n in range(51))).json()["code"] == "LIMIT_EXCEEDED"
    assert raw(zoho_server, fields="Account_Name", per_page="201").json()["code"] == "LIMIT_EXCEEDED"


def test_04_more_than_50_fields_are_refused_before_the_call(paged, zoho_server):
    with pytest.raises(ConfigError, match="at most 50 fields"):
        list(paged.iter_records("Accounts", [f"F{n}" for n in range(51)]))
    assert not zoho_server.counted["GET /crm/v8/Accounts"]


def test_04_a_field_that_is_not_there_is_told(paged, accounts):
    accounts(1)
    with pytest.raises(CrmError, match="400 INVALID_DATA"):
        list(paged.iter_records("Accounts", ["No_Such_Field"]))


# -- 5: the ends of pages


def test_05_the_2001st_row_is_out_of_reach_by_page_number(zoho_server, accounts):
    accounts(2001)
    assert raw(zoho_server, fields="Account_Name", page="10").status_code == 200
    answer = raw(zoho_server, fields="Account_Name", page="11")
    assert answer.json()["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"


def test_05_a_token_is_bound_to_its_parameters(zoho_server, accounts):
    accounts(300)
    token = raw(zoho_server, fields="Account_Name").json()["info"]["next_page_token"]
    assert raw(zoho_server, fields="Owner", page_token=token).json()["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert raw(zoho_server, fields="Account_Name", page_token=token).status_code == 200


def test_05_more_than_2000_records_are_read_by_pages(paged, accounts):
    ids = accounts(2450)
    assert sorted(set(read(paged))) == ids


def test_05_2500_records_of_one_second_are_read_by_tokens(paged, zoho_server):
    ids = [zoho_server.put("Accounts", Account_Name=str(number)) for number in range(2500)]
    assert sorted(set(read(paged))) == ids


def test_05_past_100000_records_of_one_second_bulk_read_takes_over(paged, zoho_server):
    ids = [zoho_server.put("Accounts", Account_Name=str(number)) for number in range(900)]
    zoho_server.switches.token_limit = 400
    assert sorted(set(read(paged))) == ids
    assert zoho_server.counted["POST /crm/bulk/v8/read"] == 1


def test_05_an_ended_page_token_is_told_when_time_cannot_lead_on(paged, zoho_server):
    for number in range(500):
        zoho_server.put("Accounts", Account_Name=str(number))
    zoho_server.switches.token_expires = True
    with pytest.raises(CrmError, match="EXPIRED_VALUE"):
        read(paged)


def test_05_a_page_token_that_ends_on_the_way_is_replaced(paged, zoho_server):
    ids = [zoho_server.put("Accounts", Account_Name=str(number)) for number in range(900)]
    zoho_server.fault("GET /crm/v8/Accounts", 4, error(400, "EXPIRED_VALUE"))
    assert sorted(set(read(paged))) == ids


# -- 6: nothing


def test_06_an_empty_module_is_204_and_no_record(paged):
    assert read(paged) == []


def test_06_nothing_changed_is_304_and_no_record(zoho, accounts, zoho_server):
    accounts(3)
    assert raw(zoho_server, fields="Account_Name").status_code == 200
    assert read(zoho(), START + dt.timedelta(days=9)) == []


# -- 7: what moves meanwhile


@pytest.mark.parametrize("includes", [True, False])
def test_07_a_record_changed_between_pages_comes_again_and_is_kept_once(
    includes, zoho, zoho_mapping, zoho_server, accounts, tmp_path
):
    ids = accounts(650)
    zoho_server.switches.since_includes = includes
    mapping = zoho_mapping.model_copy(update={"bulk": False, "tables": {"customers": zoho_mapping.tables["customers"]}})
    for nth in (2, 3, 4):  # an early one moves to the end, and one behind it onto a page that was read
        zoho_server.fault(
            "GET /crm/v8/Accounts", nth, lambda n=nth: zoho_server.change("Accounts", ids[n], Account_Name=f"新{n}")
        )
    pull(zoho(mapping), mapping, tmp_path, started=NOW)
    kept = pq.read_table(tmp_path / "customers.parquet").to_pylist()
    assert [row["customer"] for row in kept] == ids
    assert [kept[n]["name"] for n in (2, 3, 4)] == ["新2", "新3", "新4"]


# -- 8: bulk read


def test_08_a_bulk_read_goes_through_all_states_and_takes_no_early_result(zoho, zoho_server, accounts, clock):
    ids = accounts(5)
    zoho_server.switches.bulk_states = ("ADDED", "QUEUED", "QUEUED", "IN PROGRESS", "IN PROGRESS", "COMPLETED")
    assert read(zoho()) == ids
    assert zoho_server.jobs["5545974000000000000"].looks == 6
    assert clock.slept[:5] == [1, 2, 4, 8, 15]


def test_08_a_bulk_read_that_fails_says_why(zoho, zoho_server, accounts):
    accounts(5)
    zoho_server.switches.bulk_failure = "内部错误"
    with pytest.raises(CrmError, match="bulk read failed: 内部错误"):
        read(zoho())


def test_08_a_job_that_is_gone_is_asked_for_anew(zoho, zoho_server, accounts):
    ids = accounts(5)
    connector = zoho()
    pages = connector.iter_records("Accounts", ["Account_Name"])
    cursor = next(pages).cursor
    zoho_server.jobs.clear()
    assert read(connector, None, cursor) == ids


def test_08_a_bulk_read_of_no_rows_is_no_record(zoho, zoho_server):
    assert read(zoho()) == []
    assert not zoho_server.downloads


def test_08_commas_quotes_and_newlines_survive_a_bulk_read(zoho, accounts):
    accounts(14)
    pages = zoho().iter_records("Accounts", ["Account_Name"])
    names = [record.values["Account_Name"] for page in pages for record in page.records]
    assert names == [name(number) for number in range(14)]
    assert len({*NAMES}) == 7


def test_08_the_eleventh_download_waits_for_its_minute(zoho, zoho_server, accounts, clock):
    ids = accounts(120)
    zoho_server.switches.bulk_rows, zoho_server.switches.bulk_states = 10, ("COMPLETED",)
    before = clock.moment
    assert read(zoho()) == ids
    assert zoho_server.counted["GET /crm/bulk/v8/read/5545974000000000010/result"] == 1  # never refused
    assert 60 <= clock.moment - before < 62


@pytest.mark.parametrize("named", ["Id", "id", "ID"])
def test_08_the_column_of_ids_is_known_in_any_capitals(named, zoho, zoho_server, accounts):
    ids = accounts(3)
    zoho_server.switches.bulk_id_column = named
    assert read(zoho()) == ids


def test_08_a_bulk_read_goes_on_from_a_cursor_within_its_file(zoho, zoho_server, accounts, clock, monkeypatch):
    monkeypatch.setattr("riskml.crm.zoho.bulk._ROWS", 4)
    ids = accounts(25)
    zoho_server.switches.bulk_rows = 10
    connector = zoho()
    pages = list(connector.iter_records("Accounts", ["Account_Name"]))
    for at, page in enumerate(pages):
        assert ids_of(pages[: at + 1]) + read(connector, None, page.cursor) == ids
        clock.moment += 60  # of the downloads' limit
    assert len(pages) > 9


def test_08_a_download_that_breaks_off_is_repeated(zoho, zoho_server, accounts):
    ids = accounts(5)
    zoho_server.fault("GET /crm/bulk/v8/read/5545974000000000000/result", 1, "drop")
    zoho_server.fault("GET /crm/bulk/v8/read/5545974000000000000/result", 2, HTML)
    assert read(zoho()) == ids
