"""Overrides: `riskml run -p KEY=VALUE`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.bases import experiment, table
from tests.hostile.case import EITHER, Case

_REFUSED = (
    "models.trials=2024-13-45", "models.trials", "=", "=1", "models=", "models=1", ".=1", "models..trials=1", "a.b.c.d=1",
    "models.trials=" + "9" * 6000, "models.trials=.nan", "models.trials=-1", "models.trials=1e400", "models.trials=[",
    "models.trials=!!python/object/apply:os.system ['touch pwned']", "models.families=!!python/name:os.system",
    "models.families=[nothing]", "models.families=[pwned.py:factory]", "models.families=['/etc/passwd:x']",
    "models.families=[../../x.py:f]", "models.families=['os:system']", "name.x=1", "__class__=1", "data.__init__=x",
    "data.source=\0", 'data.source="a\\0b.csv"', "data.source=" + "x" * 300 + ".csv", "data.source=" + "x/" * 3000,
    "data.source=.", "data.source=/", "data.source=/dev/null", "data.source=http://localhost:1/x.csv", "data.source=-",
    "data.source=y.csv#", "data.target=nothing", "data.target=", "data.event=5", "data.id=nothing", "data.date=age",
    "data.encoding=rot13", "data.encoding=utf-7x", "data.encoding=\0", "data.encoding=hex", "data.encoding=idna",
    "data.columns.age.monotone=up", "data.columns={nothing: {kind: numeric}}", "split.from_date=2024-02-30",
    "split.from_date=9999999-01-01", "split.seed=1" + "0" * 30, "split.folds=1e9", "tiers=[]", "tiers=[{name: a}]",
    "export.version=1", "models.fixed={nothing: {}}", "data=*a", "data=&a [*a]",
    "models.trials=" + "[" * 5000, "title=" + "[" * 60 + "]" * 60, "-p", "models.select=all",
)  # fmt: skip
_EITHER = (
    "title=<script>alert(1)</script>",
    "title=\ud83d\ude00",
    "title==cmd|' /C calc'!A0",
    "data.exclude=[age]",
    "models.fixed.logistic={nothing: 1}",
    "models.storage=nothing://x",
)  # both are refused by the second notebook


def cases() -> Iterator[Case]:
    """Return the cases."""
    files = {"e.yaml": experiment(), "y.csv": table()}
    for text in _REFUSED:
        yield Case("overrides", ascii(text[:80]), ["run", "e.yaml", "-p", text], files)
    for text in _EITHER:
        yield Case("overrides", ascii(text[:80]), ["run", "e.yaml", "-p", text], files, EITHER)
