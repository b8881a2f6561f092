"""Validation of the caller's counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from riskml.errors import ConfigError, DataError, preview
from riskml.runtime.frame import level
from riskml.schema import Column, refuse_duplicates
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts
from riskml.scorecard.binning.options import SpecialValues, special_codes
from riskml.scorecard.binning.periods import check_periods

_SAME = 1e-6  # relative; sums of weights carry rounding


def checked_counts(counts: Mapping[str, Counts]) -> dict[str, Counts]:
    """Return the counts of each column by its name as text."""
    if not isinstance(counts, Mapping):
        raise DataError(f"a mapping of column to counts is expected; got a {type(counts).__name__}")
    if not counts:
        raise DataError("no counts are given", fix="hand in the counts of one column at the least")
    refuse_duplicates(map(str, counts))
    checked: dict[str, Counts] = {}
    for name, part in ((str(name), part) for name, part in counts.items()):
        if not isinstance(part, (NumericCounts, LevelCounts)):
            raise DataError(
                f"NumericCounts or LevelCounts are expected; got a {type(part).__name__}",
                where=f"column {name!r}",
                fix="see count_numeric, count_levels and from_frame",
            )
        part.check(name)
        if (part.totals <= 0).any():
            raise DataError(
                f"counts must hold events and non-events; the sums are {part.totals.tolist()}", where=f"column {name!r}"
            )
        checked[name] = part
    first = next(iter(checked))
    for name, part in checked.items():
        if not np.allclose(part.totals, checked[first].totals, rtol=_SAME, atol=0):
            raise DataError(
                f"counts must be over the same rows: {name!r} has {_totals_text(part)}, "
                f"{first!r} has {_totals_text(checked[first])}",
                where=f"column {name!r}",
                fix="count missing values and special codes too",
            )
    return checked


def checked_periods(
    whole: Mapping[str, Counts], by_period: Mapping[Any, Mapping[str, Counts]] | None
) -> dict[str, dict[str, Counts]]:
    """Return the counts of each period, over the same edges or levels as the whole's."""
    if by_period is None:
        return {}
    checked: dict[str, dict[str, Counts]] = {}
    for period, counts in by_period.items():
        where = f"by_period, period {level(period)!r}"
        parts = {str(name): part for name, part in counts.items()} if isinstance(counts, Mapping) else {}
        if set(parts) != set(whole):
            raise DataError(f"the columns {preview(whole)} are expected; got {preview(parts)}", where=where)
        checked[level(period)] = {name: _like(whole[name], parts[name], name, where) for name in whole}
    if not checked:
        raise DataError("no period is given", where="by_period")
    for name, part in whole.items():
        summed = np.sum([counts[name].counts for counts in checked.values()], axis=0)
        if not np.allclose(summed, part.counts, rtol=_SAME, atol=_SAME):
            raise DataError("the periods do not add up to the counts of all rows", where=f"column {name!r}, by_period")
    first = next(iter(whole))
    check_periods(list(checked), np.array([counts[first].totals for counts in checked.values()]))
    return checked


def _like(whole: Counts, part: Any, name: str, where: str) -> Counts:
    if isinstance(whole, NumericCounts) and isinstance(part, NumericCounts):
        part.check(f"{name} in {where}")
        if not np.array_equal(whole.edges, part.edges):
            raise DataError("the edges are not those of all rows", where=f"{where}, column {name!r}")
        return part
    if isinstance(whole, LevelCounts) and isinstance(part, LevelCounts):
        part.check(f"{name} in {where}")
        unknown = sorted(set(part.levels) - set(whole.levels))
        if unknown:
            raise DataError(f"levels that all rows do not have: {preview(unknown)}", where=f"{where}, column {name!r}")
        return whole.none() + part
    raise DataError(
        f"{type(whole).__name__} are expected; got a {type(part).__name__}", where=f"{where}, column {name!r}"
    )


def column_of(name: str, counts: Counts, special_values: SpecialValues | None) -> Column:
    """Return the column that counts are of, with its special codes."""
    if isinstance(counts, LevelCounts):
        column = Column(name, "categorical")
        return Column(name, "categorical", special_codes(special_values, column))
    lacking = sorted(
        set(special_codes(special_values, Column(name, "numeric"))) - {float(code) for code in counts.special}
    )
    if lacking:
        raise ConfigError(
            f"the counts have no special code {preview(lacking)}",
            where=f"special_values, column {name!r}",
            fix="count with special=..., or leave the code out",
        )
    return Column(name, "numeric", tuple(float(code) for code in counts.special))


def _totals_text(counts: Counts) -> str:
    nonevents, events = counts.totals
    return f"{nonevents:,.6g} non-events and {events:,.6g} events"
