"""Versions of packages: digits of other scripts, missing and absurd parts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.bases import experiment, table
from tests.hostile.case import Case

_VERSIONS = (
    "'١.٠.٠'", "'１.０.０'", "'1.0'", "'1'", "1", "1.0", "'1.0.0.0'", "'v1.0.0'", "'1.0.0-rc1'", "'1.0.0+local'", "'1..0'", "'-1.0.0'", "''",
    "' '", "'1.0.0/../..'", "'../../x'", "'1.0.0; touch pwned'", "'$(touch pwned)'", "'1.0.0\\n'", '"1.0.0\\n2"', '"1.0.\\0"', "null", "[1, 0, 0]",
    "{a: 1}", "2024-01-01", "2024-13-45", ".nan", "'1e3.0.0'", "'0x1.0.0'", "'" + "9" * 5000 + ".0.0'", "'²1.0.0'", "'1.0.0\u200b'", "'Ⅷ.0.0'",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Return the cases."""
    for version in _VERSIONS:
        files = {"e.yaml": experiment("export.version", version), "y.csv": table()}
        yield Case("versions", ascii(version[:40]), ["run", "e.yaml"], files)
