"""Alerts in one file."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.warning.daily import update
from riskml.warning.store import Store

from .conftest import JANUARY, TODAY, book_of


def test_alerts_come_back_as_they_were_from_a_file_that_was_closed(tmp_path: Path, rules: WarningRules) -> None:
    with Store(tmp_path / "alerts.db") as store:
        update(store, rules, book_of(a=(12, float("nan")), b=(40, 0.5)), JANUARY, TODAY)
        before, events = store.alerts(), store.events()
    with Store(tmp_path / "alerts.db", create=False) as store:
        again = store.alerts()
    assert [repr(alert) for alert in again] == [repr(alert) for alert in before]
    assert [alert.customer for alert in again] == ["b", "a"]
    assert [event.what for event in events] == ["opened", "opened"]


def test_an_error_within_a_transaction_leaves_nothing(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    with suppress(sqlite3.OperationalError), store.transaction():
        store.execute("DELETE FROM events")
        store.execute("DELETE FROM nothing")
    assert len(store.events()) == 1


def test_the_beginning_of_a_key_will_do_where_no_other_begins_so(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(**{f"c{n}": (12, 0.1) for n in range(40)}), JANUARY, TODAY)
    alert = store.alerts()[0]
    assert store.alert(alert.key[:12]) == alert
    with pytest.raises(InputError, match="no alert has the key 'zz'"):
        store.alert("zz")
    with pytest.raises(InputError, match="several alerts have the key"):
        store.alert("")


def test_a_key_is_text_and_no_pattern_of_sql(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    for key in ("%", "' OR 1=1 --", "_"):
        with pytest.raises(InputError, match="no alert has the key"):
            store.alert(key)


def test_a_customer_may_be_called_anything(store: Store, rules: WarningRules) -> None:
    name = "Robert'); DROP TABLE alerts;-- 客户 𠮷 😀"
    update(store, rules, book_of(a=(12, 0.1)).assign(customer=name), JANUARY, TODAY)
    assert store.alerts()[0].customer == name


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("customer,score\n" * 100)
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE mine (x)")
    made.close()
    with pytest.raises(InputError, match="not an alert store"):
        Store(text)
    with pytest.raises(InputError, match="another kind of database"):
        Store(other)
    assert text.read_text().startswith("customer,score")


def test_a_store_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Store(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_two_that_make_the_store_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Store(tmp_path / "alerts.db").close(), range(16)))
    with Store(tmp_path / "alerts.db", create=False) as store:
        assert store.alerts() == []


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("create table customers (name text)")
    theirs.commit()
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="another kind of database"):
        Store(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["theirs.db"]
