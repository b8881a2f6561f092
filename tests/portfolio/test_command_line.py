"""riskml manage, feedback and pdf: two months of a book, and what came of them; one clear message for what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml

from riskml.cli import main
from riskml.config.warning import WarningRules
from riskml.scorecard import Scorecard

from .conftest import POLICY, book_of

Capture = pytest.CaptureFixture[str]
JANUARY, FEBRUARY = "2026-01-31", "2026-02-28"


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    learnt = book_of(1, 2000)
    file = tmp_path_factory.mktemp("command") / "card.yaml"
    Scorecard().fit(learnt[["income", "debt"]], learnt["outcome"]).save(file)
    return file


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Path, rules: WarningRules) -> Path:
    """Return the folder in which the commands are given: a model, a book of two months, a policy and rules."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(card, "card.yaml")
    customers = book_of(2)[["income", "debt"]]
    customers.to_csv("january.csv")
    customers.assign(income=customers["income"] - 6).iloc[10:].to_csv("february.csv")
    Path("policy.yaml").write_text(yaml.safe_dump({**POLICY, "hold_out": {"share": 0.3}}), encoding="utf-8")
    Path("rules.yaml").write_text(rules.to_yaml(), encoding="utf-8")
    return tmp_path


def managed(book: str, as_of: str, *words: str, policy: str = "policy.yaml") -> int:
    files = ["--data", book, "--id", "customer", "--policy", policy, "--rules", "rules.yaml"]
    return main(["manage", "card.yaml", *files, "--as-of", as_of, "-o", "book", *words])


def written(change: dict[str, Any]) -> str:
    Path("other.yaml").write_text(yaml.safe_dump({**POLICY, **change}), encoding="utf-8")
    return "other.yaml"


def test_two_months_and_what_came_of_the_first(at: Path, capsys: Capture) -> None:
    assert managed("january.csv", JANUARY) == 0
    told = capsys.readouterr().out
    assert "600 customers: " in told
    assert f"book/{JANUARY}/pack.html: the risk committee report" in told
    lists = at / "book" / JANUARY / "lists"
    filled = openpyxl.load_workbook(lists / "finance.xlsx")
    heads = [cell.value for cell in filled["actions"][1]]
    filled["actions"].cell(2, heads.index("status") + 1, "refused")
    filled.save("finance.xlsx")
    treated = pd.read_csv(lists / "finance_actions.csv")["customer"]
    pd.DataFrame({"customer": treated, "date": "2026-02-20", "kind": "default"}).to_csv("events.csv", index=False)
    words = ["book", "--policy", "policy.yaml", "--events", "events.csv", "--until", "2026-05-31"]
    more = ["--where", 'kind == "default"', "--decisions", "finance.xlsx", "--decisions", f"{lists}/sales_actions.csv"]
    assert main(["feedback", *words, *more, "--complaints", "events.csv"]) == 0
    assert "to be reconsidered:" in capsys.readouterr().out
    overrides = pd.read_csv(at / "book" / "feedback" / "overrides.csv")
    assert overrides.loc[overrides["status"] == "refused", "customers"].tolist() == [1]
    assert managed("february.csv", FEBRUARY) == 0
    page = (at / "book" / FEBRUARY / "pack.html").read_text("utf-8")
    assert "does harm, or nothing" in page  # found in book/feedback without being asked for
    assert "more complained" in page


def test_a_month_that_is_done_is_said_to_be_done(at: Path, capsys: Capture) -> None:
    managed("january.csv", JANUARY)
    assert managed("january.csv", JANUARY) == 0
    assert "nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("february.csv", JANUARY), "was made from another portfolio, model, policy or rules"),
        (("february.csv", "2026-01-01"), f"is before the newest month, {JANUARY}"),
        (("february.csv", "2999-01-01"), "is after today"),
        (("february.csv", FEBRUARY, "--language", "fr"), "unknown language 'fr'"),
        (("february.csv", FEBRUARY, "--results", "nowhere"), "the results of earlier actions cannot be read"),
    ],
)
def test_a_month_that_is_refused(at: Path, words: tuple[str, ...], told: str, capsys: Capture) -> None:
    managed("january.csv", JANUARY)
    capsys.readouterr()
    assert managed(*words) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in (at / "book").glob("20*")) == [JANUARY]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rules": [*POLICY["rules"], {"tier": "low"}]}, "two of them are for all reasons of tier 'low'"),
        ({"rules": POLICY["rules"][1:]}, "none is for tier 'low'"),
        ({"rules": [*POLICY["rules"][:2], {"tier": "hig"}]}, "there is no tier 'hig'; did you mean 'high'?"),
        ({"limits": {"roles": {"boss": {"hours": 1}}}}, "limits.roles.boss"),
        ({"limits": {"actions": 1}}, "mandatory actions need"),
        ({"messages": {"templates": {"phone/liquidity": "Hi {{ name }}"}}}, "reads the unknown field 'name'"),
        ({"messages": {"templates": {"phone/liquidity": "{{ customer.__class__ }}"}}}, "uses forbidden syntax"),
        ({"tier_titles": {"lo": "l"}}, "tier_titles: there is no tier 'lo'"),
    ],
)
def test_a_policy_that_is_wrong_writes_nothing(at: Path, change: dict[str, Any], told: str, capsys: Capture) -> None:
    assert managed("january.csv", JANUARY, policy=written(change)) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert not (at / "book").exists()


def test_feedback_refuses_what_it_cannot_join(at: Path, capsys: Capture) -> None:
    managed("january.csv", JANUARY)
    pd.DataFrame({"customer": ["c0001"], "date": ["2026-02-20"]}).to_csv("events.csv", index=False)
    words = ["feedback", "book", "--policy", "policy.yaml", "--events", "events.csv", "--until"]
    assert main([*words, "2026-02-10"]) == 2
    assert "no month is 90 days old" in capsys.readouterr().err
    assert main([*words, "2026-05-31", "--where", "kind =="]) == 2
    assert "the condition on events.csv" in capsys.readouterr().err
    Path("broken.xlsx").write_text("no workbook", encoding="utf-8")
    assert main([*words, "2026-05-31", "--decisions", "broken.xlsx"]) == 2
    assert "the workbook cannot be read" in capsys.readouterr().err


def test_pdf_says_what_is_missing(at: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["pdf", "pack.html"]) == 2
    assert "the page does not exist" in capsys.readouterr().err
    Path("pack.html").write_text("<p>a page</p>", encoding="utf-8")
    monkeypatch.setenv("PATH", "")
    assert main(["pdf", "pack.html"]) == 1
    assert "Chromium is not installed" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium")
def test_pdf_prints_a_page(at: Path) -> None:
    Path("pack.html").write_text("<p>一页</p>", encoding="utf-8")
    assert main(["pdf", "pack.html"]) == 0
    assert Path("pack.pdf").read_bytes().startswith(b"%PDF")
