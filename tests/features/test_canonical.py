"""The one form that every table is brought into."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskml.data.sources.tables import Stored


@pytest.fixture
def read(panel_of, duck, tmp_path):
    """Return a table of purchases in canonical form, from columns as pyarrow holds them."""

    def frame(kinds, columns, **said):
        panel = panel_of(
            {"orders": ("purchases", "customer day amount", [(1, "2021-06-21", 4.0)], said.pop("table", {}))}, **said
        )
        pq.write_table(pa.table(columns), tmp_path / "told.parquet")
        kinds = {"customer": "integer", "day": "timestamp", "amount": "number", **kinds}
        stored = Stored((tmp_path / "told.parquet",), kinds, 1)
        return duck.frame(duck.read(panel.tables["orders"], panel, stored, integer_ids=True))

    return frame


def test_an_amount_that_is_no_number_is_missing(read):
    amounts = pa.array([float("nan"), 4.0])
    days = pa.array([0, 1], pa.timestamp("us"))
    assert read({}, {"customer": [1, 1], "day": days, "amount": amounts})["amount"].isna().tolist() == [True, False]


def test_a_day_is_the_number_of_days_since_1970(read):
    days = pa.array([0, 86_400_000_000 - 1, 86_400_000_000], pa.timestamp("us"))
    assert read({}, {"customer": [1, 1, 1], "day": days, "amount": [1, 2, 3]})["day"].tolist() == [0, 0, 1]


def test_a_stamp_with_a_zone_becomes_the_day_that_it_is_in_the_panels_zone(read):
    days = pa.array([82_800_000_000], pa.timestamp("us", tz="UTC"))  # 23:00
    table = {"customer": [1], "day": days, "amount": [1]}
    assert read({"day": "timestamp with zone"}, table)["day"].tolist() == [0]
    assert read({"day": "timestamp with zone"}, table, timezone="Europe/Berlin")["day"].tolist() == [1]


def test_of_records_that_one_day_and_key_have_the_same_one_counts_in_whatever_order_they_stand(read):
    days = pa.array([0, 0, 0], pa.timestamp("us"))

    def amount(*amounts):
        table = {"customer": [1, 1, 1], "day": days, "amount": pa.array(amounts), "number": ["x", "x", "x"]}
        return read({"number": "text"}, table, table={"key": "number"})["amount"].tolist()

    assert amount(3.0, 1.0, 2.0) == amount(2.0, 3.0, 1.0) == [1.0]


def test_repeated_keys_are_counted_and_records_without_a_key_are_none(read):
    days = pa.array([2, 1, 0, 0, 0], pa.timestamp("us"))
    table = {"customer": [1] * 5, "day": days, "amount": [1.0] * 5, "number": ["x", "x", "x", None, None]}
    found = read({"number": "text"}, table, table={"key": "number"})
    assert (len(found), found["repeats"].sum()) == (3, 2)
