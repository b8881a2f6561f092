"""The list of a role: in words, with what to say, and it comes back with what was done."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.i18n import Language
from riskml.portfolio.inputs import _read_decisions
from riskml.portfolio.manage import MonthInputs, manage
from riskml.portfolio.worklists import read_decisions
from riskml.runtime.package import Artifact

JANUARY, TODAY = dt.date(2026, 1, 31), dt.date(2026, 6, 1)


def lists_of(
    language: Language, model: Artifact, policy: Policy, rules: WarningRules, customers: pd.DataFrame, folder: Path
) -> Path:
    asked = MonthInputs(model, policy, rules, language=language)
    return manage(asked, customers, JANUARY, folder, today=TODAY).month.folder / "lists"


@pytest.fixture
def english(model: Artifact, policy: Policy, rules: WarningRules, customers: pd.DataFrame, folder: Path) -> Path:
    return lists_of("en", model, policy, rules, customers, folder)


@pytest.fixture
def chinese(model: Artifact, policy: Policy, rules: WarningRules, customers: pd.DataFrame, folder: Path) -> Path:
    return lists_of("zh", model, policy, rules, customers, folder)


def filled(file: Path, answer: str) -> Path:
    """Return a list whose first two actions an officer has answered in the workbook."""
    book = openpyxl.load_workbook(file)
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    place = heads.index("status" if "status" in heads else "执行情况") + 1
    for row in (2, 3):
        sheet.cell(row, place, answer)
    path = file.with_name(f"{file.stem}_filled.xlsx")
    book.save(path)
    return path


def test_what_to_say_is_on_the_list_of_who_says_it(english: Path) -> None:
    told = pd.read_csv(english / "finance_messages.csv")
    actions = pd.read_csv(english / "finance_actions.csv")
    assert sorted(told["customer"]) == sorted(actions["customer"])
    assert told["text"].str.contains("your customer service of our company").all()
    assert openpyxl.load_workbook(english / "finance.xlsx").sheetnames == ["actions", "alerts", "messages"]
    assert pd.read_csv(english / "risk_messages.csv").empty


def test_causes_and_reasons_are_in_words(english: Path) -> None:
    assert set(pd.read_csv(english / "risk_alerts.csv")["cause"]) == {"likely"}
    assert "tight finances" in set(pd.read_csv(english / "finance_actions.csv")["reason"])
    assert set(pd.read_csv(english / "risk_actions.csv")["mandatory"]) == {"must"}


def test_a_chinese_list_has_no_english_head_level_or_role(chinese: Path) -> None:
    actions, alerts = (pd.read_csv(chinese / f"{name}.csv") for name in ("finance_actions", "risk_alerts"))
    assert not [name for name in (*actions, *alerts) if name.isascii()]
    assert set(alerts["级别"]) <= {"红色", "黄色"}
    assert set(alerts["负责部门"]) == {"风险管理"}
    assert {*actions["渠道"], *actions["是否必须"]} == {"电话", "可选"}
    assert "资金紧张" in set(actions["主要原因"])
    assert not [name for name in openpyxl.load_workbook(chinese / "risk.xlsx").sheetnames if name.isascii()]


def test_a_list_that_was_filled_in_says_what_was_done(english: Path) -> None:
    said = _read_decisions(filled(english / "finance.xlsx", "refused"))
    assert said[["action", "status", "as_of"]].to_numpy().tolist() == [["plan", "refused", "2026-01-31"]] * 2


def test_a_chinese_list_that_was_filled_in_says_the_same(chinese: Path) -> None:
    said = _read_decisions(filled(chinese / "finance.xlsx", "已拒绝"))
    assert said[["action", "status", "as_of"]].to_numpy().tolist() == [["plan", "refused", "2026-01-31"]] * 2


def test_a_list_of_nobody_says_nothing(english: Path) -> None:
    assert _read_decisions(english / "sales_actions.csv").empty
    assert _read_decisions(english / "sales.xlsx").empty


def test_the_apostrophe_that_kept_a_customer_from_being_a_formula_goes_again() -> None:
    said = read_decisions(pd.DataFrame({"customer": ["'=1+1", "'s"], "action": "plan", "status": "done"}))
    assert said["customer"].tolist() == ["=1+1", "'s"]
