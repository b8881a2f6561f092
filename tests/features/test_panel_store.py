"""A panel on disk: what it holds, what it says of dirty tables, and that it goes on where it was stopped."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.config.panel import PanelConfig
from riskml.errors import ConfigError, DataError
from riskml.features import coverage
from riskml.features import panel_store as building
from riskml.features.engines import duckdb
from riskml.features.panel_store import build, features_at

AS_OF = ["2021-04-01", "2021-07-01", "2021-10-01"]
OUTCOME = {"rule": "no_purchase", "table": "orders", "days": 30}
UNTIL = "2022-01-01"


def bought(*more):
    """Return purchases of customers 1 to 4 every 40 days over 2021, and some more."""
    days = pd.date_range("2021-01-05", "2021-12-20", freq="40D")
    return [(who, str(day + pd.Timedelta(days=who)), 10.0 * who) for who in range(1, 5) for day in days] + list(more)


@pytest.fixture
def panel(panel_of):
    """Return a panel of purchases, with whatever else is given."""

    def made(orders=None, columns="customer day amount", key=None, tables=None, **said):
        listed = {"orders": ("purchases", columns, orders or bought(), {"key": key} if key else {})}
        return panel_of(
            {**listed, **(tables or {})}, outcome=OUTCOME, **{"as_of": AS_OF, "until": UNTIL, "windows": [90], **said}
        )

    return made


def findings(built, table="orders"):
    """Return what is remarked of a table: finding to records."""
    said = built.remarks[built.remarks["table"] == table]
    return dict(zip(said["finding"], said["records"], strict=True))


def by_row(built):
    return built.frame().sort_values(["as_of", "customer"], ignore_index=True)


# -- what it holds


def test_a_panel_has_a_row_for_each_customer_and_date_with_the_columns_that_it_lists(panel, tmp_path):
    built = build(panel(), tmp_path / "panel")
    frame = by_row(built)
    assert list(frame.columns) == ["customer", "as_of", *built.columns["column"], "outcome"]
    assert len(frame) == built.dates["kept"].sum() == 12
    assert not frame.duplicated(["customer", "as_of"]).any()
    assert set(frame["outcome"]) <= {0, 1}
    assert built.dates["events"].sum() == frame["outcome"].sum()


@pytest.mark.parametrize("name", [int, "customer {}".format], ids=["numbers", "text"])
def test_a_large_book_is_worked_out_in_parts_and_gives_the_same(panel, tmp_path, monkeypatch, name):
    orders = [(name(who), day, amount) for who, day, amount in bought()]
    whole = build(panel(orders), tmp_path / "whole")
    monkeypatch.setattr(duckdb, "_AT_ONCE", 2)
    parted = build(panel(orders), tmp_path / "parted")
    assert [len(list(file.glob("part-*.parquet"))) for file in parted.files] == [2, 2, 2]
    assert not [file for file in parted.folder.rglob("*.part*") if file.suffix != ".parquet"]
    pd.testing.assert_frame_equal(by_row(parted), by_row(whole), rtol=1e-12)


def test_parts_of_a_build_that_was_killed_are_made_again(panel, tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb, "_AT_ONCE", 2)
    first = by_row(build(panel(), tmp_path / "panel"))
    (tmp_path / "panel" / f"as_of={AS_OF[1]}.json").unlink()
    pd.testing.assert_frame_equal(by_row(build(panel(), tmp_path / "panel")), first)


def test_every_column_is_described(panel, tmp_path):
    columns = build(panel(), tmp_path / "panel").columns
    assert (columns["description"] != "").all()
    assert not columns["description"].str.contains("{", regex=False).any()


def test_the_same_panel_is_the_same_again(panel, tmp_path):
    first, second = (build(panel(), tmp_path / name) for name in ("one", "two"))
    pd.testing.assert_frame_equal(by_row(first), by_row(second))
    pd.testing.assert_frame_equal(first.remarks, second.remarks)


def test_the_order_of_the_records_does_not_matter(panel, tmp_path):
    first = by_row(build(panel(), tmp_path / "one"))
    shuffled = [bought()[i] for i in np.random.default_rng(0).permutation(len(bought()))]
    pd.testing.assert_frame_equal(first, by_row(build(panel(shuffled), tmp_path / "two")))


# -- going on


class StoppedError(Exception):
    pass


def stop_at(date):
    def tell(done, all_of_them, what):
        if what == date:
            raise StoppedError

    return tell


def test_a_build_that_was_stopped_goes_on_and_gives_the_same(panel, tmp_path, monkeypatch):
    whole = by_row(build(panel(), tmp_path / "whole"))
    asked = panel()
    with pytest.raises(StoppedError):
        build(asked, tmp_path / "panel", progress=stop_at(AS_OF[2]))
    computed = []
    features = building.features
    monkeypatch.setattr(
        building, "features", lambda book, as_of, rows=None: computed.append(as_of) or features(book, as_of, rows)
    )
    pd.testing.assert_frame_equal(by_row(build(asked, tmp_path / "panel")), whole)
    assert len(computed) == 1, "what was done is not done again"


def test_a_date_that_was_written_and_not_noted_is_made_again(panel, tmp_path):
    asked = panel()
    whole = by_row(build(asked, tmp_path / "panel"))
    (tmp_path / "panel" / f"as_of={AS_OF[1]}.json").unlink()
    (tmp_path / "panel" / f"as_of={AS_OF[1]}.parquet").write_bytes(b"half of it")
    pd.testing.assert_frame_equal(by_row(build(asked, tmp_path / "panel")), whole)


@pytest.mark.parametrize("changed", [{"windows": [30]}, {"as_of": AS_OF[:2]}, {"timezone": "Europe/Berlin"}])
def test_another_panel_begins_anew(panel, tmp_path, changed):
    build(panel(), tmp_path / "panel")
    built = build(panel(**changed), tmp_path / "panel")
    pd.testing.assert_frame_equal(by_row(built), by_row(build(panel(**changed), tmp_path / "fresh")))


def test_changed_tables_begin_anew_and_folders_as_spark_writes_go(panel, tmp_path):
    build(panel(), tmp_path / "panel")
    (tmp_path / "panel" / "as_of=2020-01-01.parquet").mkdir()
    (tmp_path / "panel" / "as_of=2020-01-01.parquet" / "part-0.parquet").touch()
    more = bought((9, "2021-03-05", 1.0))
    built = build(panel(more), tmp_path / "panel")
    assert 9 in set(built.frame()["customer"])


def test_another_version_begins_anew(panel, tmp_path, monkeypatch):
    build(panel(), tmp_path / "panel")
    file = tmp_path / "panel" / f"as_of={AS_OF[0]}.parquet"
    file.write_bytes(b"of another version")
    monkeypatch.setattr(building, "__version__", "0.0.0")
    assert len(build(panel(), tmp_path / "panel").frame()) == 12


def test_other_features_of_ones_own_begin_anew(panel, tmp_path):
    file = tmp_path / "own.py"
    text = (
        "from riskml.features.window import feature\n\n"
        "@feature('orders', unit='money', description='an order')\n"
        "def top(orders):\n    return orders['amount'].{}()\n"
    )
    file.write_text(text.format("max"))
    build(panel(own=str(file)), tmp_path / "panel")
    file.write_text(text.format("min"))
    frame = build(panel(bought((1, "2021-06-20", 3.0)), own=str(file)), tmp_path / "panel").frame()
    assert frame["orders_top_90d"].min() == 3


# -- performance windows that run past the data


def test_a_date_whose_performance_window_runs_past_the_data_is_left_out_and_never_good(panel, tmp_path):
    built = build(panel(until="2021-10-30"), tmp_path / "panel")
    assert built.dates["censored"].tolist() == [False, False, True]
    assert built.dates["kept"].tolist() == [4, 4, 0]
    assert len(built.frame()) == 8
    assert not build(panel(until="2021-10-31"), tmp_path / "other").dates["censored"].any()


def test_without_until_the_last_day_of_the_outcomes_table_is_the_last_that_is_known(panel, tmp_path):
    orders = [one for one in bought() if one[1] < "2021-10-25"]
    last = max(one[1] for one in orders)
    assert last[:10] == "2021-10-16"
    assert build(panel(orders, until=None, as_of=["2021-09-16", "2021-09-17"]), tmp_path / "a").dates[
        "kept"
    ].tolist() == [4, 4]
    assert build(panel(orders, until=None, as_of=["2021-09-17", "2021-09-18"]), tmp_path / "b").dates[
        "censored"
    ].tolist() == [False, True]


def test_a_gap_moves_the_performance_window_past_the_data(panel_of, tmp_path):
    said = {"as_of": ["2021-04-01", "2021-10-01"], "until": "2021-10-31", "outcome": {**OUTCOME, "gap": 1}}
    built = build(panel_of({"orders": ("purchases", "customer day amount", bought())}, **said), tmp_path / "panel")
    assert built.dates["censored"].tolist() == [False, True]


def test_where_no_outcome_is_known_at_any_date_there_is_nothing_to_learn(panel, tmp_path):
    with pytest.raises(DataError, match="at every as-of date") as error:
        build(panel(until="2021-04-10"), tmp_path / "panel")
    assert "2021-04-10" in error.value.fix


def test_where_nobody_is_left_it_is_said_why(panel, tmp_path):
    with pytest.raises(DataError, match="no customer is eligible.*12 too new"):
        build(panel(population={"min_history_days": 3000}), tmp_path / "panel")


def test_before_anyone_is_known_it_is_said_that_nobody_is(panel, tmp_path):
    with pytest.raises(DataError, match="none is known") as error:
        build(panel(as_of=["2019-01-01"]), tmp_path / "panel")
    assert "the records begin on 2021-01-06" in error.value.fix


def test_what_was_refused_is_refused_again(panel, tmp_path):
    asked = panel(until="2021-04-10")
    for _ in range(2):
        with pytest.raises(DataError, match="at every as-of date"):
            build(asked, tmp_path / "panel")


def test_a_kind_of_status_that_no_record_has_is_told_with_those_there_are(panel_of, tmp_path):
    marks = ("statuses", "customer day kind", [(1, "2021-04-05", "left"), (2, "2021-04-05", "lost")])
    outcome = {"rule": "status", "table": "marks", "values": ["Left"], "days": 30}
    tables = {"orders": ("purchases", "customer day amount", bought()), "marks": marks}
    with pytest.raises(ConfigError, match="no record of marks is of the kind 'Left'") as error:
        build(panel_of(tables, as_of=AS_OF[:1], until=UNTIL, outcome=outcome), tmp_path / "panel")
    assert (error.value.where, error.value.fix) == ("panel.outcome.values", "the kinds are 'left', 'lost'")


# -- dirty tables


def test_records_without_a_customer_are_left_out_and_counted(panel, tmp_path):
    built = build(panel(bought((None, "2021-05-05", 1.0), (None, "2021-06-05", 1.0))), tmp_path / "panel")
    assert findings(built)["without customer: omitted"] == 2
    assert len(built.frame()) == 12


def test_records_without_a_time_are_left_out_and_counted(panel, tmp_path):
    built = build(panel(bought((1, None, 1.0))), tmp_path / "panel")
    assert findings(built)["without a time: omitted"] == 1


def test_records_of_customers_without_attributes_are_left_out_and_counted(panel, tmp_path):
    book = ("attributes", "customer day home", [(who, "2020-01-01", "own") for who in (1, 2, 3)], {"columns": ["home"]})
    built = build(panel(bought((77, "2021-05-05", 1.0)), tables={"book": book}), tmp_path / "panel")
    assert findings(built)["of customers without attributes: omitted"] == 9 + 1
    assert set(built.frame()["customer"]) == {1, 2, 3}


def test_payments_without_an_invoice_are_left_out_and_counted(panel, tmp_path):
    tables = {
        "bills": ("invoices", "customer day due amount invoice", [(1, "2021-02-01", "2021-03-01", 5.0, "a")]),
        "paid": (
            "payments",
            "customer invoice day amount",
            [(1, None, "2021-02-05", 5.0), (None, "a", "2021-02-05", 5.0)],
        ),
    }
    built = build(panel(tables=tables), tmp_path / "panel")
    assert findings(built, "paid")["without invoice: omitted"] == 1
    assert built.frame()["bills_owed_now"].sum() == 0


def test_customers_without_records_of_a_table_keep_their_rows(panel, tmp_path):
    book = (
        "attributes",
        "customer day home",
        [(who, "2020-01-01", "own") for who in range(1, 7)],
        {"columns": ["home"]},
    )
    frame = build(panel(tables={"book": book}), tmp_path / "panel").frame()
    idle = frame[frame["customer"] > 4]
    assert len(idle) == 6
    assert (idle["orders_count_90d"] == 0).all()
    assert (idle["outcome"] == 1).all()


def test_repeated_keys_are_counted(panel, tmp_path):
    orders = [(*one, f"n{i}") for i, one in enumerate(bought())]
    once = build(panel(orders, "customer day amount number", key="number"), tmp_path / "once")
    twice = build(panel(orders * 2, "customer day amount number", key="number"), tmp_path / "twice")
    assert findings(twice)["with the key of another record: only the first that was known counts"] == len(orders)
    assert not [finding for finding in findings(once) if "key" in finding]
    pd.testing.assert_frame_equal(by_row(once), by_row(twice))


def test_records_that_are_there_twice_are_counted_where_no_key_tells(panel, tmp_path, monkeypatch):
    orders = [(*one, f"n{i}") for i, one in enumerate(bought())]
    built = build(panel([*orders, *orders[:3], orders[0]], "customer day amount number"), tmp_path / "panel")
    told = "equal to another in every column, and counted: set the table's key if they are duplicates"
    assert findings(built)[told] == 4
    assert told not in findings(build(panel(orders, "customer day amount number"), tmp_path / "once"))
    monkeypatch.setattr(coverage, "MOST_ROWS", 10)
    assert [one for one in findings(build(panel(), tmp_path / "large")) if "not checked for duplicates" in one]


def test_late_records_are_counted(panel, tmp_path):
    orders = [(who, day, str(pd.Timestamp(day) + pd.Timedelta(days=3)), amount) for who, day, amount in bought()]
    built = build(panel(orders, "customer day recorded amount"), tmp_path / "panel")
    assert findings(built)["recorded later than they happened: known only from then on"] == len(orders)


def test_returns_and_credit_notes_are_counted(panel, tmp_path):
    bills = ("invoices", "customer day due amount", [(1, "2021-02-01", "2021-03-01", -5.0)])
    built = build(
        panel(bought((1, "2021-05-05", -1.0), (1, "2021-05-06", None)), tables={"bills": bills}), tmp_path / "p"
    )
    assert findings(built)["negative: returns, which lower spending and are not purchases"] == 1
    assert [one for one in findings(built, "bills") if "credit notes" in one]


def test_stamps_in_the_future_are_refused_until_it_is_said_when_the_tables_were_drawn(panel, tmp_path):
    orders = bought((1, "2099-01-01", 1.0))
    with pytest.raises(DataError, match="2099-01-01.*date in the future") as error:
        build(panel(orders, until=None), tmp_path / "panel")
    assert "panel.until" in error.value.fix
    built = build(panel(orders), tmp_path / "panel")
    assert findings(built)[f"on or after {UNTIL}, the day of the extract: omitted"] == 1


def test_one_stamp_in_the_future_among_many_records_is_refused_too(panel, tmp_path):
    orders = bought() * 100 + [(1, "2022-03-01", 1.0)]
    with pytest.raises(DataError, match="2022-03-01"):
        build(panel(orders, until=None), tmp_path / "panel")


# -- windows and history


def test_a_window_longer_than_the_history_is_remarked_in_one_line(panel, tmp_path):
    built = build(panel(windows=[30, 365], as_of={"first": "2021-02-01", "last": "2021-07-01"}), tmp_path / "panel")
    assert findings(built) == {
        "begins on 2021-01-06: shorter than the window of 365 days at 6 as-of dates, 2021-02-01 to 2021-07-01": 0
    }


def test_one_date_is_named_by_itself(panel, tmp_path):
    said = findings(build(panel(), tmp_path / "panel"))
    assert said == {"begins on 2021-01-06: shorter than the window of 90 days at 2021-04-01": 0}


def test_a_history_that_is_long_enough_is_not_remarked(panel, tmp_path):
    assert build(panel(windows=[30]), tmp_path / "panel").remarks.empty


def test_a_table_that_is_empty_for_a_date_is_remarked_and_its_features_are_missing(panel, tmp_path):
    calls = ("contacts", "customer day answered", [(1, "2021-04-02", True), (1, "2021-09-20", True)])
    built = build(panel(tables={"calls": calls}), tmp_path / "panel")
    assert findings(built, "calls") == {"no record in the 90 days before 2021-04-01": 0}
    rows = built.frame()
    rows = rows[pd.to_datetime(rows["as_of"]) == pd.Timestamp(AS_OF[0])]
    assert (rows["calls_count_90d"] == 0).all()
    assert rows[["calls_answered_90d", "calls_recency"]].isna().all(axis=None)


def test_a_table_without_any_time_is_refused(panel, tmp_path):
    with pytest.raises(DataError, match="no record with a time") as error:
        build(panel(tables={"calls": ("contacts", "customer day", [(1, None)])}), tmp_path / "panel")
    assert error.value.where == "panel.tables.calls"


# -- names


@pytest.mark.parametrize("name", ["outcome", "as_of", "first", "known"])
def test_an_attribute_cannot_take_the_name_of_a_column_of_the_panel(panel, tmp_path, name):
    book = ("attributes", f"customer day {name}", [(1, "2020-01-01", "own")], {"columns": [name]})
    with pytest.raises(ConfigError, match=f"cannot be called '{name}'"):
        build(panel(tables={"book": book}), tmp_path / "panel")


def test_two_features_cannot_have_one_name(panel, tmp_path):
    book = ("attributes", "customer day orders_recency", [(1, "2020-01-01", 3)], {"columns": ["orders_recency"]})
    with pytest.raises(ConfigError, match="two features are called 'orders_recency'"):
        build(panel(tables={"book": book}), tmp_path / "panel")


@pytest.mark.parametrize(
    ("invoices", "payments"), [(["0001", "0002"], [1, 2]), (["A1", "A2"], ["a1", "a2"])], ids=["zeros", "case"]
)
def test_keys_of_two_tables_that_differ_in_spelling_alone_are_refused(invoices, payments, tmp_path):
    day = pd.Timestamp("2024-01-05")
    bills = pd.DataFrame({"customer": ["a", "b"], "time": day, "due": day, "amount": 10.0, "invoice": invoices})
    paid = pd.DataFrame({"customer": ["a", "b"], "time": day, "amount": 10.0, "invoice": payments})
    orders = pd.DataFrame({"customer": ["a", "b"], "time": day, "amount": 1.0})
    for name, frame in (("bills", bills), ("paid", paid), ("orders", orders)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    tables = {
        "orders": {"role": "purchases", "amount": "amount"},
        "bills": {"role": "invoices", "due": "due", "amount": "amount", "invoice": "invoice"},
        "paid": {"role": "payments", "amount": "amount", "invoice": "invoice"},
    }
    panel = PanelConfig.model_validate(
        {
            "tables": {
                name: {"source": str(tmp_path / f"{name}.parquet"), "time": "time", **table}
                for name, table in tables.items()
            },
            "as_of": ["2024-03-31"],
            "windows": [30],
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 30},
        }
    )
    with pytest.raises(DataError, match="no invoice of paid is in bills"):
        features_at(panel, dt.date(2024, 1, 10), tmp_path / "panel")


def test_blanks_around_a_key_are_no_part_of_it(tmp_path):
    day = pd.Timestamp("2024-01-05")
    pd.DataFrame({"customer": ["C7 ", "C8"], "time": day, "amount": 1.0}).to_parquet(tmp_path / "orders.parquet")
    pd.DataFrame({"customer": ["C7", " C8"], "time": day, "size": [1, 2]}).to_parquet(tmp_path / "people.parquet")
    panel = PanelConfig.model_validate(
        {
            "tables": {
                "orders": {
                    "role": "purchases",
                    "source": str(tmp_path / "orders.parquet"),
                    "time": "time",
                    "amount": "amount",
                },
                "people": {
                    "role": "attributes",
                    "source": str(tmp_path / "people.parquet"),
                    "time": "time",
                    "columns": ["size"],
                },
            },
            "as_of": ["2024-03-31"],
            "windows": [30],
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 30},
        }
    )
    assert list(features_at(panel, dt.date(2024, 1, 10), tmp_path / "panel")["customer"]) == ["C7", "C8"]
