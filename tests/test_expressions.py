"""Conditions over columns: what they say, what they refuse, and what is missing."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import ConfigError, DataError
from riskml.expressions import parse

BOOK = pd.DataFrame(
    {
        "days": [0.0, 45.0, np.nan, 90.0],
        "limit": [100.0, 0.0, 50.0, 10.0],
        "balance": [50.0, 10.0, 45.0, 10.0],
        "segment": ["key", "small", None, "small"],
        "late days": [1, 2, 3, 4],
        "vip": [True, False, True, False],
        "欠款天数": [1, 2, 3, 4],
        "grade": pd.Categorical(["A", "B", None, "B"]),
        "maybe": pd.array([True, None, False, None], dtype="boolean"),
    },
    index=["a", "b", "c", "d"],
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("days >= 45", "bd"),
        ("days >= 45 and segment == 'small'", "bd"),
        ("not days >= 45", "a"),  # of c nothing is known, and `not` does not make it known
        ("days < 45 or vip", "ac"),  # true, whatever the days of c are
        ("isnull(days)", "c"),
        ("not isnull(segment)", "abd"),
        ("balance / limit > 0.4", "acd"),  # a limit of 0 is no utilisation
        ("not balance / limit > 0.4", ""),
        ("0 < days < 90", "b"),
        ("segment in ['key', 'other']", "a"),
        ("segment not in ['key']", "bd"),
        ("grade == 'B'", "bd"),
        ("grade != 'B'", "a"),
        ("`late days` * 2 - 1 > 4", "cd"),
        ("欠款天数 > 3", "d"),
        ("vip == true", "ac"),
        ("vip", "ac"),
        ("not vip", "bd"),
        ("maybe or vip", "ac"),
        ("not maybe", "c"),
        ("min(balance, limit) >= 45", "ac"),
        ("abs(balance - limit) == max(balance, 5)", "ab"),
        ("days >\n 45", "d"),
        ("-days < -45", "d"),
        ("limit in [0, 10]", "bd"),
        ("true", "abcd"),
    ],
)
def test_a_condition_holds_where_it_is_known_to_be_true(text, rows):
    assert "".join(BOOK.index[parse(text).holds(BOOK)]) == rows


def test_amounts_keep_the_index_and_what_is_missing():
    found = parse("days * 2").amounts(BOOK)
    pd.testing.assert_series_equal(found, pd.Series([0.0, 90.0, np.nan, 180.0], index=BOOK.index))


def test_an_expression_names_its_columns_once():
    assert parse("days > 3 and `late days` < days").columns == ("days", "late days")


def test_backticks_within_text_are_text():
    assert parse("segment == 'a`b`c'").columns == ("segment",)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "days.values",
        "days[0]",
        "(lambda: 1)()",
        "[x for x in days]",
        "f'{days}'",
        "days if vip else 1",
        "open('x')",
        "days ** 99",
        "days := 3",
        "b'x' == days",
        "days is None",
        "days == None",
        "days in limit",
        "days in []",
        "days in [limit]",
        "isnull()",
        "min(days)",
        "abs(days, key=1)",
        "1e999 > days",
        f"days > {'9' * 400}",
        f"days in [{'9' * 400}]",
        "days > 1j",
        "days >",
        "days; limit",
        "1) or (1",
        "*days",
        "days > 3 # and\n vip",
        "__column_0__ > 3",
        "'unclosed",
        "",
        "   ",
        "days" + " + 1" * 1000,
        "(" * 300 + "days" + ")" * 300,
        "-" * 200 + "days",
        "not " * 200 + "vip",
        "a\x00b",
    ],
)
def test_whatever_else_is_refused(text):
    with pytest.raises(ConfigError):
        parse(text)


def test_an_unknown_column_is_named_with_those_that_look_like_it():
    with pytest.raises(ConfigError, match=r"(?s)'dais'.*where: p\.yaml, rules\.0.*did you mean 'days'"):
        parse("dais > 3", where="p.yaml, rules.0").holds(BOOK)


@pytest.mark.parametrize("text", ["days", "segment", "days + 1"])
def test_what_is_no_condition_cannot_hold(text):
    with pytest.raises(ConfigError, match="not a condition"):
        parse(text).holds(BOOK)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("segment > 3", "cannot be compared"),
        ("segment > 'a'", "text has no order"),
        ("segment + 1 > 2", "a number is needed"),
        ("days and vip", "a condition is needed"),
        ("days in ['a']", "the list holds text"),
        ("segment in [1]", "the list holds numbers"),
        ("day > 3", "dates"),
    ],
)
def test_a_column_of_the_wrong_kind_is_an_error(text, told):
    with pytest.raises(DataError, match=told):
        parse(text).holds(BOOK.assign(day=pd.Timestamp("2024-01-01")))


def test_a_book_of_no_customers_has_no_answer():
    assert parse("days > 3 or segment == 'x'").holds(BOOK.iloc[:0]).tolist() == []


@given(st.text(max_size=40))
def test_no_text_does_anything_but_be_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        parse(text)


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=20), st.integers(-5, 5))
def test_a_condition_its_negation_and_the_unknown_share_out_all_rows(values, bound):
    frame = pd.DataFrame({"x": pd.array(values, dtype="Int64")})
    yes, no = parse(f"x > {bound}").holds(frame), parse(f"not x > {bound}").holds(frame)
    assert ((yes.astype(int) + no + parse("isnull(x)").holds(frame)) == 1).all()
