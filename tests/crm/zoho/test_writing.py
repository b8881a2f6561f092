"""Zoho, writing: behaviours 9 to 12 of its contract, and what stands for both systems."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from tests.contract.serving import HTML, reply
from tests.contract.zoho_server import Field

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert, CrmError, LimitReached, Passing, Row
from riskml.crm.push import plan, push
from riskml.crm.sqlite import database

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ALERT = Alert("1:default:2026-01-02", "", "逾期风险升高", "", dt.date(2026, 1, 5), "分数 62 → 87")
UPDATE, CREATE = "PUT /crm/v8/Accounts", "POST /crm/v8/Tasks"


def scored(ids: list[str], **values) -> list[Row]:
    return [Row(id, {"Risk_Score": number % 101} | values) for number, id in enumerate(ids)]


def statuses(outcomes) -> list[str]:
    return [outcome.status for outcome in outcomes]


def alert(id: str, **values) -> Alert:
    return Alert(**{**vars(ALERT), "customer": id, **values})


# -- 2: expiry in the middle of a push


@pytest.mark.parametrize("call", [1, 2, 3])
def test_02_a_token_that_ends_at_any_batch_writes_every_row_once(call, zoho, zoho_server, accounts):
    ids = accounts(250)
    zoho_server.fault(UPDATE, call, zoho_server.end_tokens)
    assert statuses(zoho().write_scores(scored(ids))) == ["written"] * 250
    assert zoho_server.writes == ids
    assert zoho_server.counted["POST /oauth/v2/token"] == 2


@pytest.mark.parametrize("call", ["POST /crm/v8/coql", CREATE])
def test_02_a_token_that_ends_at_any_call_of_an_alert_makes_one_task(call, zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho_server.fault(call, 1, zoho_server.end_tokens)
    assert zoho().raise_alert(alert(id)).status == "created"
    assert len(zoho_server.modules["Tasks"]) == 1


# -- 9: batches and their verdicts


def test_09_101_rows_are_two_calls_of_at_most_100(zoho, zoho_server, accounts):
    ids = accounts(101)
    assert statuses(zoho().write_scores(scored(ids))) == ["written"] * 101
    assert zoho_server.counted[UPDATE] == 2
    assert [zoho_server.modules["Accounts"][id]["Risk_Score"] for id in ids] == [n % 101 for n in range(101)]


@pytest.mark.parametrize("status", [200, 207])
def test_09_rows_are_trusted_and_not_the_status(status, zoho, zoho_server, accounts):
    ids = accounts(3)
    zoho_server.switches.partial_status = status
    rows = [Row(ids[0], {"Risk_Score": 1}), Row(ids[1], {"Risk_Score": "87"}), Row("999", {"Risk_Score": 3})]
    outcomes = zoho().write_scores(rows)
    assert statuses(outcomes) == ["written", "failed", "failed"]
    assert [outcome.customer for outcome in outcomes] == [ids[0], ids[1], "999"]
    assert (outcomes[1].code, outcomes[1].message) == ("INVALID_DATA", "Risk_Score: invalid data")


def test_09_a_batch_that_failed_in_all_its_rows_comes_under_400_and_is_read(zoho, zoho_server, accounts):
    accounts(1)
    outcomes = zoho().write_scores([Row("8", {"Risk_Score": 1}), Row("9", {"Risk_Score": 2})])
    assert statuses(outcomes) == ["failed", "failed"]
    assert zoho_server.counted[UPDATE] == 1


def test_09_a_module_that_is_not_there_stops_the_push(zoho, zoho_mapping):
    scores = zoho_mapping.scores.model_copy(update={"object": "Nonsense"})
    with pytest.raises(CrmError, match="400 INVALID_MODULE"):
        zoho(zoho_mapping.model_copy(update={"scores": scores})).write_scores([Row("1", {})])


def test_09_automations_stay_quiet_unless_they_are_asked_for(zoho, zoho_server, accounts):
    ids = accounts(1)
    zoho().write_scores(scored(ids))
    zoho().raise_alert(alert(ids[0]))
    assert zoho_server.triggered == [[], []]
    zoho(automations=True).write_scores(scored(ids))
    assert zoho_server.triggered[2:] == ["all"]


# -- 10: rows of one record, rows that are locked


def test_10_two_rows_of_one_record_go_in_two_calls_and_the_last_one_stands(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    outcomes = zoho().write_scores([Row(id, {"Risk_Score": 1}), Row(id, {"Risk_Score": 2})])
    assert statuses(outcomes) == ["written", "written"]
    assert zoho_server.modules["Accounts"][id]["Risk_Score"] == 2


def test_10_only_rows_whose_trouble_passes_are_sent_again(zoho, zoho_server, accounts):
    ids = accounts(4)
    zoho_server.locked = {ids[2]: 2}
    outcomes = zoho().write_scores([*scored(ids), Row("999", {"Risk_Score": 3})])
    assert statuses(outcomes) == ["written"] * 4 + ["failed"]
    assert zoho_server.writes == [ids[0], ids[1], ids[3], ids[2]]
    assert zoho_server.counted[UPDATE] == 3


def test_10_a_row_that_stays_locked_is_left_to_the_next_push(zoho, zoho_server, accounts):
    ids = accounts(2)
    zoho_server.locked = {ids[0]: 99}
    outcomes = zoho().write_scores(scored(ids))
    assert [(outcome.status, outcome.code) for outcome in outcomes] == [
        ("later", "RECORD_LOCKED"),
        ("written", "SUCCESS"),
    ]


# -- 11: too many calls


def test_11_a_429_is_waited_for_longer_each_time_up_to_a_minute(zoho, zoho_server, accounts, clock):
    ids = accounts(1)
    for nth in range(1, 8):
        zoho_server.fault(UPDATE, nth, reply(429, {"code": "TOO_MANY_REQUESTS"}))
    assert statuses(zoho().write_scores(scored(ids))) == ["written"]
    waits = clock.slept
    assert len(waits) == 7
    assert all(wait <= min(60, 2**at) and wait >= min(60, 2**at) / 2 for at, wait in enumerate(waits))


def test_11_spent_credits_stop_a_push_which_goes_on_another_day(zoho, zoho_mapping, zoho_server, accounts, tmp_path):
    ids = accounts(450)
    zoho_server.switches.credits = 25  # ten for each call of 100 rows
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        audit = Audit(connection)
        rows = scored(ids)
        with pytest.raises(LimitReached, match="429"):
            push(zoho(), plan(rows, zoho_mapping.scores, audit), audit, at=NOW)
        zoho_server.switches.credits = None
        rest = plan(rows, zoho_mapping.scores, audit)
        assert (len(rest.rows), rest.unchanged) == (250, 200)
        push(zoho(), rest, audit, at=NOW)
    assert zoho_server.writes == ids


# -- 12: troubles that pass, and answers that never come


@pytest.mark.parametrize("trouble", [reply(500, {"code": "INTERNAL_ERROR"}), HTML, reply(502, {}), "drop"])
@pytest.mark.parametrize("after", [False, True])
def test_12_an_update_is_repeated_whatever_happened_to_it(trouble, after, zoho, zoho_server, accounts):
    ids = accounts(3)
    zoho_server.fault(UPDATE, 1, trouble, after=after)
    assert statuses(zoho().write_scores(scored(ids))) == ["written"] * 3
    assert [zoho_server.modules["Accounts"][id]["Risk_Score"] for id in ids] == [0, 1, 2]


def test_12_a_page_of_html_under_200_is_no_answer(zoho, zoho_server, accounts):
    ids = accounts(1)
    zoho_server.fault(UPDATE, 1, type(HTML)(200, HTML.body, HTML.kind))
    assert statuses(zoho().write_scores(scored(ids))) == ["written"]
    assert zoho_server.counted[UPDATE] == 2


def test_12_an_update_that_was_taken_and_timed_out_is_repeated(zoho, zoho_server, accounts):
    ids = accounts(1)
    zoho_server.fault(UPDATE, 1, lambda: time.sleep(0.4), after=True)
    assert statuses(zoho(timeout=0.2).write_scores(scored(ids))) == ["written"]
    assert zoho_server.writes == ids * 2


@pytest.mark.parametrize("trouble", [HTML, "drop", reply(500, {})])
@pytest.mark.parametrize("after", [False, True])
def test_12_a_task_is_created_once_whatever_happened_to_the_call(trouble, after, zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho_server.fault(CREATE, 1, trouble, after=after)
    raised = zoho().raise_alert(alert(id))
    (task,) = zoho_server.modules["Tasks"].values()
    assert (raised.status, raised.id) == ("created", task["id"])


def test_12_a_task_that_was_taken_and_timed_out_is_found_by_its_key(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho_server.fault(CREATE, 1, lambda: time.sleep(0.4), after=True)
    assert zoho(timeout=0.2).raise_alert(alert(id)).status == "created"
    assert len(zoho_server.modules["Tasks"]) == 1


def test_12_a_search_that_lags_behind_makes_no_second_task(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho_server.switches.search_lag = 1
    zoho_server.fault(CREATE, 1, "drop", after=True)
    assert zoho().raise_alert(alert(id)).status == "exists"
    assert len(zoho_server.modules["Tasks"]) == 1


def test_12_a_key_that_is_there_already_is_no_second_task(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    first, second = zoho().raise_alert(alert(id)), zoho().raise_alert(alert(id))
    assert (first.status, second.status, first.id) == ("created", "exists", second.id)
    assert len(zoho_server.modules["Tasks"]) == 1


def test_12_a_trouble_that_does_not_pass_is_told(zoho, zoho_server, accounts):
    accounts(1)
    for nth in range(1, 20):
        zoho_server.fault(UPDATE, nth, HTML)
    with pytest.raises(Passing, match=r"502: a page instead of JSON(.|\n)*resumes where it stopped"):
        zoho().write_scores([Row("1", {})])


def test_12_a_redirection_is_not_followed(zoho, zoho_server, accounts):
    accounts(1)
    zoho_server.fault(UPDATE, 1, type(HTML)(302, b"", "text/html", "http://127.0.0.1:9/elsewhere"))
    with pytest.raises(CrmError, match="302"):
        zoho().write_scores([Row("1", {})])


# -- the alert


def test_an_alert_is_a_task_of_the_customer_with_its_key(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho().raise_alert(alert(id, owner="3652397000000000777"))
    (task,) = zoho_server.modules["Tasks"].values()
    assert task["Subject"] == "客户风险预警: 逾期风险升高"
    assert (task["What_Id"], task["$se_module"], task["Owner"]) == (
        {"id": id},
        "Accounts",
        {"id": "3652397000000000777"},
    )
    assert (task["Due_Date"], task["Status"], task["Priority"]) == ("2026-01-05", "Not Started", "High")
    assert (task["Risk_Key"], task["Description"]) == (ALERT.key, ALERT.text)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("Leads", {"What_Id": {"id": "7"}, "$se_module": "Leads"}),
        ("Contacts", {"Who_Id": {"id": "7"}}),  # of a task, a contact is who and not what
    ],
)
def test_an_alert_belongs_to_the_module_of_the_customers(module, said, zoho, zoho_mapping, zoho_server):
    zoho_server.fields["Tasks"]["Who_Id"] = Field("联系人", "lookup")
    scores = zoho_mapping.scores.model_copy(update={"object": module})
    zoho(zoho_mapping.model_copy(update={"scores": scores})).raise_alert(alert("7"))
    (task,) = zoho_server.modules["Tasks"].values()
    assert {name: task[name] for name in ("What_Id", "Who_Id", "$se_module") if name in task} == said


@pytest.mark.parametrize("key", ["a'b", "a\\", "a' or id > '0", "\\' or 1", "中文 𠮷"])
def test_a_key_stays_a_key_whatever_is_in_it(key, zoho, zoho_server, accounts):
    (id,) = accounts(1)
    zoho().raise_alert(alert(id, key="another"))
    assert [zoho().raise_alert(alert(id, key=key)).status for _ in range(2)] == ["created", "exists"]


def test_a_task_that_zoho_refuses_is_told(zoho, zoho_mapping, accounts, zoho_server):
    (id,) = accounts(1)
    del zoho_server.fields["Tasks"]["Risk_Key"]
    with pytest.raises(CrmError, match="400 INVALID_QUERY"):
        zoho().raise_alert(alert(id))


# -- fields


def test_check_says_what_is_missing_and_creates_it_five_at_a_time(zoho, zoho_server):
    for module, name in [*(("Accounts", n) for n in list(zoho_server.fields["Accounts"])), ("Tasks", "Risk_Key")]:
        if name.startswith("Risk_"):
            del zoho_server.fields[module][name]
    before = {(state.object, state.field): state.state for state in zoho().check_schema()}
    assert {field for (_, field), state in before.items() if state == "missing"} == {
        "Risk_Score", "Risk_Tier", "Risk_Reasons", "Risk_Action", "Risk_Model", "Risk_As_Of", "Risk_Key",
    }  # fmt: skip
    made = {(state.object, state.field): state.state for state in zoho().check_schema(create=True)}
    assert sum(state == "created" for state in made.values()) == 7
    assert zoho_server.counted["POST /crm/v8/settings/fields"] == 3
    assert {state.state for state in zoho().check_schema()} == {"present"}


def test_check_reads_the_real_name_of_a_field_back(zoho, zoho_mapping, zoho_server):
    del zoho_server.fields["Accounts"]["Risk_Score"]
    fields = dict(zoho_mapping.scores.fields)
    fields["score"] = fields["score"].model_copy(update={"label": "风险评分"})
    mapping = zoho_mapping.model_copy(update={"scores": zoho_mapping.scores.model_copy(update={"fields": fields})})
    (state,) = [state for state in zoho(mapping).check_schema(create=True) if state.field == "Risk_Score"]
    assert state.state == "other name"
    assert state.remark.startswith("'风险评分' is field")


@pytest.mark.parametrize(
    ("there", "remark"),
    [
        (Field("Risk Score", "text"), "it is text"),
        (Field("Risk Score", "picklist"), "it is picklist"),
    ],
)
def test_check_says_when_a_field_is_of_another_type(there, remark, zoho, zoho_server):
    zoho_server.fields["Accounts"]["Risk_Score"] = there
    (state,) = [state for state in zoho().check_schema() if state.field == "Risk_Score"]
    assert state.state == "other type"
    assert state.remark.startswith(remark)


def test_check_says_which_options_a_list_lacks(zoho, zoho_server):
    zoho_server.fields["Accounts"]["Risk_Tier"] = Field("Risk Tier", "picklist", 255, ("低",))
    (state,) = [state for state in zoho().check_schema() if state.field == "Risk_Tier"]
    assert state.remark == "it lacks the options 中, 高"


# -- text


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
        "𠮷" * 127 + "x",
        "𠮷" * 128,
        "中" * 999,
    ],
)
def test_text_of_any_script_and_length_is_taken(text, unit, zoho, zoho_mapping, zoho_server, accounts):
    import pandas as pd

    from riskml.crm.mapping import ScoresMap
    from riskml.crm.payload import score_rows

    (id,) = accounts(1)
    zoho_server.switches.length_unit = unit
    asked = ScoresMap(object="Accounts", fields={"action": zoho_mapping.scores.fields["action"]})
    rows = score_rows(pd.DataFrame({"customer": [id], "action": [text]}), asked)
    assert statuses(zoho().write_scores(rows)) == ["written"]
    kept = zoho_server.modules["Accounts"][id]["Risk_Action"]
    fits = len(text.encode("utf-16-le")) // 2 <= 255
    assert kept == text if fits else (kept.endswith("…") and text.startswith(kept[:-1]) and len(kept) > 100)


def test_one_over_the_length_is_refused_by_the_server_itself(zoho, accounts):
    (id,) = accounts(1)
    (outcome,) = zoho().write_scores([Row(id, {"Risk_Action": "x" * 256})])
    assert (outcome.status, outcome.code) == ("failed", "INVALID_DATA")


def test_ids_of_19_digits_stay_text(zoho, zoho_server, accounts):
    (id,) = accounts(1)
    assert len(id) == 19
    (page,) = [page for page in zoho().iter_records("Accounts", ["Account_Name"]) if page.records]
    assert page.records[0].id == id
