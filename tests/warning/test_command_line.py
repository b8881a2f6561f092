"""riskml alerts: every step from the scored book to the closed alert; one clear message for what is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from riskml.cli import main
from riskml.crm.mapping import AlertsMap
from riskml.crm.payload import alert_rows
from riskml.warning.store import Store

from .conftest import Hook, MailServer, book_of, free_port, rules_of

Capture = pytest.CaptureFixture[str]
Write = Callable[..., str]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the commands are given."""
    monkeypatch.chdir(tmp_path)
    book_of(a=(12, 0.1), b=(40, 0.3), c=(15, 0.2)).to_csv("january.csv", index=False)
    book_of(a=(40, 0.1), b=(40, 0.3)).to_csv("february.csv", index=False)
    return tmp_path


@pytest.fixture
def rules_file(at: Path) -> Write:
    def write(name: str = "small", **changes: Any) -> str:
        path = at / f"{name}.yaml"
        said = rules_of(name=name, **changes).model_dump(mode="json")
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def january(rules_file: Write, capsys: Capture) -> str:
    """Return the rules' file after January was recorded."""
    file = rules_file()
    assert run("update", file, "--book", "january.csv", "--as-of", "2024-01-01") == 0
    capsys.readouterr()
    return file


def run(command: str, *words: str, store: str = "alerts.db") -> int:
    return main(["alerts", command, *words, "--store", store])


def refused(capsys: Capture, command: str, *words: str) -> str:
    """Return the message of a command that is refused."""
    assert run(command, *words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Traceback" not in said
    return said


def keys(role: str | None = None) -> list[str]:
    with Store("alerts.db") as store:
        return [alert.key for alert in store.alerts(role=role)]


# -- update


def test_update_tells_what_a_day_came_to_and_that_it_was_there_already(rules_file: Write, capsys: Capture) -> None:
    words = (rules_file(), "--book", "january.csv", "--as-of", "2024-01-01")
    assert run("update", *words) == 0
    assert "2024-01-01: 3 customers, 3 alerts opened, 0 raised to red" in capsys.readouterr().out
    assert run("update", *words) == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_the_same_day_with_another_book_is_refused(january: str, capsys: Capture) -> None:
    said = refused(capsys, "update", january, "--book", "february.csv", "--as-of", "2024-01-01")
    assert "was recorded with another portfolio" in said


def test_the_same_day_under_other_rules_is_refused(january: str, rules_file: Write, capsys: Capture) -> None:
    other = rules_file(alerts={"amber": 0.5})
    assert "with other rules" in refused(capsys, "update", other, "--book", "january.csv", "--as-of", "2024-01-01")


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2023-12-01", "is before the last recorded one, 2024-01-01"),
        ("2999-01-01", "is after today"),
        ("1.1.2024", "expected a date such as 2024-07-01"),
    ],
)
def test_a_clock_that_goes_backwards_or_ahead(january: str, day: str, told: str, capsys: Capture) -> None:
    assert told in refused(capsys, "update", january, "--book", "february.csv", "--as-of", day)


def test_a_book_that_lacks_a_column_leaves_no_store(rules_file: Write, at: Path, capsys: Capture) -> None:
    pd.read_csv("january.csv").drop(columns="days_late").to_csv("short.csv", index=False)
    said = refused(capsys, "update", rules_file(), "--book", "short.csv", "--as-of", "2024-01-01")
    assert "the rules read 'days_late'" in said
    assert not (at / "alerts.db").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": "boss"}, "indicators.late.role: Input should be 'sales'"),
        ({"red": 5}, r"red (5) must lie beyond amber (10)"),
        ({"value": "days_late +"}, "indicators.late.value"),
        ({"title": {"fr": "en retard"}}, "indicators.late.title.fr"),
    ],
)
def test_rules_that_are_wrong(change: dict[str, Any], told: str, rules_file: Write, capsys: Capture) -> None:
    path = Path(rules_file())
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    said["indicators"]["late"] |= change
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    assert told in refused(capsys, "update", str(path), "--book", "january.csv", "--as-of", "2024-01-01")


# -- list


def test_list_shows_the_open_ones_of_a_role_red_first(january: str, capsys: Capture) -> None:
    assert main(["alerts", "list", "--store", "alerts.db", "--role", "finance", "--on", "2024-01-20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["b", "c", "a"]
    assert "14 d" in lines[1]


def test_the_list_of_a_role_holds_what_was_escalated_to_it(january: str, capsys: Capture) -> None:
    assert run("overdue", january, "--on", "2024-01-31") == 0
    assert "3 overdue, 3 escalated now" in capsys.readouterr().out
    assert len(keys("risk")) == len(keys("finance")) == 3


def test_a_role_that_is_not_known_is_refused(january: str, capsys: Capture) -> None:
    assert "unknown role 'boss'" in refused(capsys, "list", "--role", "boss")


def test_a_list_that_is_written_is_what_a_crm_takes(january: str, at: Path) -> None:
    assert run("list", "-o", "list.csv") == 0
    wanted = alert_rows(pd.read_csv("list.csv"), AlertsMap(object="Tasks", owners={"finance": "365001"}))
    assert [(one.customer, one.cause, one.owner) for one in wanted] == [
        ("b", "late", "365001"),
        ("c", "late", "365001"),
        ("a", "late", "365001"),
    ]
    assert wanted[0].text == "red\nlate red\ncall"


def test_closed_ones_are_listed_with_their_outcome_when_asked_for(january: str, at: Path) -> None:
    run("close", keys()[0], "--outcome", "averted", "--on", "2024-01-05")
    run("list", "-o", "open.csv")
    run("list", "--all", "-o", "all.csv")
    assert len(pd.read_csv("open.csv")) == 2
    assert pd.read_csv("all.csv")["outcome"].dropna().tolist() == ["averted"]


def test_a_store_that_is_not_there_or_is_none(january: str, at: Path, capsys: Capture) -> None:
    assert run("list", store="other.db") == 2
    assert "the store does not exist" in capsys.readouterr().err
    assert run("list", store="january.csv") == 2
    assert "is not an alert store" in capsys.readouterr().err


# -- ack, close, overdue


def test_an_alert_is_taken_up_and_closed_by_the_beginning_of_its_key(january: str, capsys: Capture) -> None:
    key = keys()[0]
    assert run("ack", key[:8], "--by", "Ann", "--on", "2024-01-02") == 0
    assert f"alert {key} of customer b is acknowledged; it is due on 2024-01-06" in capsys.readouterr().out
    assert run("close", key[:8], "--outcome", "averted", "--by", "Ann", "--note", "paid", "--on", "2024-01-04") == 0
    with Store("alerts.db") as store:
        assert store.alert(key).outcome == "averted"
        assert [(event.what, event.by, event.note) for event in store.events(key)[1:]] == [
            ("acknowledged", "Ann", ""),
            ("closed", "Ann", "averted: paid"),
        ]


def test_what_cannot_be_done_to_an_alert(january: str, capsys: Capture) -> None:
    key = keys()[0]
    assert "no alert has the key 'zzz'" in refused(capsys, "ack", "zzz")
    assert "is before the last change of the alert" in refused(capsys, "ack", key, "--on", "2023-12-31")
    assert "unknown outcome 'fine'" in refused(capsys, "close", key, "--outcome", "fine")
    run("ack", key, "--on", "2024-01-02")
    assert "already acknowledged on 2024-01-02" in refused(capsys, "ack", key, "--on", "2024-01-03")
    run("close", key, "--outcome", "event", "--on", "2024-01-03")
    assert "already closed on 2024-01-03" in refused(capsys, "close", key, "--outcome", "event")


def test_overdue_escalates_once(january: str, capsys: Capture) -> None:
    run("overdue", january, "--on", "2024-01-10")
    assert "1 overdue, 1 escalated now" in capsys.readouterr().out
    run("overdue", january, "--on", "2024-01-10")
    assert "1 overdue, 0 escalated now" in capsys.readouterr().out


# -- send


def mail_to(port: int, *addresses: str) -> dict[str, Any]:
    to = {"finance": list(addresses), "risk": list(addresses)}
    return {"mail": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "riskml@example.com", "to": to}}


def test_send_delivers_by_all_ways_once(
    rules_file: Write, at: Path, mail_server: Callable[..., MailServer], hook: Hook, capsys: Capture, monkeypatch: Any
) -> None:
    server = mail_server()
    monkeypatch.setenv("RISKML_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    ways = {**mail_to(server.port, "ar@example.com"), "webhook": {"url": hook.url}, "table": {"folder": "lists"}}
    file = rules_file(delivery=ways)
    run("update", file, "--book", "january.csv", "--as-of", "2024-01-01")
    for _ in range(2):
        assert run("send", file) == 0
    assert [message["To"] for message in server.box.taken] == ["ar@example.com"]
    assert len(hook.events()) == 3
    assert len(pd.read_csv(at / "lists" / "alerts_finance.csv")) == 3
    assert "mail: 0 events in 0 parcels sent, 0 parcels waiting" in capsys.readouterr().out


def test_rules_that_share_a_store_write_to_their_own_addresses(
    rules_file: Write, mail_server: Callable[..., MailServer]
) -> None:
    server = mail_server()
    for name, address in (("ours", "ours@example.com"), ("theirs", "theirs@example.com")):
        file = rules_file(name, delivery=mail_to(server.port, address))
        run("update", file, "--book", "january.csv", "--as-of", "2024-01-01")
    for name in ("ours", "theirs"):
        assert run("send", f"{name}.yaml") == 0
    assert sorted(message["To"] for message in server.box.taken) == ["ours@example.com", "theirs@example.com"]


def test_a_mail_server_that_is_away_ends_with_1_and_nothing_is_lost(
    rules_file: Write, mail_server: Callable[..., MailServer], capsys: Capture
) -> None:
    file = rules_file(delivery=mail_to(free_port(), "ar@example.com"))
    run("update", file, "--book", "january.csv", "--as-of", "2024-01-01")
    assert run("send", file) == 1
    told = capsys.readouterr()
    assert "1 parcels waiting" in told.out
    assert "the mail server cannot be used: ConnectionRefusedError" in told.err
    server = mail_server()
    assert run("send", rules_file(delivery=mail_to(server.port, "ar@example.com"))) == 0
    assert len(server.box.taken) == 1


def test_a_way_that_the_rules_do_not_have_is_refused(january: str, capsys: Capture) -> None:
    assert "the rules have no delivery 'mail'" in refused(capsys, "send", january, "--only", "mail")


# -- backtest, tune


@pytest.fixture
def panel(at: Path) -> str:
    """Return a panel of six months in which the third of the customers who are late have the event 60 days later."""
    folder, rows = at / "panel", []
    folder.mkdir()
    for month in range(1, 7):
        names = [f"m{month}c{n}" for n in range(30)]
        late = [40.0 if n < 10 else 1.0 for n in range(30)]
        frame = pd.DataFrame({"customer": names, "days_late": late, "probability": 0.1})
        frame.to_parquet(folder / f"as_of=2024-{month:02d}-01.parquet")
        rows += [(name, dt.date(2024, month, 1) + dt.timedelta(days=60)) for name in names[:10]]
    pd.DataFrame(rows, columns=["customer", "date"]).to_csv("events.csv", index=False)
    return str(folder)


def test_backtest_says_how_early_how_many_how_right(rules_file: Write, panel: str, capsys: Capture) -> None:
    words = ["--panel", panel, "--events", "events.csv", "--until", "2025-06-01", "--officers", "finance=2"]
    assert main(["alerts", "backtest", rules_file(), *words]) == 0
    said = capsys.readouterr().out
    assert "precision      100.0% were followed by the event" in said
    assert "recall         100.0% of 60 events came 30 days or more after an alert" in said
    assert "60/60/60 days" in said


def test_tune_writes_rules_and_judges_them_on_later_days(rules_file: Write, panel: str, at: Path) -> None:
    words = ["--panel", panel, "--events", "events.csv", "--until", "2025-06-01", "--at-most", "0.4"]
    words += ["--judge-from", "2024-05-01", "-o", "tuned.yaml", "--lead", "30", "--horizon", "70"]
    assert main(["alerts", "tune", rules_file(), *words]) == 0
    tuned = yaml.safe_load((at / "tuned.yaml").read_text(encoding="utf-8"))
    assert tuned["alerts"]["at_most"] == 0.4
    assert run("update", "tuned.yaml", "--book", "january.csv", "--as-of", "2024-01-01") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["backtest", "--officers", "boss=2"], "got 'boss=2'"),
        (["tune", "--at-most", "2", "--judge-from", "2024-05-01", "-o", "x.yaml"], "between 0 and 1, got 2"),
        (
            ["tune", "--at-most", "0.1", "--judge-from", "2025-05-01", "-o", "x.yaml"],
            "does not lie between the as-of dates",
        ),
    ],
)
def test_what_backtest_and_tune_refuse(
    words: list[str], told: str, rules_file: Write, panel: str, at: Path, capsys: Capture
) -> None:
    command, *rest = words
    assert main(["alerts", command, rules_file(), "--panel", panel, "--events", "events.csv", *rest]) == 2
    assert told in capsys.readouterr().err
    assert not (at / "x.yaml").exists()
