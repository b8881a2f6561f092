"""Expressions of rules, policies and event files: they read columns and never run code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from riskml.expressions import parse
from tests.hostile.bases import rules
from tests.hostile.case import EITHER, Case
from tests.hostile.settings_files import SCORED, UPDATE

_REFUSED = (
    "__import__('os').system('touch pwned')", "().__class__.__bases__[0].__subclasses__()", "open('pwned', 'w')", "eval('1')",
    "(lambda: 1)()", "[x for x in (1,)]", "probability.__class__", "probability[0]", "f'{probability}'", "probability if 1 else 2",
    "(a := 1)", "probability ** 9999999999", "9**9**9", "1 << 99999", "'a' * 999999999", "probability @ 1", "~probability",
    "exec('import os')", "getattr(probability, 'x')", "globals()", "print(1)", "abs(1, 2)", "min()", "max(*[1])", "isnull()",
    "probability > 'x'", "probability in probability", "probability == [1]", "not", "", " ", "(", "((((", "probability >",
    "> 1", "probability > 1 > ", "1 2", "a b c", "`unclosed", "``", "`a`b`", "probability # comment", "import os", "x = 1",
    "probability; 1", "\0", "probability\0", "probability > 0x", "probability > 1_", "*", "**", "...", "None", "b'x'", "1j",
    "probability > " + "9" * 400, "(" * 500 + "1" + ")" * 500, "not " * 5000 + "true", "1" + "+1" * 5000, "-" * 3000 + "1",
    "nothing > 1", "`a\nb` > 1", "probability is None", "await x", "yield 1", "{1: 2}", "{1}", "1 if", "@x", "\\", "\ud800 > 1",
    "１ > probability > ２x", "probability > 1e400", "probability in []", "probability in [[1]]", "abs(abs)", "isnull > 1",
)  # fmt: skip
_EITHER = (
    "probability / 0 > 1",
    "abs(-1)",
    "1 > 0",
    "true",
    "probability > -0",
    "0.1 + 0.2 == 0.3",
    "min(probability, 1e308) * 10 > 1",
)


def _evaluated(text: str) -> Callable[[Path], object]:
    frame = pd.DataFrame({"probability": [0.1, None], "tier": ["low", None]})
    return lambda _: parse(text, where="where").holds(frame)


def cases() -> Iterator[Case]:
    """Return the cases: as such, and as the value of an indicator."""
    for text in (*_REFUSED, *_EITHER):
        codes, name = EITHER if text in _EITHER else (2,), ascii(text[:60])
        yield Case("expressions", name, _evaluated(text), codes=codes)
    for text in (*_REFUSED[:60:2], *_EITHER[2:]):
        quoted = "'" + text.replace("'", "''") + "'" if "\0" not in text else '"a\\0"'
        files = {"r.yaml": rules("indicators.i1.value", quoted), "s.csv": SCORED}
        yield Case("expressions", f"rules: {ascii(text[:60])}", UPDATE, files, EITHER)
