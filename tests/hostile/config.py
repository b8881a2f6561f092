"""Experiment files: values that YAML, or a number's type, reads in a surprising way, and files that are no experiment."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.bases import experiment, table
from tests.hostile.case import EITHER, REFUSED, Case

_RUN = ["run", "e.yaml", "--to", "features"]
_PYTHON = "!!python/object/apply:os.system ['touch pwned']"
# Never right, whatever the key.
_WRONG = {
    "a date that is none": "2024-13-45",
    "code": _PYTHON,
    "deep nesting": "[" * 3000 + "]" * 3000,
    "an alias without an anchor": "*a",
    "not closed": "[a, {b",
    "a control character": '"a\x01b"',
}
_WRONG_NUMBER = {
    "infinite": ".inf", "not a number": ".nan", "negative": "-3", "5,000 digits": "9" * 5000, "text": "many",
    "a list": "[1, 2]", "a mapping": "{a: 1}", "overflowing": "1.0e+400", "other digits": "١٢٣٤٥٦٧٨٩٠١٢٣٤٥",
}  # fmt: skip
_ODD_TEXT = {
    "NUL": '"a\\0b"', "5,000 characters": "x" * 5000, "a lone surrogate": '"\\ud800"', "markup": "'<script>x</script>'",
    "right to left": '"\\u202egnp"', "a template": "'{{ 7 * 7 }}'", "a mapping": "{a: 1}", "a number": "7",
    "a path": "'../../../../etc/passwd'", "binary": "!!binary aGVsbG8=",
}  # fmt: skip
_KEYS = (
    "name",
    "title",
    "data.source",
    "data.event",
    "split.seed",
    "models.families",
    "models.fixed",
    "document.limits",
)
_NUMBERS = (
    "split.test_share", "split.folds", "split.seed", "models.trials", "models.time_budget", "export.reasons",
    "gate.level", "gate.max_psi", "costs.margin", "costs.loss_given_default", "monitoring.unseen_share_act",
)  # fmt: skip
_TEXTS = (
    "title", "data.source", "data.target", "data.id", "data.exclude", "data.encoding", "data.missing", "data.sheet",
    "document.purpose", "tiers", "costs.currency", "models.select",
)  # fmt: skip
_BOMB = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}' if i else 'lol'] * 10)}]" for i in range(9))
_FILES = {
    "empty": "", "a list": "[1, 2]", "a number": "7", "NUL": "\0" * 200, "not UTF-8": b"\xff\xfe\x00", "tabs": "\tname:\t1",
    "a key twice": experiment() + "name: u\n", "two documents": experiment() + "---\n" + experiment(),
    "an alias bomb": _BOMB, "an alias bomb inside": f"{_BOMB}\n" + experiment("title", "*l8"),
    "itself inside": "&a [*a]", "a merge of itself": "a: &a {<<: *a}", "unknown keys": "".join(f"k{i}: 1\n" for i in range(5000)),
    "a list as key": "? [1, 2]\n: 3", "a mapping as key": "{{a: 1}: 2}", "an unknown tag": "!x y", "an unknown handle": "!e!x y",
    "a percent directive": "%YAML 9.9\n---\na: 1", "deep blocks": "".join(" " * i + f"a{i}:\n" for i in range(1500)),
    "a workbook": b"PK\x03\x04" + b"\0" * 100, "a long line": "name: " + "x" * 3_000_000,
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Return the cases."""

    def case(name: str, content: str | bytes, codes: tuple[int, ...] = REFUSED) -> Case:
        return Case("config", name, _RUN, {"e.yaml": content, "y.csv": table()}, codes)

    for key in _KEYS:
        for name, value in _WRONG.items():
            yield case(f"{key}: {name}", experiment(key, value))
    for key in _NUMBERS:
        for name, value in _WRONG_NUMBER.items():
            yield case(f"{key}: {name}", experiment(key, value))
    for key in _TEXTS:
        for name, value in _ODD_TEXT.items():
            yield case(f"{key}: {name}", experiment(key, value), EITHER)
    for name, content in _FILES.items():
        yield case(name, content)
