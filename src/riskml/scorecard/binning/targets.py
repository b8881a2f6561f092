"""What a binner's parameters ask of each column: its options and its special codes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.frame import level
from riskml.schema import Column
from riskml.scorecard.binning.options import ColumnOptions

SpecialValues = Sequence[float] | Mapping[str, Sequence[Any]]


def column_options(
    parameters: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]] | None, columns: Sequence[str]
) -> dict[str, ColumnOptions]:
    """Return the options of each column."""
    if not isinstance(overrides, Mapping | None):
        raise ConfigError(f"overrides map columns to options; got {overrides!r}", where="overrides")
    own = {str(name): options for name, options in (overrides or {}).items()}
    known = {field.name for field in fields(ColumnOptions)}
    for column, options in own.items():
        if column not in columns:
            raise ConfigError(f"no column is called {column!r}", where="overrides", fix=did_you_mean(column, columns))
        if not isinstance(options, Mapping):
            raise ConfigError(
                f"a mapping of options is expected; got {options!r}", where=f"overrides, column {column!r}"
            )
        for option in options:
            if option not in known:
                raise ConfigError(
                    f"unknown option {option!r}",
                    where=f"overrides, column {column!r}",
                    fix=did_you_mean(str(option), known) or f"options are {', '.join(sorted(known))}",
                )
    found = {column: ColumnOptions(**dict(parameters) | dict(own.get(column, {}))) for column in columns}
    for column, checked in found.items():
        checked.check(column)
    return found


def special_codes(said: SpecialValues | None, column: Column, dtype: Any = None) -> tuple[float | str, ...]:
    """Return the special codes of a column, in order."""
    if said is None or (column.kind == "categorical" and not isinstance(said, Mapping)):
        return ()
    by_name = {str(name): codes for name, codes in said.items()} if isinstance(said, Mapping) else {column.name: said}
    codes, where = by_name.get(column.name, ()), f"special_values, column {column.name!r}"
    if isinstance(codes, (str, bytes)) or not isinstance(codes, Iterable):
        raise ConfigError(f"special values are a list; got {codes!r}", where=where, fix=f"write [{codes!r}]")
    codes = list(codes)
    if column.kind == "categorical":
        return tuple(sorted({level(code) for code in codes}))
    try:
        numbers = {float(code) for code in codes}
    except (TypeError, ValueError):
        numbers = {np.nan}
    if not np.isfinite(list(numbers)).all():
        raise ConfigError(f"special values of a numeric column are numbers; got {codes!r}", where=where)
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize < 8:
        numbers = {float(dtype.type(number)) for number in numbers}
    return tuple(sorted(numbers))


def warn_of_misspelt(said: SpecialValues | None, columns: Sequence[str], stacklevel: int) -> None:
    """Warn of codes for a name that no column has, and that looks like a column without codes."""
    if not isinstance(said, Mapping):
        return
    named = set(map(str, said))
    for name in sorted(named - set(columns)):
        hint = did_you_mean(name, [column for column in columns if column not in named])
        if hint:
            warnings.warn(
                f"special_values names {name!r}, which is no column; {hint}", UserWarning, stacklevel=stacklevel + 1
            )
