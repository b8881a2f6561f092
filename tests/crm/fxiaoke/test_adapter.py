"""Fxiaoke: behaviours 13 to 22 of its contract, and what stands for both systems."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.contract.fxiaoke_server import EA, LOCKED, LOGIN, MOBILE, MOVED, USER, Field, wrong
from tests.contract.serving import HTML

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert, CrmError, LimitReached, LoginRefused, Passing, Row
from riskml.crm.payload import score_rows
from riskml.crm.pull import pull
from riskml.crm.push import plan, push
from riskml.crm.sqlite import database

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
TOKEN = "POST /oauth2.0/token"
QUERY, UPDATE = "POST /cgi/crm/v2/data/query", "POST /cgi/crm/v2/data/update"
CREATE, MARK, SEND = (
    "POST /cgi/crm/custom/v2/data/create",
    "POST /cgi/crm/custom/v2/data/update",
    "POST /cgi/message/send",
)


def read(connector, object: str = "AccountObj", fields=("name",), since=None, cursor: str = "") -> list[str]:
    return [record.id for page in connector.iter_records(object, fields, since, cursor) for record in page.records]


def scored(ids: list[str]) -> list[Row]:
    return [Row(id, {"risk_score__c": number % 101}) for number, id in enumerate(ids)]


def statuses(outcomes) -> list[str]:
    return [outcome.status for outcome in outcomes]


def alert(customer: str, key: str = "1:default:2026-01-02", owner: str = "FSUID_9") -> Alert:
    return Alert(key, customer, "逾期风险升高", owner, dt.date(2026, 1, 5), "分数 62 → 87")


def raw(server, path: str, **body: Any) -> dict[str, Any]:
    """Ask the server as a client would that knows no rules."""
    login = {"appId": LOGIN["app_id"], "appSecret": LOGIN["app_secret"], "permanentCode": LOGIN["permanent_code"]}
    said = httpx.post(f"{server.url}/oauth2.0/token?thirdTraceId=1", json=login | {"grantType": "app_secret"}).json()
    headers = {"authorization": f"Bearer {said['accessToken']}", "x-fs-ea": EA, "x-fs-userid": USER}
    answer = httpx.post(server.url + path, json=body, headers=headers)
    assert answer.status_code == 200
    return answer.json()


def search(limit: int, offset: int) -> dict[str, Any]:
    info = {"limit": limit, "offset": offset, "filters": [], "orders": [{"fieldName": "_id", "isAsc": True}]}
    return {"dataObjectApiName": "AccountObj", "search_query_info": info}


# -- 13: errors


def test_13_an_error_is_known_by_its_code_although_http_says_200(fxiaoke, fxiaoke_server):
    fxiaoke_server.fault(QUERY, 1, wrong(20017, "OK"))
    with pytest.raises(CrmError, match=r"20017 OK(.|\n)*trace E-O.1(.|\n)*authorize the application"):
        read(fxiaoke())


def test_13_the_wrong_host_is_told(fxiaoke, fxiaoke_server):
    fxiaoke_server.fault(TOKEN, 1, MOVED)
    with pytest.raises(CrmError, match=r"answers 302(.|\n)*open.fxiaoke.com"):
        read(fxiaoke())


def test_13_a_wrong_secret_is_told(fxiaoke):
    with pytest.raises(CrmError, match=r"10006(.|\n)*check app_secret"):
        read(fxiaoke(app_secret="another"))


@pytest.mark.parametrize("trouble", [HTML, "drop", wrong(-1, "系统繁忙"), wrong(50009, "busy")])
def test_13_what_passes_is_tried_again(trouble, fxiaoke, fxiaoke_server, customers):
    ids = customers(3)
    fxiaoke_server.fault(QUERY, 1, trouble)
    assert read(fxiaoke()) == ids


# -- 14: tokens


@pytest.mark.parametrize("auth", ["new", "legacy"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_14_a_token_that_ends_mid_run_is_fetched_once_and_the_call_repeated(
    auth, call, fxiaoke, fxiaoke_server, customers
):
    ids = customers(250)
    fxiaoke_server.fault(QUERY, call, fxiaoke_server.end_tokens)
    assert read(fxiaoke(auth=auth)) == ids
    path = TOKEN if auth == "new" else "POST /cgi/corpAccessToken/get/V2"
    assert fxiaoke_server.counted[path] == 2


@pytest.mark.parametrize("workers", [1, 4])
def test_14_a_token_that_ends_in_a_push_is_fetched_once_for_all_workers(workers, fxiaoke, fxiaoke_server, customers):
    ids = customers(30)
    fxiaoke_server.fault(UPDATE, 9, fxiaoke_server.end_tokens)
    assert statuses(fxiaoke(workers=workers).write_scores(scored(ids))) == ["written"] * 30
    assert sorted(fxiaoke_server.writes) == ids
    assert fxiaoke_server.counted[TOKEN] == 2


def test_14_a_second_refusal_of_a_token_is_final(fxiaoke, fxiaoke_server):
    for nth in (1, 2):
        fxiaoke_server.fault(QUERY, nth, wrong(20016, "error"))
    with pytest.raises(CrmError, match="20016"):
        read(fxiaoke())
    assert fxiaoke_server.counted[TOKEN] == 2


def test_14_a_token_is_kept_for_6600_seconds(fxiaoke, fxiaoke_server, clock):
    connector = fxiaoke()
    read(connector)
    clock.moment += 6_590
    read(connector)
    assert fxiaoke_server.counted[TOKEN] == 1
    clock.moment += 20
    read(connector)
    assert fxiaoke_server.counted[TOKEN] == 2


@pytest.mark.parametrize("auth", ["new", "legacy"])
def test_14_a_user_is_found_by_the_mobile_number_once(auth, fxiaoke, fxiaoke_server, customers):
    ids = customers(150)
    connector = fxiaoke(auth=auth, user="", mobile=MOBILE)
    fxiaoke_server.fault(QUERY, 2, fxiaoke_server.end_tokens)
    assert read(connector) == ids
    assert fxiaoke_server.counted["POST /cgi/user/getByMobile"] == 1


def test_14_a_mobile_number_that_nobody_has_is_told_and_not_shown(fxiaoke):
    with pytest.raises(LoginRefused, match="0 users have the mobile number") as caught:
        read(fxiaoke(user="", mobile="13899999999"))
    assert "138" not in str(caught.value)


def test_14_no_more_than_ten_token_calls_a_minute(fxiaoke, fxiaoke_server, clock):
    calls, before = fxiaoke().calls, clock.moment
    for _ in range(12):
        calls.token(instead_of=calls.token())
    assert 60 <= clock.moment - before < 62
    assert fxiaoke_server.counted[TOKEN] == 13


# -- 15: limits and offsets


def test_15_limit_101_offset_150_and_offset_10100_are_refused(fxiaoke_server):
    for limit, offset in ((101, 0), (100, 150), (100, 10_100)):
        said = raw(fxiaoke_server, "/cgi/crm/v2/data/query", data=search(limit, offset))
        assert said["errorCode"] == 10013
    assert raw(fxiaoke_server, "/cgi/crm/v2/data/query", data=search(100, 10_000))["errorCode"] == 0


# -- 16: pages by the last id


def test_16_10001_records_are_read_by_their_ids(fxiaoke, fxiaoke_server, customers):
    ids = customers(10_001)
    assert read(fxiaoke()) == ids
    assert fxiaoke_server.counted[QUERY] == 101


def test_16_an_exact_multiple_of_100_ends_with_an_empty_page(fxiaoke, fxiaoke_server, customers):
    ids = customers(200)
    assert read(fxiaoke()) == ids
    assert fxiaoke_server.counted[QUERY] == 3


def test_16_reading_goes_on_from_a_cursor(fxiaoke, customers):
    ids = customers(250)
    connector = fxiaoke()
    pages = list(connector.iter_records("AccountObj", ["name"]))
    assert read(connector, cursor=pages[0].cursor) == ids[100:]


def test_16_changes_since_a_time_are_read_with_that_moment(fxiaoke, fxiaoke_server, customers, clock):
    ids = customers(150)
    clock.moment += 3600
    fxiaoke_server.change("AccountObj", ids[7], name="新")
    since = dt.datetime(2026, 1, 1, 1, tzinfo=fxiaoke_server.at.tzinfo)
    assert read(fxiaoke(), since=since) == [ids[7]]
    assert read(fxiaoke(), since=since + dt.timedelta(seconds=1)) == []


# -- 17: values


def test_17_fields_that_are_omitted_are_empty_and_names_of_lookups_are_left(
    fxiaoke, fxiaoke_server, fxiaoke_mapping, customers, tmp_path
):
    (id,) = customers(1)
    fxiaoke_server.put("SalesOrderObj", account_id=id, order_amount=None, order_time=1767283200000)
    (page,) = fxiaoke().iter_records("SalesOrderObj", ["account_id", "order_amount"])
    assert "order_amount" not in page.records[0].values
    assert "account_id__r" in page.records[0].values
    mapping = fxiaoke_mapping.model_copy(update={"tables": {"orders": fxiaoke_mapping.tables["orders"]}})
    pull(fxiaoke(), mapping, tmp_path, started=NOW)
    (order,) = pq.read_table(tmp_path / "orders.parquet").to_pylist()
    assert (order["customer"], order["amount"], order["category"]) == (id, None, None)
    assert set(order) == {"order", "customer", "amount", "time", "category"}


def test_17_numbers_are_written_as_text_and_dates_as_milliseconds(fxiaoke, fxiaoke_server, fxiaoke_mapping, customers):
    (id,) = customers(1)
    table = pd.DataFrame(
        {"customer": [id], "probability": [0.874], "tier": ["high"], "reasons": ["逾期"], "action": [""]}
    )
    rows = score_rows(table, fxiaoke_mapping.scores, as_of=dt.date(2026, 1, 2), model_version="1.0.0")
    assert statuses(fxiaoke().write_scores(rows)) == ["written"]
    kept = fxiaoke_server.objects["AccountObj"][id]
    assert (kept["risk_score__c"], kept["risk_tier__c"]) == ("87", "high")
    assert kept["risk_as_of__c"] == 1767283200000  # midnight in Beijing


def test_17_a_number_that_is_no_text_is_refused_by_the_server(fxiaoke_server, customers):
    (id,) = customers(1)
    data = {"object_data": {"dataObjectApiName": "AccountObj", "_id": id, "risk_score__c": 87}}
    assert raw(fxiaoke_server, "/cgi/crm/v2/data/update", data=data)["errorCode"] == 320001400


# -- 18: objects of one's own


def test_18_an_object_of_ones_own_is_refused_on_the_other_path(fxiaoke_server):
    data = search(100, 0) | {"dataObjectApiName": "InvoiceObj__c"}
    assert raw(fxiaoke_server, "/cgi/crm/v2/data/query", data=data)["errorCode"] != 0
    assert raw(fxiaoke_server, "/cgi/crm/custom/v2/data/query", data=data)["errorCode"] == 0


def test_18_the_adapter_takes_the_path_of_the_object(fxiaoke, fxiaoke_server):
    id = fxiaoke_server.put("InvoiceObj__c", number__c="1")
    assert read(fxiaoke(), "InvoiceObj__c", ("number__c",)) == [id]


# -- 19: rate limits


def test_19_the_101st_call_in_20_seconds_is_refused_by_the_server(fxiaoke_server, clock):
    fxiaoke_server.windows["/cgi/crm/v2/data/query"].extend([clock.now()] * 100)
    assert raw(fxiaoke_server, "/cgi/crm/v2/data/query", data=search(1, 0))["errorCode"] == 30004


def test_19_calls_keep_to_the_limit_and_use_it(fxiaoke, fxiaoke_server, customers, clock):
    ids, before = customers(1000), clock.moment
    connector = fxiaoke()
    assert statuses(connector.write_scores(scored(ids))) == ["written"] * 1000
    assert fxiaoke_server.refused_for_rate == 0
    assert 180 <= clock.moment - before <= 180 * 1.05


def test_19_a_refusal_for_the_rate_waits_a_whole_window(fxiaoke, fxiaoke_server, customers, clock):
    ids = customers(3)
    fxiaoke_server.windows["/cgi/crm/v2/data/query"].extend([clock.now()] * 100)  # of another program
    assert read(fxiaoke()) == ids
    assert clock.slept == [20.0]


@pytest.mark.parametrize("code", [30002, 30003])
def test_19_spent_or_unbought_calls_stop_at_once(code, fxiaoke, fxiaoke_server, customers, clock):
    ids = customers(5)
    fxiaoke_server.fault(UPDATE, 3, wrong(code, "limit"))
    with pytest.raises(LimitReached, match=str(code)):
        fxiaoke().write_scores(scored(ids))
    assert fxiaoke_server.counted[UPDATE] == 3
    assert clock.slept == []


def test_19_a_push_that_was_stopped_goes_on(fxiaoke, fxiaoke_mapping, fxiaoke_server, customers, tmp_path):
    ids = customers(20)
    fxiaoke_server.switches.daily = 7
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        audit, rows, connector = Audit(connection), scored(ids), fxiaoke()
        with pytest.raises(LimitReached):
            push(connector, plan(rows, fxiaoke_mapping.scores, audit), audit, at=NOW)
        fxiaoke_server.switches.daily = None
        push(connector, plan(rows, fxiaoke_mapping.scores, audit), audit, at=NOW)
    assert fxiaoke_server.writes == ids


# -- 20: triggers


def test_20_workflows_and_approvals_stay_quiet_unless_they_are_asked_for(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    connector = fxiaoke()
    connector.write_scores(scored([id]))
    connector.raise_alert(alert(id))
    assert set(fxiaoke_server.triggered) == {(False, False)}
    fxiaoke(automations=True).write_scores(scored([id]))
    assert fxiaoke_server.triggered[-1] == (True, True)


def test_20_triggers_that_are_left_out_are_true(fxiaoke_server, customers):
    (id,) = customers(1)
    data = {"object_data": {"dataObjectApiName": "AccountObj", "_id": id, "risk_score__c": "1"}}
    raw(fxiaoke_server, "/cgi/crm/v2/data/update", data=data)
    assert fxiaoke_server.triggered == [(True, True)]


# -- 21: creates that got no answer


@pytest.mark.parametrize(
    ("trouble", "after"), [(HTML, False), (HTML, True), ("drop", False), ("drop", True), (wrong(-1, "busy"), False)]
)
def test_21_an_alert_is_created_once_whatever_happened_to_the_call(trouble, after, fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke_server.fault(CREATE, 1, trouble, after=after)
    assert fxiaoke().raise_alert(alert(id)).status == "created"
    assert len(fxiaoke_server.objects["RiskAlert__c"]) == 1
    assert len(fxiaoke_server.messages) == 1


def test_21_a_create_that_timed_out_looks_its_key_up_first(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke_server.fault(CREATE, 1, lambda: time.sleep(0.4), after=True)
    assert fxiaoke(timeout_seconds=0.2).raise_alert(alert(id)).status == "created"
    made = [call for call in fxiaoke_server.calls if "/custom/v2/data/" in call]
    assert [call.rsplit("/", 1)[1] for call in made] == ["query", "create", "query", "update", "update"]
    assert len(fxiaoke_server.objects["RiskAlert__c"]) == 1


def test_21_a_key_that_is_there_is_no_second_alert_and_no_second_message(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    connector = fxiaoke()
    assert [connector.raise_alert(alert(id)).status for _ in range(2)] == ["created", "exists"]
    assert len(fxiaoke_server.objects["RiskAlert__c"]) == len(fxiaoke_server.messages) == 1


@pytest.mark.parametrize("after", [False, True])
def test_21_a_message_that_got_no_answer_is_not_sent_twice_and_is_told(after, fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke_server.fault(SEND, 1, "drop", after=after)
    connector = fxiaoke()
    first, second = connector.raise_alert(alert(id)), connector.raise_alert(alert(id))
    assert (first.status, second.status) == ("created", "exists")
    assert "may not have arrived" in first.remark
    assert "may not have arrived" in second.remark
    assert len(fxiaoke_server.messages) == int(after)


def test_21_a_message_that_was_never_begun_is_sent_by_the_next_run(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    for nth in range(1, 9):
        fxiaoke_server.fault(MARK, nth, "drop")
    with pytest.raises(Passing):
        fxiaoke().raise_alert(alert(id))
    raised = fxiaoke().raise_alert(alert(id))
    assert (raised.status, raised.remark) == ("exists", "")
    assert len(fxiaoke_server.messages) == 1


def test_21_a_message_that_is_refused_is_told(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke_server.fault(SEND, 1, wrong(10004, "toUser"))
    assert "the message is refused: Fxiaoke refuses: 10004" in fxiaoke().raise_alert(alert(id)).remark
    assert fxiaoke().raise_alert(alert(id)).remark == ""
    assert len(fxiaoke_server.messages) == 1


# -- 22: one that fails among others


def test_22_a_locked_record_stops_nobody_and_is_reported(fxiaoke, fxiaoke_server, customers):
    ids = customers(5)
    fxiaoke_server.locked = {ids[2]}
    outcomes = fxiaoke().write_scores([*scored(ids), Row("no-such-id", {"risk_score__c": 1})])
    assert statuses(outcomes) == ["written", "written", "failed", "written", "written", "failed"]
    assert (outcomes[2].code, outcomes[2].message) == (str(LOCKED), f"Fxiaoke refuses: {LOCKED} 数据已锁定")
    assert fxiaoke_server.writes == [ids[0], ids[1], ids[3], ids[4]]


def test_22_several_workers_give_the_same_outcomes_in_order(fxiaoke, fxiaoke_server, customers):
    ids = customers(60)
    fxiaoke_server.locked = {ids[2]}
    outcomes = fxiaoke(workers=4).write_scores(scored(ids))
    assert [outcome.customer for outcome in outcomes] == ids
    assert [outcome.status for outcome in outcomes].index("failed") == 2
    assert fxiaoke_server.counted[TOKEN] == 1


# -- the alert, the fields, text


def test_an_alert_is_a_record_and_a_message_to_its_owner(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke().raise_alert(alert(id))
    (record,) = fxiaoke_server.objects["RiskAlert__c"].values()
    assert (record["risk_key__c"], record["account_id__c"], record["owner"]) == (alert(id).key, id, ["FSUID_9"])
    (message,) = fxiaoke_server.messages
    assert (message["toUser"], message["msgType"]) == (["FSUID_9"], "composite")
    assert message["composite"]["head"] == {"title": "客户风险预警"}


def test_an_alert_without_an_owner_is_a_record_and_says_that_nobody_was_told(fxiaoke, fxiaoke_server, customers):
    (id,) = customers(1)
    assert "the message has no recipient" in fxiaoke().raise_alert(alert(id, owner="")).remark
    assert len(fxiaoke_server.objects["RiskAlert__c"]) == 1
    assert fxiaoke_server.messages == []


@pytest.mark.parametrize("shape", ["describe", "fields", "list"])
def test_check_knows_the_fields_in_any_shape_of_their_description(shape, fxiaoke, fxiaoke_server):
    fxiaoke_server.switches.describe_shape = shape
    assert {state.state for state in fxiaoke().check_schema()} == {"present"}


def test_check_says_which_fields_are_missing_or_of_another_type(fxiaoke, fxiaoke_server):
    fields = fxiaoke_server.fields["AccountObj"]
    del fields["risk_score__c"]
    fields["risk_action__c"] = Field("建议措施", "number")
    states = {state.field: state for state in fxiaoke().check_schema() if state.state != "present"}
    assert (states["risk_score__c"].state, states["risk_action__c"].state) == ("missing", "other type")
    assert "administration" in states["risk_score__c"].remark


@pytest.mark.parametrize("unit", ["utf-16", "characters"])
@pytest.mark.parametrize(
    "text",
    [
        "逾期 30 天",
        "𠮷野家",
        "🚨 高风险",
        "ＡＢＣ１２３",
        "第一行\n第二行",
        "x" * 255,
        "x" * 256,
        "𠮷" * 128,
        "中" * 999,
    ],
)
def test_text_of_any_script_and_length_is_taken(text, unit, fxiaoke, fxiaoke_mapping, fxiaoke_server, customers):
    (id,) = customers(1)
    fxiaoke_server.switches.length_unit = unit
    table = pd.DataFrame({"customer": [id], "score": [1], "tier": ["low"], "reasons": [text * 9], "action": [text]})
    rows = score_rows(table, fxiaoke_mapping.scores, as_of=dt.date(2026, 1, 2), model_version="1")
    assert statuses(fxiaoke().write_scores(rows)) == ["written"]
    kept = fxiaoke_server.objects["AccountObj"][id]["risk_action__c"]
    assert kept == text or (kept.endswith("…") and text.startswith(kept[:-1]))
