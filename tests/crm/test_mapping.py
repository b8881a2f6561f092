"""Values of a CRM in the form of columns, texts that fit into a field, and addresses that may carry secrets."""

from __future__ import annotations

import pytest

from riskml.crm.connector import Row, waves
from riskml.crm.mapping import canonical, clipped, microseconds
from riskml.crm.settings import is_loopback, secure_url


@pytest.mark.parametrize(
    ("value", "type", "column"),
    [
        ({"id": "3652397000000000001", "name": "上海"}, "text", "3652397000000000001"),
        ("1,234.50", "number", 1234.5),
        ("2026-01-01T00:00:00+08:00", "timestamp", 1767196800000000),
        ("是", "boolean", True),
        ("null", "text", None),
    ],
)
def test_a_value_takes_the_type_of_its_column(value, type, column):
    assert canonical(value, type, "UTC") == column


def test_a_time_without_a_zone_is_of_the_mappings_zone():
    assert microseconds(1767196800000, "UTC") == microseconds("2026-01-01 00:00:00", "Asia/Shanghai")


@pytest.mark.parametrize(("text", "most", "cut"), [("𠮷野家", 4, "𠮷野家"), ("𠮷野家", 3, "𠮷…"), ("abc", 3, "abc")])
def test_a_text_is_cut_by_utf_16_units(text, most, cut):
    assert clipped(text, most) == cut


def test_only_this_machine_is_loopback():
    hosts = ("127.0.0.1", "localhost", "127.0.0.1.example.com")
    assert [is_loopback(host) for host in hosts] == [True, True, False]


def test_a_base_url_has_no_closing_slash():
    assert secure_url("https://open.fxiaoke.com/") == "https://open.fxiaoke.com"


def test_no_customer_is_twice_in_a_wave():
    rows = [Row("a", {}), Row("b", {}), Row("a", {})]
    assert [[number for number, _ in wave] for wave in waves(rows, 100)] == [[0, 1], [2]]
