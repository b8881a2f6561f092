"""Values of cells: numbers, dates and levels in training tables, tables to score and single records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from riskml.runtime.package import Artifact
from tests.hostile.bases import customers, experiment, model
from tests.hostile.case import EITHER, Case

_NUMBERS = (
    "inf", "-inf", "nan", "1e400", "-1e400", "9" * 400, "1e-400", "0x41", "1_000", "１２", "٣", "1,5", "1.000,00", "$1", "9%", "--1",
    "1e", "", " ", "NULL", "#N/A", "#DIV/0!", "true", "=1+1", "1;2", "\u00a05", "½", "1" + "0" * 308, "-0", "1e5000",
)  # fmt: skip
_LEVELS = (
    "", " ", "nan", "None", "NA", "null", "0", "True", "=cmd|' /C calc'!A0", "<script>", "'; DROP TABLE x; --", "a\tb", "\u202e", "ﬀ",
    "e\u0301", "x" * 40_000, "\ufeff", "\u2028", "😀" * 50, "@SUM(1)", "`touch pwned`", "$(touch pwned)", "{{7*7}}", "%s%n", "\x7f",
)  # fmt: skip
_DATES = (
    "2024-13-45",
    "0000-00-00",
    "9999-12-31",
    "1677-01-01",
    "2262-04-12",
    "32.13.2024",
    "1e18",
    "2023年02月30日",
    "noon",
    "-1",
)
_RECORDS = (
    {}, {"age": 1}, {"age": [1], "income": 1, "home": "own"}, {"age": {}, "income": 1, "home": "own"},
    {"age": 10**400, "income": 1, "home": "own"}, {"age": float("inf"), "income": 1, "home": "own"},
    {"age": "1e400", "income": 1, "home": "own"}, {"age": b"1", "income": 1, "home": "own"}, {"age": 1j, "income": 1, "home": "own"},
    {"age": object(), "income": 1, "home": "own"}, {"age": 1, "income": 1, "home": ("own",)}, {1: 2, "age": 1},
    {"age": "x" * 100_000, "income": 1, "home": "own"}, {"age": 1, "income": 1, "home": float("inf")},
    {"age": 1, "income": 1, "home": object()}, {"age": 1, "income": "9" * 5000, "home": "own"},
)  # fmt: skip


def _with(column: str, value: str) -> str:
    frame = customers().astype({column: object})
    frame.loc[frame.index[3], column] = value
    return frame.to_csv(index=False)


def _record(record: object) -> Callable[[Path], object]:
    return lambda _: Artifact.load(model()).score_record(record)  # type: ignore[arg-type]


def cases() -> Iterator[Case]:
    """Return the cases."""
    for column, values in {"age": _NUMBERS, "home": _LEVELS, "y": (*_NUMBERS[:12], "2", "bad", "x" * 5000)}.items():
        for value in values:
            files = {"y.csv": _with(column, value), "e.yaml": experiment()}
            name = f"{column} {ascii(value[:40])}"
            yield Case("values", f"run: {name}", ["run", "e.yaml"], files, EITHER)
            if column != "y":
                yield Case("values", f"score: {name}", ["score", str(model()), "y.csv", "-o", "s.csv"], files, EITHER)
    for value in _DATES:
        frame = customers().assign(day="2024-01-05")
        frame.loc[frame.index[3], "day"] = value
        files = {"y.csv": frame.to_csv(index=False), "e.yaml": experiment("data.date", "day")}
        yield Case("values", f"date {ascii(value)}", ["run", "e.yaml"], files, EITHER)
        words = ["alerts", "list", "--store", "a.db", "--on", value]
        yield Case("values", f"--on {ascii(value)}", words)
    for number, record in enumerate(_RECORDS):
        yield Case(
            "values", f"record {number}: {ascii(record)[:60]}", _record(record), codes=EITHER if number > 8 else (2,)
        )
