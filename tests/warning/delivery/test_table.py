"""Lists by role for people who open them in a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd

from riskml.config.warning import TableDelivery, WarningRules
from riskml.warning.daily import update
from riskml.warning.delivery.table import write_tables
from riskml.warning.store import Store

from ..conftest import FEBRUARY, JANUARY, TODAY, book_of, rules_of

HOSTILE = '=HYPERLINK("http://x";"y")\x07'


def written(store: Store, rules: WarningRules, tmp_path: Path) -> Path:
    frame = book_of(a=(12, 0.1), b=(40, 0.3)).replace({"customer": {"a": HOSTILE}})
    update(store, rules, frame, JANUARY, TODAY)
    update(store, rules, book_of(b=(0, 0.3)), FEBRUARY, TODAY)
    said = TableDelivery(folder=str(tmp_path / "lists"))
    write_tables(said, rules, store.alerts(open_only=True), FEBRUARY)
    return tmp_path / "lists"


def test_each_role_has_a_list_and_those_it_was_escalated_to_as_well(
    store: Store, rules: WarningRules, tmp_path: Path
) -> None:
    folder = written(store, rules, tmp_path)
    counts = {path.stem: len(pd.read_csv(path)) for path in folder.glob("*.csv")}
    assert counts == {"alerts_sales": 0, "alerts_service": 0, "alerts_finance": 2, "alerts_risk": 2}
    finance = pd.read_csv(folder / "alerts_finance.csv")
    assert finance["customer"].tolist()[0] == "b"  # red first
    assert finance["overdue_days"].tolist() == [26, 17]


def test_lists_are_in_words_of_the_language_of_the_rules(store: Store, rules: WarningRules, tmp_path: Path) -> None:
    update(store, rules, book_of(b=(40, 0.3)), JANUARY, TODAY)
    indicators = {"late": {**rules.indicators["late"].model_dump(), "title": {"en": "paid late", "zh": "付款逾期"}}}
    spoken = rules_of(language="zh", indicators={**rules.model_dump()["indicators"], **indicators})
    write_tables(TableDelivery(folder=str(tmp_path)), spoken, store.alerts(), JANUARY)
    (row,) = pd.read_csv(tmp_path / "alerts_finance.csv").to_dict("records")
    assert (row["起因"], row["级别"], row["征兆"]) == ("付款逾期", "红色", "付款逾期（红色）")
    assert row["负责部门"] == "财务"


def test_no_text_becomes_a_formula_in_csv_or_excel(store: Store, rules: WarningRules, tmp_path: Path) -> None:
    folder = written(store, rules, tmp_path)
    assert "'=HYPERLINK" in (folder / "alerts_finance.csv").read_text("utf-8-sig")
    sheet = openpyxl.load_workbook(folder / "alerts_finance.xlsx").active
    assert sheet is not None
    cell = next(cell for row in sheet.iter_rows() for cell in row if "HYPERLINK" in str(cell.value))
    assert cell.data_type == "s"
    assert "\x07" not in str(cell.value)
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_lists_written_again_are_the_same(store: Store, rules: WarningRules, tmp_path: Path) -> None:
    folder = written(store, rules, tmp_path)
    before = (folder / "alerts_risk.csv").read_bytes()
    write_tables(TableDelivery(folder=str(folder)), rules, store.alerts(open_only=True), FEBRUARY)
    assert (folder / "alerts_risk.csv").read_bytes() == before
