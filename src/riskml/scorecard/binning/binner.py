"""`OptimalBinner`: a scikit-learn transformer from columns to weights of evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from riskml.base import FrameEstimator, unchanged_on_failure
from riskml.errors import DataError, FitError
from riskml.runtime.dataframes import like
from riskml.schema import Column, Schema
from riskml.scorecard.binning.column_bins import ColumnBins, bin_column
from riskml.scorecard.binning.count_checks import checked_counts, checked_periods, column_of
from riskml.scorecard.binning.counts import Counts, counted, in_periods, refuse_useless
from riskml.scorecard.binning.options import (
    ColumnOptions,
    Constant,
    MissingAs,
    Monotonic,
    UnseenAs,
    column_options,
    special_codes,
    warn_of_misspelt,
)
from riskml.scorecard.binning.options import SpecialValues as SpecialValues
from riskml.scorecard.binning.periods import by_period, no_periods, period_codes
from riskml.scorecard.binning.target import binary_target, row_weights, without_zero_weights
from riskml.scorecard.binning.woe import Objective
from riskml.scorecard.display.tables import binner_html

_OPTIONS = tuple(field.name for field in fields(ColumnOptions) if field.name not in ("splits", "groups"))


@dataclass(eq=False, repr=False)
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
        takes a peak or a valley where the data say so clearly. ``summary_`` says what came out. Levels of a categorical
        column are ordered by their event rate, and ascend unless ``monotonic="none"``.
    special_values : sequence of numbers, or mapping of column to codes, optional
        Codes that each get a bin of their own. A plain sequence holds for every numeric column, a mapping names levels
        too; names of columns that the table does not have are ignored, with a warning where one looks misspelt.
    min_bins : int, default 1
        Least regular bins of a column.
    min_events, min_nonevents : float, default 1
        Least events and non-events in a regular bin.
    min_bin_count : float, default 0
        Least rows in a regular bin.
    min_event_share, min_nonevent_share : float, default 0
        Least share of all events, and of all non-events, in a regular bin.
    min_rate_difference : float, default 0
        Least difference of event rates between neighbours.
    max_p_value : float, default 1
        Highest p-value of the two-proportion z-test between neighbours.
    objective : {"iv", "js", "log_likelihood"}, default "iv"
        What is maximised: information value, Jensen-Shannon divergence, or the gain of log-likelihood.
    missing : {"own", "nearest"}, default "own"
        Missing values: a bin of their own, or the regular bin of nearest event rate. They join it when the bins are
        found; where the trend, or a constraint between neighbours, then fails, the column's note says so.
    unseen : {"neutral", "rare", "worst"}, default "neutral"
        What a level never seen in training counts as: weight 0, the bin of the rare levels, or the riskiest regular
        bin. Where no level was rare, ``rare`` means ``neutral``.
    rare_share : float, default 0.01
        Levels with a smaller share of rows are pooled.
    smoothing : float, default 0
        Rows of average risk that are added to each bin before its weight is taken. Where that must break the trend,
        the column's note says so.
    overrides : mapping of column to mapping of option, optional
        Any of the options for one column, and ``splits`` (numeric) or ``groups`` (categorical) to fix its bins: the
        constraints and the trend are then not asked of it.
    max_prebins : int, default 128
        Quantile pre-bins of a numeric column, among whose edges the cuts are found (128 at most for ``concave`` and
        ``convex``). More edges of given counts, or more levels that are not rare, are taken together with neighbours.
    constant : {"raise", "keep"}, default "raise"
        A column with one value, or none, or one that has fewer bins under the constraints than ``min_bins``: an error,
        or the bins that can be made. ``summary_`` has the reason.

    Attributes
    ----------
    tables_ : dict of column to DataFrame
        ``bin``, ``count``, ``event``, ``event_rate``, ``woe``, ``iv``.
    summary_ : DataFrame
        ``column``, ``iv``, ``n_bins`` (regular ones), ``trend``, ``note`` (why there is one bin only, or what does not
        hold; mostly empty).
    by_period_ : DataFrame
        ``column``, ``bin``, ``period``, ``count``, ``event``, ``event_rate``: how each regular bin went; without rows
        where no periods were given.
    classes_ : ndarray of shape (2,)
        The second is the event.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> binner = OptimalBinner(max_bins=2).fit(X, y)
    >>> binner.tables_["age"][["bin", "count", "event"]].to_dict("list")
    {'bin': ['(-inf, 36)', '[36, inf)'], 'count': [40, 40], 'event': [30, 5]}
    >>> float(binner.transform(X)["age"].iloc[3].round(3))
    1.35
    """

    max_bins: int = 6
    min_bin_size: float = 0.05
    monotonic: Monotonic = "auto"
    special_values: SpecialValues | None = None
    _: KW_ONLY
    min_bins: int = 1
    min_events: float = 1.0
    min_nonevents: float = 1.0
    min_bin_count: float = 0.0
    min_event_share: float = 0.0
    min_nonevent_share: float = 0.0
    min_rate_difference: float = 0.0
    max_p_value: float = 1.0
    objective: Objective = "iv"
    missing: MissingAs = "own"
    unseen: UnseenAs = "neutral"
    rare_share: float = 0.01
    smoothing: float = 0.0
    overrides: Mapping[str, Mapping[str, Any]] | None = None
    max_prebins: int = 128
    constant: Constant = "raise"
    bins_: dict[str, ColumnBins] = field(init=False)
    tables_: dict[str, pd.DataFrame] = field(init=False)
    summary_: pd.DataFrame = field(init=False)
    by_period_: pd.DataFrame = field(init=False)
    classes_: NDArray[Any] = field(init=False)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Find the best bins of every column.

        Parameters
        ----------
        y : array of shape (n,)
            Two classes; the second in sorted order (1 of 0 and 1) is the event.
        sample_weight : array of shape (n,), optional
            Not negative. Counts become sums of weights. A constant factor changes nothing: whole multiples of the
            smallest weight count as repeated rows, other weights have a mean of 1.
        periods : array of shape (n,), optional
            The period (month, quarter) of each row, or its date: the trend of every column must then hold in each
            period. `riskml.scorecard.binning.periods.period_codes` turns dates into periods. Fixed
            bins are left as they are.

        Raises
        ------
        DataError, ConfigError, FitError
            When the table, an option, or both together are impossible; the message names column and constraint. A fit
            that fails leaves what was learned before.
        """
        with unchanged_on_failure(self):
            frame = self._named(X, reset=True)
            self.classes_, event = binary_target(frame, y)
            period, named = (None, []) if periods is None else period_codes(periods, event)
            weight = row_weights(sample_weight, len(frame))
            if period is not None and weight is not None:
                period = period[weight > 0]
            frame, event, weight = without_zero_weights(frame, event, weight)
            columns = [replace(one, special=special_codes(self.special_values, one)) for one in Schema.infer(frame)]
            self.schema_ = Schema(tuple(columns))
            warn_of_misspelt(self.special_values, self.schema_.names, stacklevel=2)
            options = self._options(self.schema_.names)

            def count(column: Column) -> tuple[Counts, list[Counts]]:
                values = self._values(frame, column)
                counts = counted(column, values, event, weight, options[column.name])
                parts = [] if period is None else in_periods(counts, values, event, weight, period)
                return counts, parts

            return self._learn(count, options, named)

    def fit_counts(
        self, counts: Mapping[str, Counts], by_period: Mapping[Any, Mapping[str, Counts]] | None = None
    ) -> Self:
        """Find the best bins from counts alone, wherever they were counted.

        Parameters
        ----------
        counts : mapping of column to NumericCounts or LevelCounts
            Over the same rows, with the pre-bins among whose edges the cuts are found, special codes counted apart.
        by_period : mapping of period to such a mapping, optional
            The same counts of the rows of each period, over the same edges: they add up to ``counts``, and the trend
            of every column must then hold in each.

        Raises
        ------
        DataError, ConfigError, FitError
            When the counts are no counts, an option makes no sense, or both together are impossible; the message names
            column and field, or column and constraint. A fit that fails leaves what was learned before.
        """
        with unchanged_on_failure(self):
            checked = checked_counts(counts)
            parts = checked_periods(checked, by_period)
            self.schema_ = Schema(tuple(column_of(name, part, self.special_values) for name, part in checked.items()))
            if all(isinstance(name, str) for name in counts):
                self.feature_names_in_ = np.asarray(list(counts), dtype=object)
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            self.n_features_in_ = len(counts)
            self.classes_ = np.array([0, 1])
            warn_of_misspelt(self.special_values, self.schema_.names, stacklevel=2)
            options = self._options(self.schema_.names)

            def count(column: Column) -> tuple[Counts, list[Counts]]:
                return checked[column.name], [part[column.name] for part in parts.values()]

            return self._learn(count, options, list(parts))

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the weight of evidence of every value, shape (n, p); higher is riskier.

        Returns
        -------
        DataFrame
            Of the library of X, with its index or the order of its rows; pandas for an array. ``set_output`` overrules.
        """
        check_is_fitted(self)
        frame = self._named(X, reset=False)
        data = {column.name: self.bins_[column.name].woe(self._values(frame, column)) for column in self.schema_}
        woe = pd.DataFrame(data, index=frame.index, copy=False)
        # scikit-learn makes another library's frame of what pandas holds, not of every other library's.
        return like(X, woe) if _get_output_config("transform", self)["dense"] == "default" else woe

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that ``transform`` gives: those it was fitted on."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.asarray(self.schema_.names if input_features is None else names, dtype=object)

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
                "n_bins": [bins.n_bins for bins in self.bins_.values()],
                "trend": [bins.trend for bins in self.bins_.values()],
                "note": [bins.note for bins in self.bins_.values()],
            }
        )
        return self

    def _fitted_html(self) -> str:
        return binner_html(self)

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

    def _options(self, columns: Sequence[str]) -> dict[str, ColumnOptions]:
        return column_options({name: getattr(self, name) for name in _OPTIONS}, self.overrides, columns)

    def _learn(
        self,
        count: Callable[[Column], tuple[Counts, list[Counts]]],
        options: Mapping[str, ColumnOptions],
        periods: Sequence[str],
    ) -> Self:
        """Learn the bins of every column from its counts, and tell of all columns that have none at once."""
        self.bins_ = {}
        tables, problems = [], []
        for column in self.schema_:
            try:
                counts, parts = count(column)
                refuse_useless(column.name, counts, options[column.name])
                levels = [str(code) for code in column.special] if column.kind == "categorical" else []
                bins = bin_column(column.name, counts, options[column.name], parts, levels)
            except (DataError, FitError) as error:
                problems.append(error)
                continue
            self.bins_[column.name] = bins
            if parts:
                tables.append(by_period(bins, counts, parts, periods))
        if problems:
            raise _together(problems)
        self.by_period_ = pd.concat(tables, ignore_index=True) if tables else no_periods()
        return self.summarised()


def _together(problems: Sequence[DataError | FitError]) -> DataError | FitError:
    """Return one error for all columns that cannot be binned."""
    first = problems[0]
    if len(problems) == 1:
        return first
    return type(first)(
        "\n".join(f"{error.where}: {error.what}" for error in problems),
        where=f"{len(problems)} columns",
        fix="; ".join(dict.fromkeys(error.fix for error in problems if error.fix)),
    )
