"""A month of a book: whole or not there, the same from the same inputs, in order."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from riskml.config.policy import Policy, policy_of
from riskml.config.warning import WarningRules
from riskml.errors import ConfigError, DataError, InputError
from riskml.portfolio.inputs import EventSource, feedback_of, read_results, write_feedback
from riskml.portfolio.manage import MonthInputs, MonthResult, manage
from riskml.runs.months import PORTFOLIO, MonthStore
from riskml.runtime.package import Artifact
from riskml.warning.alerts import close
from riskml.warning.daily import change, update
from riskml.warning.store import Store

from .conftest import POLICY, book_of

JANUARY, FEBRUARY, TODAY = dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 6, 1)


@pytest.fixture
def asked(model: Artifact, policy: Policy, rules: WarningRules) -> MonthInputs:
    return MonthInputs(model, policy, rules)


@pytest.fixture
def january(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> MonthResult:
    return manage(asked, customers, JANUARY, folder, today=TODAY)


def poorer(customers: pd.DataFrame) -> pd.DataFrame:
    return customers.assign(income=customers["income"] - 6)


def test_every_customer_has_a_tier_and_those_who_are_acted_upon_a_reason(january: MonthResult) -> None:
    scores = january.month.read("scores")
    assert len(scores) == 600
    assert set(scores["tier"]) == {"low", "medium", "high"}
    acted = scores[scores["tier"] != "low"]
    # Who is riskier than the average customer has a reason; in a tier above 20 % nearly everybody is.
    assert (acted["reason_1"] != "").mean() > 0.95
    assert (scores.loc[scores["tier"] == "low", "reason_1"] == "").all()
    assert scores.loc["c0000", "expected_loss"] == pytest.approx(
        scores.loc["c0000", "probability"] * 0.5 * book_of(2).loc["c0000", "debt"]
    )


def test_the_budget_holds_and_the_state_says_what_was_done(january: MonthResult) -> None:
    actions = january.month.read("actions")
    assert 0 < actions["cost"].sum() <= 300
    assert january.month.state["actions"] == len(actions)
    assert january.month.state["cost"] == pytest.approx(actions["cost"].sum())


def test_each_role_finds_its_list_in_which_nothing_is_a_formula(january: MonthResult) -> None:
    lists = january.month.folder / "lists"
    table = pd.read_csv(lists / "finance_actions.csv")
    assert table["title"].unique().tolist() == ["'=longer terms"]
    assert table["due"].unique().tolist() == ["2026-02-10"]
    sheet = openpyxl.load_workbook(lists / "finance.xlsx")["actions"]
    title = sheet.cell(2, [cell.value for cell in sheet[1]].index("title") + 1)
    assert (title.value, title.data_type) == ("=longer terms", "s")
    assert len(pd.read_csv(lists / "risk_alerts.csv")) == january.month.state["alerts_open"] > 0


def test_the_pack_escapes_what_customers_are_called(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    hostile = customers.rename(index={"c0000": "<script>alert(1)</script>"})
    hostile.iloc[0] = [20.0, 5000.0]  # nobody risks more: on top of the watch list
    page = (manage(asked, hostile, JANUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def test_the_pack_speaks_chinese(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    spoken = MonthInputs(asked.model, asked.policy, asked.rules, language="zh")
    page = (manage(spoken, customers, JANUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    for words in ("风险例会", "重点关注名单", "资金紧张", 'lang="zh-CN"'):
        assert words in page


def test_nothing_of_a_chinese_pack_is_a_code(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    spoken = MonthInputs(asked.model, asked.policy, asked.rules, language="zh")
    page = (manage(spoken, customers, JANUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    for code in ("limits.budget", ">score<", ">red<", ">amber<", ">finance<", ">liquidity<"):
        assert code not in page
    assert "红色" in page


def test_the_pack_tells_causes_limits_and_owners_in_words(january: MonthResult) -> None:
    page = (january.month.folder / "pack.html").read_text("utf-8")
    assert "limits.budget" not in page
    assert "the budget" in page
    assert ">score<" not in page
    assert ">likely<" in page


def test_the_pack_without_rules_says_so(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    bare = MonthInputs(asked.model, asked.policy)
    page = (manage(bare, customers, JANUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    assert "No rules of early warning were handed in." in page


def test_a_month_in_which_nobody_rose_shows_no_risers(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    page = (manage(asked, customers, FEBRUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    assert "Nobody&#39;s probability rose." in page
    assert ">nan<" not in page


def test_the_pack_tells_which_alerts_were_closed_and_how_they_ended(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    assert asked.rules is not None
    other = asked.rules.model_copy(update={"name": "other"})
    with Store(folder / "alerts.db") as store:
        first, second = store.alerts()[:2]
        change(store, first.key, lambda alert: close(alert, dt.date(2026, 2, 10), "ann", "averted"))
        change(store, second.key, lambda alert: close(alert, dt.date(2026, 2, 11), "ann", "false_alarm"))
        # What happens under other rules is not told here.
        update(store, other, january.month.read("scores").reset_index(), dt.date(2026, 2, 12), TODAY)
    page = (manage(asked, customers, FEBRUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    assert "Since the month before: 2 closed" in page
    closed = page.partition("Closed since the month before")[2].partition("</table>")[0]
    assert "averted" in closed
    assert "false alarm" in closed


def test_what_january_brought_is_in_the_pack_of_a_later_month(
    asked: MonthInputs, customers: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    said = {**POLICY, "hold_out": {"share": 0.4}}
    holding = MonthInputs(asked.model, policy_of(said), asked.rules)
    january = manage(holding, customers, JANUARY, folder, today=TODAY)
    actions = january.month.read("actions")
    planned = actions.loc[actions["action"] == "plan", "customer"].tolist()
    scores = january.month.read("scores")
    struck = [name for name in scores.index if name not in planned and int(name[1:]) % 2]  # none of the treated
    pd.DataFrame({"customer": struck, "date": "2026-03-01"}).to_csv(tmp_path / "events.csv", index=False)
    refused = pd.DataFrame({"customer": planned[:5], "action": "plan", "status": "refused"})
    refused.to_csv(tmp_path / "decisions.csv", index=False)
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    found = feedback_of(
        folder,
        policy,
        EventSource(tmp_path / "events.csv"),
        dt.date(2026, 5, 31),
        90,
        decisions=[tmp_path / "decisions.csv"],
        complaints=EventSource(tmp_path / "events.csv"),
    )
    brought = read_results(write_feedback(found, tmp_path / "feedback"))
    later = MonthInputs(holding.model, holding.policy, holding.rules, results=brought)
    page = (manage(later, customers, FEBRUARY, folder, today=TODAY).month.folder / "pack.html").read_text("utf-8")
    results = page.partition('<section id="results">')[2].partition("</section>")[0]
    row = found.results.set_index("action").loc["plan"]
    assert row["treated"] == len(planned) - 5
    assert row["avoided"] > 0
    assert f"{100 * row['avoided']:+.1f}" in results
    assert "more complaints" in results
    assert "refused" in results


def test_the_same_day_again_changes_nothing(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in january.month.folder.rglob("*")}
    again = manage(asked, customers, JANUARY, folder, today=TODAY)
    assert january.new
    assert not again.new
    assert before == {path: path.stat().st_mtime_ns for path in january.month.folder.rglob("*")}


def test_the_same_day_with_another_book_or_policy_is_refused(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    with pytest.raises(InputError, match="from another portfolio, model, policy or rules"):
        manage(asked, poorer(customers), JANUARY, folder, today=TODAY)
    other = policy_of({**POLICY, "limits": {"budget": 200.0}})
    with pytest.raises(InputError, match="from another portfolio, model, policy or rules"):
        manage(MonthInputs(asked.model, other, asked.rules), customers, JANUARY, folder, today=TODAY)
    with pytest.raises(InputError, match="from another portfolio, model, policy or rules"):
        manage(MonthInputs(asked.model, asked.policy), customers, JANUARY, folder, today=TODAY)


def test_rules_that_the_book_does_not_fit_leave_nothing_behind(
    asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    assert asked.rules is not None
    one = asked.rules.indicators["score"].model_copy(update={"value": "days_late"})
    strange = asked.rules.model_copy(update={"indicators": {"score": one}})
    with pytest.raises(ConfigError, match="the rules read 'days_late'"):
        manage(MonthInputs(asked.model, asked.policy, strange), customers, JANUARY, folder, today=TODAY)
    assert not folder.exists()


def test_a_day_before_the_last_one_and_a_day_after_today_are_refused(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    with pytest.raises(InputError, match="is before the newest month, 2026-01-31"):
        manage(asked, customers, dt.date(2026, 1, 1), folder, today=TODAY)
    with pytest.raises(InputError, match="after today"):
        manage(asked, customers, FEBRUARY, folder, today=dt.date(2026, 2, 1))


def test_a_customer_who_is_there_twice_is_refused(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    with pytest.raises(DataError, match="1 customers occur more than once"):
        manage(asked, pd.concat([customers, customers.head(1)]), JANUARY, folder, today=TODAY)


def test_a_policy_for_other_tiers_is_refused(asked: MonthInputs, customers: pd.DataFrame, folder: Path) -> None:
    said = {**POLICY, "tiers": ["low", "high"], "rules": [{"tier": "low"}, {"tier": "high", "may": ["call"]}]}
    with pytest.raises(ConfigError, match="is for the tiers"):
        manage(MonthInputs(asked.model, policy_of(said)), customers, JANUARY, folder, today=TODAY)
    assert not folder.exists()


def test_the_next_month_knows_the_one_before(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path
) -> None:
    done = manage(asked, poorer(customers).iloc[10:], FEBRUARY, folder, today=TODAY)
    scores, before = done.month.read("scores"), january.month.read("scores")
    pd.testing.assert_series_equal(scores["previous_tier"], before["tier"].iloc[10:], check_names=False)
    moved = pd.read_csv(done.month.folder / "migration.csv", index_col=0, keep_default_na=False)
    assert moved.to_numpy().sum() == 590
    assert moved.loc["low", "high"] + moved.loc["low", "medium"] + moved.loc["medium", "high"] > 0
    page = (done.month.folder / "pack.html").read_text("utf-8")
    assert "before: 600" in page


def test_who_is_within_the_margin_of_a_border_keeps_the_tier(
    january: MonthResult, asked: MonthInputs, customers: pd.DataFrame, folder: Path, model: Artifact
) -> None:
    shaken = customers.assign(debt=customers["debt"] * 1.03)
    scores = manage(asked, shaken, FEBRUARY, folder, today=TODAY).month.read("scores")
    plain = model.score(shaken)["tier"]
    changed, plainly = (scores["tier"] != scores["previous_tier"]).sum(), (plain != scores["previous_tier"]).sum()
    assert changed <= plainly
    for name, bound in (("medium", 0.2), ("high", 0.5)):
        odds = bound / (1 - bound) * 1.1
        kept = scores[(scores["tier"] != name) & (scores["previous_tier"] < name) & (plain == name)]
        assert (kept["probability"] < odds / (1 + odds)).all()


def test_a_month_that_was_killed_is_made_whole_by_the_next_call(
    asked: MonthInputs, customers: pd.DataFrame, folder: Path, model: Artifact, tmp_path: Path
) -> None:
    code = textwrap.dedent(
        f"""
        import datetime as dt, os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.portfolio.conftest import POLICY, book_of
        from riskml.portfolio import manage as module
        from riskml.config.policy import policy_of
        from riskml.runs.model_loading import load_model
        from riskml.config.warning import read_rules
        at = int(sys.argv[1])
        calls = 0
        def counted(function):
            def call(*words, **named):
                global calls
                calls += 1
                if calls == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*words, **named)
            return call
        for name in ("update", "write_lists", "write_pack", "messages", "role_lists"):
            setattr(module, name, counted(getattr(module, name)))
        asked = module.MonthInputs(load_model(Path(sys.argv[2])), policy_of(POLICY), read_rules(Path(sys.argv[3])))
        days = dt.date(2026, 1, 31), dt.date(2026, 6, 1)
        module.manage(asked, book_of(2)[["income", "debt"]], days[0], Path(sys.argv[4]), today=days[1])
        """
    )
    from riskml.scorecard import Scorecard

    learnt = book_of(1, 2000)
    card, said = tmp_path / "card.yaml", tmp_path / "rules.yaml"
    Scorecard().fit(learnt[["income", "debt"]], learnt["outcome"]).save(card)
    assert asked.rules is not None
    said.write_text(asked.rules.to_yaml(), encoding="utf-8")
    for at in (1, 3, 5):
        words = [sys.executable, "-c", code, str(at), str(card), str(said), str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert MonthStore(folder, PORTFOLIO).months() == []
    undisturbed = manage(asked, customers, JANUARY, tmp_path / "other", today=TODAY)
    mended = manage(asked, customers, JANUARY, folder, today=TODAY)
    pd.testing.assert_frame_equal(mended.month.read("actions"), undisturbed.month.read("actions"))
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("alerts")) == ["2026-01-31"]
    with Store(folder / "alerts.db") as ours, Store(tmp_path / "other" / "alerts.db") as theirs:
        assert [alert.key for alert in ours.alerts()] == [alert.key for alert in theirs.alerts()]
