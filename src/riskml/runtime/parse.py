"""Parsing of single records with the rules for table columns, without pandas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checksums import PackageError
from .frame import level, literal

Value = float | str | None
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NAN = float("nan")
_INFINITE = float("inf")


def read(record: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Value]:
    """Return the values of the model's columns, in its order."""
    values: dict[str, Value] = {}
    problems: list[str] = []
    for name, kind in kinds.items():
        try:
            value = record[name]
        except KeyError:
            absent = [name for name in kinds if name not in record]
            raise PackageError(f"columns missing from the record: {', '.join(map(repr, absent))}") from None
        if kind == "numeric":
            # The common case first.
            if type(value) is float and -_INFINITE < value < _INFINITE:
                values[name] = value
                continue
            try:
                values[name] = number(value)
            except ValueError as error:
                problems.append(f"column {name!r}: {literal(value)} {error}")
        elif type(value) is str and value and not value.isspace():
            values[name] = value
        else:
            try:
                values[name] = text(value)
            except ValueError as error:
                problems.append(f"column {name!r}: {literal(value)} {error}")
    if problems:
        raise PackageError("\n".join(problems))
    return values


def number(value: Any) -> float:
    """Return a value as a finite float, missing as NaN."""
    if value is None or _is_missing(value):
        return _NAN
    if isinstance(value, str):
        if not value.strip():
            return _NAN
        parsed = _parsed(value)
    elif isinstance(value, (bytes, complex, list, dict)) or type(value).__name__ in _TIMES:
        raise ValueError("is not a number")
    else:
        try:
            # A float32 means the shortest decimal that it prints.
            parsed = float(str(value)) if isinstance(value, (np.float32, np.float16)) else float(value)
        except OverflowError:
            raise ValueError("is not finite") from None
        except (TypeError, ValueError):
            raise ValueError("is not a number") from None
    if parsed in (_INFINITE, -_INFINITE):
        raise ValueError("is not finite")
    return parsed


# float() would accept some of these, in nanoseconds or other units.
_TIMES = frozenset(["datetime64", "timedelta64", "Timestamp", "Timedelta", "datetime", "date", "timedelta"])


def _parsed(value: str) -> float:
    if _NUMBER.fullmatch(value):
        return float(value)
    if value.strip().lower().lstrip("+-") in ("inf", "infinity"):
        return _INFINITE
    raise ValueError("is not a number")


def text(value: Any) -> str | None:
    """Return a categorical value as a level, missing and blank values as None."""
    if value is None or _is_missing(value):
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, (list, dict, set)):
        raise ValueError("is neither a number nor text")
    return level(value)


def _is_missing(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
