"""Pushes as a user knows them: what changed alone, an outcome for each row, nothing twice."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert
from riskml.crm.payload import alert_rows, score_rows
from riskml.crm.push import plan, push, raise_alerts
from riskml.crm.sqlite import database
from riskml.errors import ConfigError, DataError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def audit(tmp_path):
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        yield Audit(connection)


def scores(ids: list[str], **changes) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "customer": ids,
            "probability": np.linspace(0.01, 0.99, len(ids)),
            "tier": "low",
            "reason_1": "days_past_due = 40",
            "reason_2": ["" if number % 2 else "orders = 0" for number in range(len(ids))],
            "treatment": "标准条款",
        }
    )
    return table.assign(**changes)


def rows(ids, mapping, *, day=DAY, **changes):
    return score_rows(scores(ids, **changes), mapping.scores, as_of=day, model_version="1.0.0")


def test_all_parts_of_a_score_reach_the_crm(zoho, zoho_server, zoho_mapping, accounts, audit):
    ids = accounts(3)
    push(zoho(), plan(rows(ids, zoho_mapping), zoho_mapping.scores, audit), audit, at=NOW)
    kept = zoho_server.modules["Accounts"][ids[2]]
    assert {name: kept[name] for name in kept if name.startswith("Risk_")} == {
        "Risk_Score": 99,
        "Risk_Tier": "低",
        "Risk_Reasons": "days_past_due = 40; orders = 0",
        "Risk_Action": "标准条款",
        "Risk_Model": "1.0.0",
        "Risk_As_Of": "2026-03-01",
    }


def test_only_what_changed_is_written_again(zoho, zoho_server, zoho_mapping, accounts, audit):
    ids, asked = accounts(5), zoho_mapping.scores
    push(zoho(), plan(rows(ids, zoho_mapping), asked, audit), audit, at=NOW)
    zoho_server.writes.clear()
    changed = rows(ids, zoho_mapping, tier=["low", "high", "low", "low", "low"])
    again = plan(changed, asked, audit)
    assert (len(again.rows), again.new, again.unchanged) == (1, 0, 4)
    push(zoho(), again, audit, at=NOW)
    assert zoho_server.writes == [ids[1]]


def test_another_as_of_date_alone_is_no_change(zoho, zoho_mapping, accounts, audit):
    ids, asked = accounts(5), zoho_mapping.scores
    push(zoho(), plan(rows(ids, zoho_mapping), asked, audit), audit, at=NOW)
    tomorrow = rows(ids, zoho_mapping, day=DAY + dt.timedelta(days=1))
    assert plan(tomorrow, asked, audit).unchanged == 5
    assert plan(tomorrow, asked, audit, everything=True).unchanged == 0


def test_what_failed_is_tried_again_by_the_next_push_and_kept_in_the_audit(
    zoho, zoho_server, zoho_mapping, accounts, audit
):
    ids, asked = accounts(2), zoho_mapping.scores
    zoho_server.locked = {ids[0]: 4}
    for _ in range(2):
        push(zoho(), plan(rows(ids, zoho_mapping), asked, audit), audit, at=NOW)
    told = audit.outcomes()
    assert list(zip(told["customer"], told["status"], told["code"], strict=True)) == [
        (ids[0], "later", "RECORD_LOCKED"),
        (ids[1], "written", "SUCCESS"),
        (ids[0], "written", "SUCCESS"),
    ]
    assert set(told["at"]) == {NOW.isoformat()}


def test_a_plan_shows_what_would_change_and_calls_nobody(zoho_server, zoho_mapping, accounts, audit):
    ids = accounts(2)
    table = plan(rows(ids, zoho_mapping), zoho_mapping.scores, audit).table()
    assert list(table["before"]) == ["", ""]
    assert '"Risk_Tier": "低"' in table["after"][0]
    assert zoho_server.calls == []


# -- what is refused before a call


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": [0.5, np.nan]}, "the number is missing"),
        ({"tier": ["low", "enormous"]}, "'enormous' is not among the mapping's low, medium, high"),
        ({"customer": ["1", "1"]}, "occur more than once"),
        ({"customer": ["1", ""]}, "empty in row 2"),
        ({"customer": [3652397000000000001.0, 2.0]}, "floating-point numbers"),
    ],
)
def test_scores_that_cannot_be_written_are_refused(change, message, zoho_mapping):
    with pytest.raises(DataError, match=message):
        rows(["1", "2"], zoho_mapping, **change)


def test_all_parts_that_are_missing_are_named_at_once_with_what_can_be_done(zoho_mapping):
    bare = scores(["1"])[["customer", "probability", "tier"]]
    with pytest.raises(DataError) as caught:
        score_rows(bare, zoho_mapping.scores, as_of=DAY)
    assert caught.value.what.splitlines()[1:] == [
        "    reasons, or reason_1, reason_2 …",
        "    action or treatment",
        "    model_version (or --model-version)",
    ]
    assert caught.value.fix.endswith("push the others only: --only score --only tier --only as_of")


def test_a_part_pushed_alone_leaves_the_others_as_they_are_and_known(zoho, zoho_server, zoho_mapping, accounts, audit):
    ids, asked = accounts(3), zoho_mapping.scores
    push(zoho(), plan(rows(ids, zoho_mapping), asked, audit), audit, at=NOW)
    tier = asked.only(["tier"])
    moved = score_rows(pd.DataFrame({"customer": ids, "tier": ["low", "high", "low"]}), tier)
    planned = plan(moved, tier, audit)
    assert [row.values for row in planned.rows] == [{"Risk_Tier": "高"}]
    push(zoho(), planned, audit, at=NOW)
    kept = zoho_server.modules["Accounts"][ids[1]]
    assert (kept["Risk_Tier"], kept["Risk_Action"]) == ("高", "标准条款")
    assert plan(moved, tier, audit).unchanged == 3
    whole = rows(ids, zoho_mapping, tier=["low", "high", "low"])
    assert plan(whole, asked, audit).unchanged == 3  # the parts add up


def test_a_part_that_the_mapping_does_not_write_is_refused(zoho_mapping):
    with pytest.raises(ConfigError, match=r"writes no 'colour'(.|\n)*it writes score, tier"):
        zoho_mapping.scores.only(["tier", "colour"])


def test_control_characters_and_half_characters_are_left_out(zoho_mapping):
    (row,) = rows(["1"], zoho_mapping, treatment=pd.Series(["a\x00b\x1bc\ud800d\ne\tf"], dtype=object))
    assert row.values["Risk_Action"] == "abcd\ne\tf"


# -- alerts


def alerts(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": [f"{id}:default:2026-03-01" for id in ids],
            "customer": ids,
            "cause": "风险升高",
            "owner": "",
            "due": "2026-03-04",
            "text": "=1+1",
        }
    )


def test_alerts_are_raised_once_in_all_runs(zoho, zoho_server, accounts, audit):
    ids = accounts(3)
    first = raise_alerts(zoho(), alert_rows(alerts(ids)), audit, at=NOW)
    calls = len(zoho_server.calls)
    second = raise_alerts(zoho(), alert_rows(alerts(ids)), audit, at=NOW)
    assert [*first["status"], *second["status"]] == ["created"] * 3 + ["exists"] * 3
    assert list(first["id"]) == list(second["id"]) == list(zoho_server.modules["Tasks"])
    assert len(zoho_server.calls) == calls + 1  # the login alone: the audit knows them


def test_an_alert_that_is_refused_does_not_stop_the_others(zoho, zoho_server, accounts, audit):
    ids = accounts(3)
    table = alerts(ids).assign(key=["a", "b" * 300, "c"])
    told = raise_alerts(zoho(), alert_rows(table), audit, at=NOW)
    assert list(told["status"]) == ["created", "failed", "created"]
    assert "INVALID_DATA Risk_Key" in told["remark"][1]
    assert list(audit.alerts()["status"]) == ["created", "failed", "created"]


def test_alerts_need_their_columns_and_keys_of_their_own():
    with pytest.raises(DataError, match="no column owner, text"):
        alert_rows(alerts(["1"]).drop(columns=["owner", "text"]))
    with pytest.raises(DataError, match="occur more than once"):
        alert_rows(alerts(["1", "1"]))
    with pytest.raises(DataError, match="is not a date"):
        alert_rows(alerts(["1"]).assign(due="soon"))
    assert alert_rows(alerts(["7"]))[0] == Alert(
        "7:default:2026-03-01", "7", "风险升高", "", dt.date(2026, 3, 4), "=1+1"
    )


def warnings_(ids: list[str], **changes) -> pd.DataFrame:
    """Return what `riskml alerts list -o` writes."""
    return pd.DataFrame(
        {
            "key": [f"k{id}" for id in ids], "customer": ids, "level": "red", "state": "opened", "cause": "逾期",
            "signs": "逾期 40 天; 订单减少", "opened": "2026-03-01", "due": "2026-03-04", "overdue_days": 0,
            "acknowledged": "", "escalated": "", "escalated_to": "", "role": "finance", "priority": 0.5,
            "plan": "电话催收", "rule": "small",
        }
    ).assign(**changes)  # fmt: skip


def test_a_list_of_early_warning_is_raised_as_it_is(zoho_mapping):
    asked = zoho_mapping.alerts.model_copy(update={"owners": {"finance": "365001", "risk": "365002"}})
    table = warnings_(["1", "2", "3", "4"], state=["opened", "closed", "escalated", "acknowledged"])
    table["escalated_to"], table["role"] = ["", "", "risk", ""], ["finance", "finance", "finance", "sales"]
    assert alert_rows(table, asked) == [
        Alert("k1", "1", "逾期", "365001", dt.date(2026, 3, 4), "red\n逾期 40 天; 订单减少\n电话催收"),
        Alert("k3", "3", "逾期", "365002", dt.date(2026, 3, 4), "red\n逾期 40 天; 订单减少\n电话催收"),
        Alert("k4", "4", "逾期", "", dt.date(2026, 3, 4), "red\n逾期 40 天; 订单减少\n电话催收"),
    ]


def test_a_folder_of_files_gets_scores_and_alerts_that_no_spreadsheet_executes(tmp_path, audit):
    from pathlib import Path

    from riskml.crm.csv_folder import CsvFolder
    from riskml.crm.mapping import read_mapping
    from riskml.crm.settings import CsvSettings

    mapping = read_mapping(Path(__file__).parents[2] / "experiments" / "crm" / "csv.yaml")
    connector = CsvFolder(CsvSettings(folder=tmp_path), mapping)
    push(connector, plan(rows(["007", "008"], mapping), mapping.scores, audit), audit, at=NOW)
    changed = rows(["008", "009"], mapping, tier="high")
    push(connector, plan(changed, mapping.scores, audit), audit, at=NOW)
    for _ in range(2):
        raise_alerts(connector, alert_rows(alerts(["007"])), audit, at=NOW)
    written = pd.read_csv(tmp_path / "risk" / "scores.csv", dtype=str).set_index("customer")
    assert written["风险等级"].to_dict() == {"007": "低", "008": "高", "009": "高"}
    raised = pd.read_csv(tmp_path / "risk" / "alerts.csv", dtype=str)
    assert list(raised["text"]) == ["'=1+1"]
