"""Groups of rows: levels of a category, bands of a number, periods of a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.frame import level, levels, numeric

MISSING = "missing"
OTHERS = "others"
FEW = 30  # rows below which a group's rate is shown and not tested
_PERIODS = (("M", "%Y-%m"), ("Q", "%Y-Q%q"), ("Y", "%Y"))


@dataclass(frozen=True)
class Grouping:
    """How a column's values fall into groups, fixed on one portfolio and applied to any other."""

    numeric: bool
    upper: tuple[float, ...]  # upper bound, included, of each band but the last
    labels: tuple[str, ...]  # of the bands, or the levels that have their own group
    special: tuple[float | str, ...] = ()  # codes that are not quantities: each is a group

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups, in order; other levels and missing values are last."""
        codes = [level(code) for code in self.special if level(code) not in self.labels]
        return (*self.labels, *codes, *(() if self.numeric else (OTHERS,)), MISSING)

    def of(self, values: pd.Series) -> pd.Series:
        """Return each value's group, an ordered categorical with the index of the values."""
        named = self._numbers(numeric(values)) if self.numeric else self._levels(levels(values))
        # A level may itself be called "missing": names are kept once.
        order = list(dict.fromkeys(self.groups))
        return pd.Series(pd.Categorical(named, order, ordered=True), index=values.index, name=values.name)

    def _numbers(self, values: NDArray[np.float64]) -> NDArray[np.object_]:
        labels: NDArray[np.object_] = np.array([*self.labels, MISSING], dtype=object)
        band = np.searchsorted(np.asarray(self.upper), values, side="left")
        groups: NDArray[np.object_] = labels[band.clip(0, max(len(self.labels) - 1, 0))]
        for code in self.special:
            groups[values == code] = level(code)
        groups[np.isnan(values)] = MISSING
        return groups

    def _levels(self, values: NDArray[np.object_]) -> NDArray[np.object_]:
        own = {*self.labels, *map(level, self.special)}
        return np.array(
            [MISSING if value is None else value if value in own else OTHERS for value in values], dtype=object
        )


def grouping(values: pd.Series, *, special: Sequence[float | str] = (), bands: int = 4, most: int = 12) -> Grouping:
    """Return a grouping of a column's values into few groups of similar size.

    Examples
    --------
    >>> ages = pd.Series([18, 20, 25, 31, 40, 52, 60, 71, None])
    >>> grouping(ages, bands=2).of(ages).value_counts(sort=False).to_dict()
    {'18 to 31': 4, '40 to 71': 4, 'missing': 1}
    """
    codes = tuple(special)
    if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        counts = pd.Series(levels(values), dtype=object).value_counts()
        common = [str(name) for name in counts.index if name not in set(map(level, codes))][:most]
        return Grouping(False, (), tuple(sorted(common)), codes)
    known = numeric(values)
    known = known[~np.isnan(known) & ~np.isin(known, [code for code in codes if not isinstance(code, str)])]
    if not known.size:
        return Grouping(True, (), (), codes)
    distinct = np.unique(known)
    upper = distinct if distinct.size <= bands else _bounds(known, bands)
    band = np.searchsorted(upper[:-1], distinct, side="left")
    labels = tuple(_label(distinct[band == number]) for number in range(len(upper)))
    return Grouping(True, tuple(upper[:-1].tolist()), labels, codes)


def _bounds(known: NDArray[np.float64], bands: int) -> NDArray[np.float64]:
    # Bounds are values of the column: none lies between two equal numbers.
    return np.unique(np.quantile(known, np.arange(1, bands + 1) / bands, method="inverted_cdf"))


def _label(inside: NDArray[np.float64]) -> str:
    low, high = f"{inside.min():,.6g}", f"{inside.max():,.6g}"
    return low if low == high else f"{low} to {high}"


def period_of(dates: pd.Series, *, most: int = 12) -> pd.Series:
    """Return the period of each date: months, or quarters or years where months would be too many.

    Examples
    --------
    >>> period_of(pd.Series(pd.to_datetime(["2023-01-05", "2023-02-01"]))).tolist()
    ['2023-01', '2023-02']
    """
    periods = dates
    for frequency, form in _PERIODS:
        periods = dates.dt.to_period(frequency).dt.strftime(form)
        if periods.nunique() <= most:
            break
    return periods
