"""Nothing is lost, nothing is packed twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from riskml.config.warning import WarningRules
from riskml.errors import RunError
from riskml.warning.alerts import acknowledge, close
from riskml.warning.daily import change, update
from riskml.warning.delivery import DeliveryError, Notice, Parcel
from riskml.warning.outbox import send
from riskml.warning.store import Store

from .conftest import FEBRUARY, JANUARY, TODAY, book_of, rules_of


@dataclass
class Tray:
    """A channel of one parcel per event, as another module would write it: it keeps what it is handed."""

    name: str = "tray"
    taken: list[Parcel] = field(default_factory=list)
    fails_at: int = 0
    all_of_them: bool = False

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        return [Parcel.of(self.name, "tray", [notice]) for notice in notices]

    def deliver(self, parcel: Parcel, at: float) -> None:
        if self.fails_at and len(self.taken) + 1 >= self.fails_at:
            raise DeliveryError("the tray is full", all_of_them=self.all_of_them)
        self.taken.append(parcel)

    @property
    def events(self) -> list[str]:
        return [notice.event for parcel in self.taken for notice in parcel.notices]


@pytest.fixture
def filled(store: Store, rules: WarningRules) -> Store:
    update(store, rules, book_of(a=(12, 0.1), b=(40, 0.3), c=(15, 0.2)), JANUARY, TODAY)
    return store


def test_every_event_is_handed_over_once_however_often_one_sends(filled: Store, rules: WarningRules) -> None:
    tray = Tray()
    first, second = send(filled, "small", tray, lambda: 0.0), send(filled, "small", tray, lambda: 0.0)
    assert (first.events, second.events) == (3, 0)
    update(filled, rules, book_of(a=(40, 0.1), b=(40, 0.3)), FEBRUARY, TODAY)
    send(filled, "small", tray, lambda: 0.0)
    assert sorted(tray.events) == sorted(event.key for event in filled.events())


def test_a_notice_tells_the_alert_in_plain_text_and_numbers(filled: Store) -> None:
    tray = Tray()
    send(filled, "small", tray, lambda: 0.0)
    (notice,) = tray.taken[0].notices
    assert (notice.what, notice.on, notice.alert["customer"]) == ("opened", "2024-01-01", "b")
    assert (notice.alert["due"], notice.alert["closed"]) == ("2024-01-06", None)


def test_what_could_not_be_handed_over_waits_with_its_reason_and_the_same_key(filled: Store) -> None:
    tray = Tray(fails_at=2)
    sent = send(filled, "small", tray, lambda: 0.0)
    assert (sent.parcels, sent.waiting) == (1, 2)
    assert sent.troubles == ("the tray is full", "the tray is full")
    keys = [row[0] for row in filled.execute("SELECT key FROM parcels WHERE state = 'waiting'")]
    tray.fails_at = 0
    assert send(filled, "small", tray, lambda: 0.0).waiting == 0
    assert [parcel.key for parcel in tray.taken[1:]] == keys
    assert len(tray.events) == len(set(tray.events)) == 3


def test_where_all_would_fail_alike_one_try_is_enough(filled: Store) -> None:
    sent = send(filled, "small", Tray(fails_at=1, all_of_them=True), lambda: 0.0)
    assert (len(sent.troubles), sent.waiting) == (1, 3)


def test_channels_keep_books_of_their_own(filled: Store) -> None:
    one, other = Tray("one"), Tray("other", fails_at=1)
    send(filled, "small", one, lambda: 0.0)
    send(filled, "small", other, lambda: 0.0)
    other.fails_at = 0
    send(filled, "small", other, lambda: 0.0)
    assert one.events == other.events


def test_rules_that_share_a_store_do_not_tell_each_others_alerts(filled: Store) -> None:
    other = rules_of(name="other")
    update(filled, other, book_of(x=(50, 0.1)), JANUARY, TODAY)
    ours, theirs = Tray(fails_at=1), Tray()
    send(filled, "small", ours, lambda: 0.0)  # what waits is not handed over by others' servers either
    assert send(filled, "other", theirs, lambda: 0.0).waiting == 0
    assert [notice.alert["rule"] for parcel in theirs.taken for notice in parcel.notices] == ["other"]
    ours.fails_at = 0
    send(filled, "small", ours, lambda: 0.0)
    assert {notice.alert["rule"] for parcel in ours.taken for notice in parcel.notices} == {"small"}
    assert len(ours.events) == 3


def test_a_channel_that_is_new_does_not_tell_of_what_was_closed_before_it_came(filled: Store) -> None:
    closed, taken, _ = filled.alerts()
    change(filled, closed.key, lambda alert: close(alert, JANUARY, "ann", "averted"))
    change(filled, taken.key, lambda alert: acknowledge(alert, JANUARY, "ann"))
    tray = Tray()
    send(filled, "small", tray, lambda: 0.0)
    assert not [event for event in tray.events if event.startswith(closed.key)]
    assert len(tray.events) == 3


def test_a_channel_that_was_there_tells_of_an_alert_that_came_and_went(filled: Store, rules: WarningRules) -> None:
    tray = Tray()
    send(filled, "small", tray, lambda: 0.0)
    change(filled, filled.alerts()[0].key, lambda alert: close(alert, JANUARY, "ann", "averted"))
    send(filled, "small", tray, lambda: 0.0)
    assert tray.events[-1].endswith("-closed")


def test_a_process_that_died_after_the_handing_over_hands_over_the_same_parcel_again(filled: Store) -> None:
    class Dies(Tray):
        def deliver(self, parcel: Parcel, at: float) -> None:
            super().deliver(parcel, at)
            raise KeyboardInterrupt

    dead = Dies()
    with pytest.raises(KeyboardInterrupt):
        send(filled, "small", dead, lambda: 0.0)
    tray = Tray()
    send(filled, "small", tray, lambda: 0.0)
    assert tray.taken[0].key == dead.taken[0].key
    assert len(set(tray.events)) == 3


def test_two_processes_do_not_send_at_once(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskml.warning.outbox._TIMEOUT_SECONDS", 0.1)
    other = sqlite3.connect(f"{filled.path}-sending", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RunError, match="another process is sending"):
        send(filled, "small", Tray(), lambda: 0.0)
    other.execute("ROLLBACK")
    other.close()
    assert send(filled, "small", Tray(), lambda: 0.0).events == 3


def test_the_key_of_a_parcel_follows_from_what_is_in_it(filled: Store) -> None:
    tray = Tray()
    send(filled, "small", tray, lambda: 0.0)
    parcel = tray.taken[0]
    assert Parcel.of(parcel.channel, parcel.recipient, parcel.notices).key == parcel.key
    assert Parcel.from_payload(parcel.key, "tray", "tray", parcel.payload()) == parcel
