"""Numbers and names as people read them, the same in pictures, tables and the page."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

MISSING = "–"
# Where Markdown makes a link of plain text: the sign that is written as a code.
_ADDRESS = re.compile(r"(\b(?:https?|ftp|mailto)(?=:)|\bwww(?=\.)|(?<=\w)(?=@))([:.@])", re.IGNORECASE)


def percent(share: Any, digits: int = 1) -> str:
    """Write a share as a percentage.

    >>> percent(0.28123), percent(float("nan")), percent(0.0004)
    ('28.1%', '–', '0.04%')
    """
    if not is_number(share):
        return MISSING
    value = 100 * float(share)
    if value and abs(value) < 0.5 * 10**-digits:
        digits += 1
    return f"{value:.{digits}f}%"


def number(value: Any, digits: int = 3) -> str:
    """Write a measure with a fixed number of decimals.

    >>> number(0.85249), number(None), number(12)
    ('0.852', '–', '12.000')
    """
    return f"{float(value):,.{digits}f}" if is_number(value) else MISSING


def count(value: Any) -> str:
    """Write a number of rows.

    >>> count(12345), count(None)
    ('12,345', '–')
    """
    return f"{round(float(value)):,}" if is_number(value) else MISSING


def signed(value: Any, digits: int = 2) -> str:
    """Write a difference with its sign.

    >>> signed(0.5), signed(-1.234), signed(-0.001)
    ('+0.50', '−1.23', '0.00')
    """
    if not is_number(value):
        return MISSING
    # What rounds to nothing has no sign.
    rounded = round(float(value), digits) or 0.0
    return f"{rounded:{'+' if rounded else ''},.{digits}f}".replace("-", "−")


def p_value(value: Any) -> str:
    """Write a p-value.

    >>> p_value(0.0301), p_value(1e-9), p_value(None)
    ('0.030', '< 0.001', '–')
    """
    return "< 0.001" if is_number(value) and float(value) < 0.001 else number(value)


def cell_value(value: Any) -> str:
    """Write the value of a customer's column.

    >>> cell_value(600.0), cell_value(0.25), cell_value(float("nan")), cell_value("rent")
    ('600', '0.25', 'missing', 'rent')
    """
    if value is None or value != value:
        return "missing"
    if not is_number(value):
        return str(value)
    return f"{int(value)}" if float(value).is_integer() else f"{float(value):.6g}"


def interval(low: Any, high: Any, digits: int = 3) -> str:
    """Write an interval, or nothing when it is not known.

    >>> interval(0.8, 0.9), interval(float("nan"), 0.9)
    ('0.800 to 0.900', '')
    """
    return f"{number(low, digits)} to {number(high, digits)}" if is_number(low) and is_number(high) else ""


def seconds(value: Any) -> str:
    """Write a duration.

    >>> seconds(3.21), seconds(75), seconds(None)
    ('3.2 s', '1 min 15 s', '–')
    """
    if not is_number(value):
        return MISSING
    if float(value) < 60:
        return f"{float(value):.1f} s"
    minutes, rest = divmod(round(float(value)), 60)
    return f"{minutes} min {rest} s"


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number (a truth value is not one).

    >>> is_number(1), is_number(float("nan")), is_number("1"), is_number(None)
    (True, False, False, False)
    """
    if isinstance(value, (bool, str, bytes)) or value is None:
        return False
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def fitted(text: object, width: int) -> str:
    """Shorten a label to one line of a width in Latin letters, of which an East Asian letter takes two.

    >>> fitted("months_since_the_last_payment", 12)
    'months_sinc…'
    >>> fitted("客户年龄段", 7)
    '客户年…'
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if _width(plain) <= width:
        return plain
    kept, used = "", 1
    for letter in plain:
        used += _width(letter)
        if used > width:
            break
        kept += letter
    return kept + "…"


def wrapped(text: object, width: int, most: int = 2) -> list[str]:
    """Return a label over lines of a width in Latin letters, at most so many; what is left over is cut.

    >>> wrapped("[80600000000, 825200000000)", 20)
    ['[80600000000,', '825200000000)']
    >>> wrapped("number_customer_service_calls", 20)
    ['number_customer_', 'service_calls']
    """
    plain = fitted(text, 100_000)
    lines: list[str] = [""]
    # A break falls behind a blank or an underscore; a longer word is broken where the line ends.
    for word in re.findall(r"[^ _]*[ _]?", plain):
        for letter in [word] if _width(word.rstrip()) <= width else word:
            if _width((lines[-1] + letter).rstrip()) > width:
                lines.append("")
            lines[-1] += letter
    if len(lines) > most:
        lines[most - 1 :] = [fitted("".join(lines[most - 1 :]), width)]
    return [line.rstrip() for line in lines]


def markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line: no link, no picture, no cell of a table's beginning.

    >>> print(markdown("a_b|![<i>](http://x)"))
    a\_b\|!\[&lt;i>\](http&#58;//x)
    """
    escaped = re.sub(r"([\\*_`|\[\]])", r"\\\1", " ".join(text.split()).replace("<", "&lt;"))
    return _ADDRESS.sub(lambda match: f"{match[1]}&#{ord(match[2])};", escaped)


def listed(names: Sequence[str], width: int, most: int) -> list[str]:
    """Return names over lines, as many as have room, and how many more there are.

    >>> listed(["own", "rent", "parents", "other"], 14, 2)
    ['own, rent,', 'parents, other']
    >>> listed([f"branch {i}" for i in range(9)], 18, 2)
    ['branch 0, branch 1', 'and 7 more']
    """
    for kept in range(min(len(names), 8 * most), 0, -1):
        more = f" and {len(names) - kept} more" if kept < len(names) else ""
        lines = wrapped(", ".join(names[:kept]) + more, width, most + 1)
        if len(lines) <= most:
            return lines
    return wrapped(", ".join(names), width, most)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
