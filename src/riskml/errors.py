"""Errors that say what was wrong, where, and how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RiskmlError(Exception):
    """Base of every error that riskml raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, with what was got and what is expected.
    where : str, optional
        The file, column, row, key or stage it was found in.
    fix : str, optional
        What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", mend: str = "") -> None:
        fix = fix or mend  # the keyword of version 0.1
        self.what, self.where, self.fix = what, where, fix
        lines = [what]
        if where:
            lines.append(f"  where: {where}")
        if fix:
            lines.append(f"  fix:   {fix}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default protocol when a worker process hands an error back.
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[RiskmlError], what: str, where: str, fix: str) -> RiskmlError:
    return kind(what, where=where, fix=fix)


class InputError(RiskmlError, ValueError):
    """What the user handed in is wrong: the command line ends with exit code 2."""


class DataError(InputError):
    """A table, a column or a row is not what it must be."""


class ConfigError(InputError):
    """An experiment file, or an option, says something that cannot be done."""


class FitError(InputError):
    """The data and the constraints leave nothing to fit."""


class RunError(RiskmlError):
    """A stage of a run failed for a reason other than its input."""


def did_you_mean(name: str, names: Iterable[object]) -> str:
    """Return a hint at the names that look most like one, or nothing.

    >>> did_you_mean("statsu", ["Status", "Age"])
    "did you mean 'Status'?"
    """
    by_case: dict[str, str] = {}
    for known in map(str, names):
        by_case.setdefault(known.casefold(), known)
    matches = [by_case[match] for match in difflib.get_close_matches(str(name).casefold(), by_case, n=3)]
    return f"did you mean {' or '.join(map(repr, matches))}?" if matches else ""


def preview(values: Iterable[object], most: int = 10) -> str:
    """Return the first of some values for a message, and how many more there are.

    >>> preview(range(5), most=3)
    '0, 1, 2 and 2 more'
    """
    values = list(values)
    tail = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(repr, values[:most])) + tail
