"""`OptimalBinner`: columns to optimal bins and their weight of evidence, as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted

from riskml.errors import ConfigError, DataError
from riskml.estimator import FrameEstimator
from riskml.runtime.frame import Floats, level
from riskml.schema import Column, Schema, near
from riskml.scorecard.columns import ColumnBins, bin_column
from riskml.scorecard.counts import Counts, LevelCounts, NumericCounts, count_levels, count_numeric, prebin_edges
from riskml.scorecard.options import ColumnOptions, MissingAs, Monotonic, UnseenAs
from riskml.scorecard.periods import by_period, no_periods, period_codes
from riskml.scorecard.target import binary_target, row_weights, without_zero_weights
from riskml.scorecard.woe import Objective

SpecialValues = Sequence[float] | Mapping[str, Sequence[Any]]
# Trends that compare three neighbours take time with the cube of the pre-bins.
_BENT, _BENT_PREBINS = ("concave", "convex"), 48
_OPTIONS = tuple(field.name for field in fields(ColumnOptions) if field.name not in ("splits", "groups"))


class OptimalBinner(TransformerMixin, FrameEstimator):  # type: ignore[misc]
    """Cut every column into bins of highest information value, exactly, and give each bin its weight of evidence.

    The weight of evidence is ``ln((events in bin / all events) / (non-events in bin / all non-events))``: higher is
    riskier, 0 is average. A bin without events or without non-events counts half a row more of each; an empty one has
    weight 0. Missing values and special codes have bins of their own, beyond ``max_bins``.

    Parameters
    ----------
    max_bins : int, default 6
        Most regular bins of a column.
    min_bin_size : float, default 0.05
        Least share of all rows in a regular bin.
    monotonic : str, default "auto"
        How the event rate of a numeric column may go from bin to bin: ``ascending``, ``descending``, ``peak``,
        ``valley``, ``concave``, ``convex``, ``none``; ``auto_asc_desc`` chooses the better of the first two, ``auto``
        takes a peak or a valley where the data say so clearly. ``summary_`` says what came out.
    special_values : sequence of numbers, or mapping of column to codes, optional
        Codes that each get a bin of their own. A plain sequence holds for every numeric column; names of columns that
        the table does not have are ignored.
    min_bins : int, default 1
        Least regular bins of a column.
    min_events, min_nonevents : float, default 1
        Least events and non-events in a regular bin.
    min_rate_difference : float, default 0
        Least difference of event rates between neighbours.
    max_p_value : float, default 1
        Highest p-value of the two-proportion z-test between neighbours.
    objective : {"iv", "js", "log_likelihood"}, default "iv"
        What is maximised: information value, Jensen-Shannon divergence, or the gain of log-likelihood.
    missing : {"own", "nearest"}, default "own"
        Missing values: a bin of their own, or the bin of nearest event rate.
    unseen : {"neutral", "rare", "worst"}, default "neutral"
        What a level never seen in training counts as.
    rare_share : float, default 0.01
        Levels with a smaller share of rows are pooled.
    smoothing : float, default 0
        Rows of average risk that are added to each bin before its weight is taken.
    overrides : mapping of column to mapping of option, optional
        Any of the options above for one column, and ``splits`` (numeric) or ``groups`` (categorical) to fix its bins.
    max_prebins : int, default 128
        Quantile pre-bins of a numeric column, among whose edges the cuts are found.
    constant : {"raise", "keep"}, default "raise"
        A column with one value, or none: an error, or one bin of information value 0.

    Attributes
    ----------
    bins_ : dict of column to ColumnBins
    tables_ : dict of column to DataFrame
        ``bin``, ``count``, ``event``, ``event_rate``, ``woe``, ``iv``.
    summary_ : DataFrame
        ``column``, ``iv``, ``n_bins`` (regular ones), ``trend``.
    by_period_ : DataFrame
        ``column``, ``bin``, ``period``, ``count``, ``event``, ``event_rate``: how each regular bin went; without rows
        where no periods were given.
    schema_ : Schema
    classes_ : ndarray of shape (2,)
        The second is the event.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> binner = OptimalBinner(max_bins=2).fit(X, y)
    >>> binner.tables_["age"][["bin", "count", "event"]].to_dict("list")
    {'bin': ['(-inf, 40)', '[40, inf)'], 'count': [40, 40], 'event': [30, 5]}
    >>> float(binner.transform(X)["age"].iloc[3].round(3))
    1.35
    """

    bins_: dict[str, ColumnBins]
    tables_: dict[str, pd.DataFrame]
    summary_: pd.DataFrame
    by_period_: pd.DataFrame
    classes_: NDArray[Any]

    def __init__(
        self,
        max_bins: int = 6,
        min_bin_size: float = 0.05,
        monotonic: Monotonic = "auto",
        special_values: SpecialValues | None = None,
        *,
        min_bins: int = 1,
        min_events: float = 1.0,
        min_nonevents: float = 1.0,
        min_rate_difference: float = 0.0,
        max_p_value: float = 1.0,
        objective: Objective = "iv",
        missing: MissingAs = "own",
        unseen: UnseenAs = "neutral",
        rare_share: float = 0.01,
        smoothing: float = 0.0,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        max_prebins: int = 128,
        constant: str = "raise",
    ) -> None:
        self.max_bins = max_bins
        self.min_bin_size = min_bin_size
        self.monotonic = monotonic
        self.special_values = special_values
        self.min_bins = min_bins
        self.min_events = min_events
        self.min_nonevents = min_nonevents
        self.min_rate_difference = min_rate_difference
        self.max_p_value = max_p_value
        self.objective = objective
        self.missing = missing
        self.unseen = unseen
        self.rare_share = rare_share
        self.smoothing = smoothing
        self.overrides = overrides
        self.max_prebins = max_prebins
        self.constant = constant

    def fit(self, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Find the best bins of every column.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
        y : array of shape (n,)
            Two classes; the second in sorted order (1 of 0 and 1) is the event.
        sample_weight : array of shape (n,), optional
            Not negative. Counts become sums of weights.
        periods : array of shape (n,), optional
            The period (month, quarter) of each row, or its date: the trend of every column must then hold in each
            period. See `riskml.scorecard.periods.period_codes` for what becomes of dates. Bins that are given by hand
            are left as they are.

        Returns
        -------
        OptimalBinner

        Raises
        ------
        DataError, ConfigError, FitError
            When the table, an option, or both together are impossible; the message names column and constraint.
        """
        frame = self._named(X, reset=True)
        self.classes_, event = binary_target(frame, y)
        period, named = (None, []) if periods is None else period_codes(periods, event)
        weight = row_weights(sample_weight, len(frame))
        if period is not None and weight is not None:
            period = period[weight > 0]
        frame, event, weight = without_zero_weights(frame, event, weight)
        self._check_options(frame)
        kinds = Schema.infer(frame)
        self.schema_ = Schema(tuple(replace(column, special=self._special(column)) for column in kinds))
        self.bins_ = {}
        tables = []
        for column in self.schema_:
            options = self._options(column.name)
            values = self._values(frame, column)
            counts = self._counted(column, values, event, weight, options)
            parts = [] if period is None else self._by_period(counts, values, event, weight, period)
            levels = [str(code) for code in column.special] if column.kind == "categorical" else []
            found = bin_column(column.name, counts, options, parts, levels)
            self.bins_[column.name] = found
            if period is not None:
                tables.append(by_period(found, values, event, weight, period, named))
        self.by_period_ = pd.concat(tables, ignore_index=True) if tables else no_periods()
        return self.summarised()

    def fit_counts(self, counts: Mapping[str, Counts]) -> Self:
        """Find the best bins from counts alone, wherever they were counted.

        Parameters
        ----------
        counts : mapping of column to NumericCounts or LevelCounts
            Over the same rows, with the pre-bins among whose edges the cuts are found.

        Returns
        -------
        OptimalBinner
        """
        if not counts:
            raise DataError("no counts are given", mend="hand in the counts of one column at the least")
        self.schema_ = Schema(
            tuple(
                Column(name, "numeric" if isinstance(part, NumericCounts) else "categorical")
                for name, part in counts.items()
            )
        )
        self.feature_names_in_ = np.asarray(list(counts), dtype=object)
        self.n_features_in_ = len(counts)
        self.classes_ = np.array([0, 1])
        self._check_options(pd.DataFrame(columns=list(counts)))
        self.bins_ = {}
        for name, part in counts.items():
            totals = part.totals
            if (np.asarray(part.counts) < 0).any() or (totals <= 0).any():
                raise DataError(
                    f"counts must not be negative, and hold events and non-events; the sums are {totals.tolist()}",
                    where=f"column {name!r}",
                )
            self.bins_[name] = bin_column(name, part, self._options(name))
        self.by_period_ = no_periods()
        return self.summarised()

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the weight of evidence of every value, shape (n, p), with the index of X; higher is riskier."""
        check_is_fitted(self)
        frame = self._named(X, reset=False)
        data = {column.name: self.bins_[column.name].woe(self._values(frame, column)) for column in self.schema_}
        return pd.DataFrame(data, index=frame.index, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that ``transform`` gives: those it was fitted on."""
        check_is_fitted(self)
        return np.asarray(self.schema_.names, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags(multi_class=False)
        # Weights of evidence are floats whatever goes in.
        tags.transformer_tags.preserves_dtype = []
        return tags

    def summarised(self) -> Self:
        """Set ``tables_`` and ``summary_`` from ``bins_``."""
        self.tables_ = {name: bins.table() for name, bins in self.bins_.items()}
        self.summary_ = pd.DataFrame(
            {
                "column": list(self.bins_),
                "iv": [float(table["iv"].sum()) for table in self.tables_.values()],
                "n_bins": [bins.regular for bins in self.bins_.values()],
                "trend": [bins.trend for bins in self.bins_.values()],
            }
        )
        return self

    def _values(self, frame: pd.DataFrame, column: Column) -> NDArray[Any]:
        # A table may name its columns by numbers; the schema's names are their texts.
        position = [str(name) for name in frame.columns].index(column.name)
        values = frame.iloc[:, position]
        if column.kind == "numeric" and values.dtype == np.float64:
            numbers = np.asarray(values.to_numpy())
            if not np.isinf(numbers).any():
                return numbers
        # One column at a time: a copy of the whole table would double the memory.
        return np.asarray(Schema((column,)).conform(frame.iloc[:, [position]])[column.name].to_numpy())

    def _counted(
        self,
        column: Column,
        values: NDArray[Any],
        event: NDArray[np.int8],
        weight: Floats | None,
        options: ColumnOptions,
    ) -> Counts:
        counts: Counts
        if column.kind == "categorical":
            counts = count_levels(values, event, weight)
            kinds = len(counts.levels) + bool(counts.missing.any())
            if len(counts.levels) > 1000 and len(counts.levels) > len(values) / 2:
                raise DataError(
                    f"{len(counts.levels):,} distinct levels in {len(values):,} rows: an identifier, or free text",
                    where=f"column {column.name!r}",
                    mend="leave the column out, or group its levels",
                )
        else:
            special = tuple(float(code) for code in column.special)
            most = min(self.max_prebins, _BENT_PREBINS) if options.monotonic in _BENT else self.max_prebins
            edges = prebin_edges(values, most, special, weight)
            if options.splits is not None:
                edges = np.union1d(edges, np.asarray(list(options.splits), dtype=np.float64))
            counts = count_numeric(values, event, edges, special, weight)
            kinds = int((counts.counts.sum(axis=1) > 0).sum()) + bool(counts.missing.any())
            kinds += sum(bool(part.any()) for part in counts.special.values())
        if kinds < 2 and self.constant == "raise":
            blank = bool(counts.missing.any())
            raise DataError(
                "all values are missing" if blank else "the column has one value only",
                where=f"column {column.name!r}",
                mend="leave the column out, or set constant='keep'",
            )
        return counts

    def _by_period(
        self,
        counts: Counts,
        values: NDArray[Any],
        event: NDArray[np.int8],
        weight: Floats | None,
        period: NDArray[np.intp],
    ) -> list[Counts]:
        parts: list[Counts] = []
        for number in range(int(period.max()) + 1):
            rows = period == number
            part_weight = None if weight is None else weight[rows]
            if isinstance(counts, LevelCounts):
                # The same levels in the same order, those that the period lacks among them.
                parts.append(counts.none() + count_levels(values[rows], event[rows], part_weight))
            else:
                special = tuple(counts.special)
                parts.append(count_numeric(values[rows], event[rows], counts.edges, special, part_weight))
        return parts

    def _options(self, column: str) -> ColumnOptions:
        by_name = {str(name): options for name, options in (self.overrides or {}).items()}
        said = {name: getattr(self, name) for name in _OPTIONS} | dict(by_name.get(column, {}))
        return ColumnOptions(**said)

    def _special(self, column: Column) -> tuple[Any, ...]:
        said = self.special_values
        if said is None:
            return ()
        by_name = {str(name): codes for name, codes in said.items()} if isinstance(said, Mapping) else {}
        codes = by_name.get(column.name, ()) if isinstance(said, Mapping) else said
        if column.kind == "categorical":
            # A plain list is of numbers, and meant for the numeric columns.
            return tuple(sorted({level(code) for code in codes})) if isinstance(said, Mapping) else ()
        try:
            return tuple(sorted({float(code) for code in codes}))
        except (TypeError, ValueError):
            raise ConfigError(
                f"special values of a numeric column are numbers; got {list(codes)!r}",
                where=f"special_values, column {column.name!r}",
            ) from None

    def _check_options(self, frame: pd.DataFrame) -> None:
        if self.constant not in ("raise", "keep"):
            raise ConfigError(f"constant must be 'raise' or 'keep'; got {self.constant!r}", where="constant")
        if not 2 <= self.max_prebins <= 1024:
            raise ConfigError(f"max_prebins must lie in 2..1024; got {self.max_prebins}", where="max_prebins")
        names = [str(name) for name in frame.columns]
        for column in self.overrides or {}:
            if str(column) not in names:
                raise ConfigError(f"no column is called {column!r}", where="overrides", mend=near(str(column), names))
        known = {field.name for field in fields(ColumnOptions)}
        for column, options in (self.overrides or {}).items():
            for option in options:
                if option not in known:
                    raise ConfigError(
                        f"unknown option {option!r}",
                        where=f"overrides, column {column!r}",
                        mend=near(option, known) or f"options are {', '.join(sorted(known))}",
                    )
