"""Options of one column's bins."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any, Literal, get_args

import numpy as np

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.frame import Floats, level
from riskml.schema import Column
from riskml.scorecard.binning.candidates import TRENDS, Constraints, Trend
from riskml.scorecard.binning.woe import OBJECTIVES, Objective

Monotonic = Literal["auto", "auto_asc_desc"] | Trend
MissingAs = Literal["own", "nearest"]
UnseenAs = Literal["neutral", "rare", "worst"]
Constant = Literal["raise", "keep"]
# Concave and convex bins are found in time that grows with the cube of the pre-bins.
BENT_PREBINS = 128

_WHOLE = ("max_bins", "min_bins", "max_prebins")
_NUMBERS = (
    "min_bin_size",
    "min_bin_count",
    "min_events",
    "min_nonevents",
    "min_event_share",
    "min_nonevent_share",
    "min_rate_difference",
    "max_p_value",
    "rare_share",
    "smoothing",
)
_SHARES = ("min_bin_size", "min_event_share", "min_nonevent_share", "rare_share")


@dataclass(frozen=True)
class ColumnOptions:
    """Options of one column's bins; shares are of all rows (sums of weights where rows have weights)."""

    max_bins: int = 6  # bins, missing values and special codes not counted
    min_bins: int = 1
    min_bin_size: float = 0.05  # least share of rows in a bin
    min_bin_count: float = 0.0  # least number of rows in a bin
    min_events: float = 1.0  # least number of events and non-events in a bin
    min_nonevents: float = 1.0
    min_event_share: float = 0.0  # least share of all events, and of all non-events, in a bin
    min_nonevent_share: float = 0.0
    min_rate_difference: float = 0.0  # least difference of event rates between neighbours
    max_p_value: float = 1.0  # highest p-value of the two-proportion z-test between neighbours
    # A trend of the event rate, or ``auto`` (ascending, descending, peak or valley) or ``auto_asc_desc``
    monotonic: Monotonic = "auto"
    objective: Objective = "iv"
    splits: Sequence[float] | None = None  # fixed cuts instead of a search; a bin begins at each
    groups: Sequence[Sequence[Any]] | None = None  # fixed groups of a categorical column instead of a search
    missing: MissingAs = "own"  # A bin of their own for missing values, or the bin whose event rate is nearest
    # what a level never seen counts as: nothing (weight 0), the rare levels' group, or the riskiest group
    unseen: UnseenAs = "neutral"
    rare_share: float = 0.01  # levels with a smaller share of rows are pooled
    # rows of the average event rate that each bin is thought to have besides its own: shrinks small bins to 0
    smoothing: float = 0.0
    max_prebins: int = 128  # pre-bins (or levels in order of their event rate) among which the cuts are searched
    constant: Constant = "raise"  # what becomes of a column that allows no bin: an error, or one bin and a note

    def check(self, column: str) -> None:
        """Refuse what is impossible or contradictory."""
        problems = [*_of_another_kind(self), *_not_a_choice(self)] or _out_of_range(self)
        if problems:
            raise ConfigError("\n".join(problems), where=f"column {column!r}", fix="correct these options")

    @property
    def prebins(self) -> int:
        """How many pre-bins the trend allows."""
        return min(self.max_prebins, BENT_PREBINS) if self.monotonic in ("concave", "convex") else self.max_prebins

    def constraints(self, totals: Floats) -> Constraints:
        """Return the same in rows, given all non-events and events, shape (2,)."""
        nonevents, events = map(float, totals)
        return Constraints(
            self.min_bins,
            self.max_bins,
            max(self.min_bin_size * (nonevents + events), self.min_bin_count),
            max(self.min_events, self.min_event_share * events),
            max(self.min_nonevents, self.min_nonevent_share * nonevents),
            self.min_rate_difference,
            self.max_p_value,
        )

    def named(self, totals: Floats) -> dict[str, str]:
        """Return which option each of the constraints in rows comes from, and its value."""
        constraints = self.constraints(totals)

        def of(share: str, number: str, least: float) -> str:
            name = number if getattr(self, number) == least else share
            return f"{name}={getattr(self, name):g}"

        return {
            "min_size": of("min_bin_size", "min_bin_count", constraints.min_size),
            "min_event": of("min_event_share", "min_events", constraints.min_event),
            "min_nonevent": of("min_nonevent_share", "min_nonevents", constraints.min_nonevent),
        }


def _of_another_kind(options: ColumnOptions) -> list[str]:
    values = {name: getattr(options, name) for name in (*_WHOLE, *_NUMBERS)}
    problems = [
        f"{name} is a whole number; got {value!r}"
        for name, value in values.items()
        if name in _WHOLE and not is_number(value, whole=True)
    ]
    problems += [
        f"{name} is a number; got {value!r}"
        for name, value in values.items()
        if name in _NUMBERS and not is_number(value)
    ]
    if options.splits is not None and not _is_list(options.splits, Real):
        problems.append(f"splits are a list of numbers; got {options.splits!r}")
    if options.groups is not None and not (
        _is_list(options.groups, object) and all(_is_list(group, object) for group in options.groups)
    ):
        problems.append(f"groups are a list of lists of levels; got {options.groups!r}")
    return problems


def _is_list(value: Any, kind: type) -> bool:
    return (
        isinstance(value, (Sequence, np.ndarray))
        and not isinstance(value, str)
        and all(isinstance(part, kind) for part in value)
    )


def _not_a_choice(options: ColumnOptions) -> list[str]:
    allowed: dict[str, tuple[str, ...]] = {
        "monotonic": ("auto", "auto_asc_desc", *TRENDS),
        "objective": OBJECTIVES,
        "missing": get_args(MissingAs),
        "unseen": get_args(UnseenAs),
        "constant": get_args(Constant),
    }
    return [
        f"{name} must be one of {', '.join(values)}; got {getattr(options, name)!r}"
        for name, values in allowed.items()
        if getattr(options, name) not in values
    ]


def _out_of_range(options: ColumnOptions) -> list[str]:
    problems = [
        f"{name} must not be negative; got {getattr(options, name)}" for name in _NUMBERS if getattr(options, name) < 0
    ]
    problems += [
        f"{name} is a share, 0 <= share < 1; got {getattr(options, name)}"
        for name in _SHARES
        if getattr(options, name) >= 1
    ]
    if options.min_rate_difference >= 1:
        problems.append(f"min_rate_difference is between event rates, below 1; got {options.min_rate_difference}")
    low, high = options.min_bins, options.max_bins
    if not 1 <= low <= high:
        problems.append(f"1 <= min_bins <= max_bins is needed; got {low} and {high}")
    elif low > 1:
        problems += [
            f"min_bins={low} bins of {name}={getattr(options, name)} are more than all rows"
            for name in _SHARES
            if low * getattr(options, name) > 1 + 1e-9
        ]
    if not 0 < options.max_p_value <= 1:
        problems.append(f"max_p_value is a probability, 0 < p <= 1; got {options.max_p_value}")
    if not 2 <= options.max_prebins <= 1024:
        problems.append(f"max_prebins must lie in 2..1024; got {options.max_prebins}")
    if options.splits is not None and options.groups is not None:
        problems.append("splits and groups exclude each other: a column is numeric or categorical")
    return problems


Seed = int | np.random.RandomState | np.random.Generator | None


def check_seed(value: Any) -> None:
    """Refuse what is no seed: a whole number from 0, a generator of numpy's, or None (other draws each time)."""
    generator = isinstance(value, (np.random.RandomState, np.random.Generator))
    if value is not None and not generator and not (is_number(value, whole=True) and value >= 0):
        raise ConfigError(
            f"random_state must be a whole number from 0, or None; got {value!r}",
            where="random_state",
            fix="give a number such as 0: with the same one a fit is the same",
        )


def is_number(value: Any, *, whole: bool = False) -> bool:
    """Tell whether a parameter is a finite number, and no truth value."""
    number = isinstance(value, Integral) if whole else isinstance(value, Real)
    return number and not isinstance(value, (bool, np.bool_)) and isfinite(value)


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
    by_column = {column: ColumnOptions(**dict(parameters) | dict(own.get(column, {}))) for column in columns}
    for column, checked in by_column.items():
        checked.check(column)
    return by_column


def special_codes(special_values: SpecialValues | None, column: Column) -> tuple[float | str, ...]:
    """Return the special codes of a column, in order."""
    if special_values is None or (column.kind == "categorical" and not isinstance(special_values, Mapping)):
        return ()
    by_name = (
        {str(name): codes for name, codes in special_values.items()}
        if isinstance(special_values, Mapping)
        else {column.name: special_values}
    )
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
    return tuple(sorted(numbers))


def warn_of_misspelt(special_values: SpecialValues | None, columns: Sequence[str], stacklevel: int) -> None:
    """Warn of codes for a name that no column has, and that looks like a column without codes."""
    if not isinstance(special_values, Mapping):
        return
    named = set(map(str, special_values))
    for name in sorted(named - set(columns)):
        hint = did_you_mean(name, [column for column in columns if column not in named])
        if hint:
            warnings.warn(
                f"special_values names {name!r}, which is no column; {hint}", UserWarning, stacklevel=stacklevel + 1
            )
