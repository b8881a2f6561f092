"""A sample of the hostile inputs of each kind; `python -m tests.hostile` tries all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.case import Case, try_case
from tests.hostile.kinds import all_cases

CASES = all_cases()
OF_EACH = 3


def _sample() -> list[Case]:
    """Return the first, the middle and the last case of each kind, and so on."""
    by_kind: dict[str, list[Case]] = {}
    for case in CASES:
        if case.kind not in ("models", "stores"):  # some of them are not refused yet
            by_kind.setdefault(case.kind, []).append(case)
    return [cases[i * (len(cases) - 1) // (OF_EACH - 1)] for cases in by_kind.values() for i in range(OF_EACH)]


@pytest.mark.parametrize("case", _sample(), ids=lambda case: f"{case.kind}: {case.name}"[:60])
def test_a_hostile_input_does_no_harm(case: Case, tmp_path: Path) -> None:
    assert try_case(case, tmp_path).failures == ()


def test_there_are_600_or_more_and_no_two_have_one_name() -> None:
    names = [(case.kind, case.name) for case in CASES]
    assert len(names) >= 600
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("harm", "failure"),
    [
        (lambda folder: (folder / "half.csv").write_text("x") and 1 / 0, "left behind"),
        (lambda _: 1 / 0, "a message for nobody"),
        (lambda _: print("x" * 3000), "a message of 3001 characters"),
        (lambda _: print("HUNTER2"), "a secret is shown"),
        (lambda folder: (folder / "log").write_text("a HUNTER2"), "a secret is shown"),
        (lambda folder: (folder / "pwned").touch(), "code was executed"),
        (lambda _: None, "exit code 0, not 2"),
    ],
)
def test_harm_is_seen(harm, failure, tmp_path: Path) -> None:
    failures = try_case(Case("x", "x", harm), tmp_path).failures
    assert any(failure in text for text in failures)
