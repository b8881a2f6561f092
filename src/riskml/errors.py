"""Errors that say what was wrong, where, and how to fix it."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Iterator

_MOST_WHAT, _MOST_WHERE, _MOST_FIX = 1050, 400, 450  # characters of the parts of a message
_READ = 8  # times as many are searched for secrets
_VARIABLE = re.compile(r"\$\{\w+\}")
# The password of a URL may hold any character; digits after an http host are its port. Bounds keep the search linear.
_USERINFO = re.compile(
    r"(?<![\w+.-])(?P<scheme>\w[\w+.-]*)://[^\s:/@]{0,200}:(?P<value>[^'\"\n]{1,500})@", re.IGNORECASE
)
_SECRET_NAME = r"(?:pass|pwd|secret|token|credential|signature|(?:api|access|account|private|shared)[_-]?key)"
# In a query, an ODBC connection string (also encoded in a URL) or a list of keywords.
_ASSIGNED = re.compile(
    rf"(?<![\w.-])[\w.-]{{0,100}}{_SECRET_NAME}[\w-]{{0,100}}\s{{0,9}}(?:=|%3D)\s{{0,9}}(?P<value>\{{[^}}]*\}}|\$\{{\w+\}}|[^\s&;,'\"]+?)"
    rf"(?=[\s&;,'\"]|%3B|%26|$)",
    re.IGNORECASE,
)


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
        self.what, self.where = _bounded(what, _MOST_WHAT), _bounded(where, _MOST_WHERE)
        self.fix = _bounded(fix, _MOST_FIX)
        lines = [self.what]
        if where:
            lines.append(f"  where: {self.where}")
        if fix:
            lines.append(f"  fix:   {self.fix}")
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


def secrets(text: str) -> Iterator[re.Match[str]]:
    """Yield the passwords, tokens and keys in a URL, a connection string or a message (group ``value``).

    A value that is ``${NAME}`` alone names a variable of the environment and is not a secret.
    """
    for match in _USERINFO.finditer(text):
        is_port = match["scheme"].lower() in ("http", "https") and re.match(r"\d{1,5}/", match["value"])
        if not is_port and not _VARIABLE.fullmatch(match["value"]):
            yield match
    for match in _ASSIGNED.finditer(re.sub(r"%3D", "  =", text, flags=re.IGNORECASE)):
        if not _VARIABLE.fullmatch(match["value"]):
            yield match


def holds_secrets(name: str) -> bool:
    """Return whether the values under a name may be secret, or addresses that hold one.

    >>> holds_secrets("client_secret"), holds_secrets("storage"), holds_secrets("trials")
    (True, True, False)
    """
    return re.search(rf"{_SECRET_NAME}|_env$|^(storage|source|ur[il])$|_ur[il]$|uri$", name, re.IGNORECASE) is not None


def hide_secrets(text: str) -> str:
    """Return a text with *** for every secret.

    >>> hide_secrets("postgresql://risk:p@ss/word@db/book?sslpassword=x&a=b")
    'postgresql://risk:***@db/book?sslpassword=***&a=b'
    """
    spans = sorted({match.span("value") for match in secrets(text)}, reverse=True)
    for start, end in spans:
        text = f"{text[:start]}***{text[end:]}"
    return text


def _bounded(text: str, most: int) -> str:
    """Return a part of a message without secrets and of bounded length: whole lines, and how many more there are."""
    lines, text = text.count("\n"), hide_secrets(text[: most * _READ])
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0]
    more = lines - kept.count("\n")
    return f"{kept}\n… and {more} more lines" if kept else f"{text[:most]}…"


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
    return ", ".join(map(short_repr, values[:most])) + tail


def short_repr(value: object) -> str:
    """Return a value's representation in at most 200 characters.

    >>> len(short_repr("x" * 1000))
    200
    """
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 20
