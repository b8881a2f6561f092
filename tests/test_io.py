"""Input and output: one door for YAML, with limits before anything large is built."""

from __future__ import annotations

import datetime as dt

import pytest

from riskml.io import parse_yaml

LAUGHS = "\n".join(
    ["l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    + [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10)]
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2024-13-45\n", "month must be in 1..12, line 2"),
        (f"a: {'9' * 5000}", "line 1"),
        ("a: " + "[" * 5000, "levels of nesting, line 1"),
        (LAUGHS, "aliases stand for more than"),
        ("a: &a [*a]", "aliases stand for more than"),
        ("a: 1\na: 2\n", "duplicate key 'a' (first defined on line 1), line 2"),
        ("a: [1", "line"),
        ("a: !!python/object:os.system x", "line 1"),
        ("\x00", "unacceptable character"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_the_line(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse_yaml(text)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_what_can_be_is_read() -> None:
    content = parse_yaml("base: &base {a: 1}\nmine:\n  <<: *base\n  day: 2024-01-31\n")
    assert content["mine"] == {"a": 1, "day": dt.date(2024, 1, 31)}
