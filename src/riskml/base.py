"""What the kit's estimators share: scikit-learn's rules at the door, raw pandas frames inside."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from riskml.errors import ConfigError, DataError
from riskml.runtime.dataframes import as_pandas, like
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import Model, probability
from riskml.schema import Kind, Schema, refuse_duplicates

SpecialValues = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class _Codes:
    """The special codes of one column, as `riskml.schema.ColumnFacts`."""

    special: Mapping[Any, str]
    kind: Kind | None = None
    description: str = ""


@contextmanager
def unchanged_on_failure(estimator: BaseEstimator) -> Iterator[None]:
    """Give an estimator back what it had learned before, when learning anew fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _codes_of(special_values: Any) -> SpecialValues:
    """Return the special codes by column, or refuse what is no mapping of lists."""
    codes_by_column = {} if special_values is None else special_values
    if not isinstance(codes_by_column, Mapping) or any(
        isinstance(codes, (str, bytes)) or not isinstance(codes, Iterable) for codes in codes_by_column.values()
    ):
        raise ConfigError(
            f"special_values map columns to lists of codes; got {special_values!r}",
            where="special_values",
            fix="write {'age': [-1]}",
        )
    return codes_by_column


def pandas_or_array(X: Any) -> Any:
    """Return a data frame of any library as pandas, and anything else as it is."""
    try:
        frame = as_pandas(X)
    except ValueError as error:
        raise DataError(str(error), where="X") from None
    return X if frame is None else frame


def _check_header(names: pd.Index) -> None:
    kinds = {type(name).__name__ for name in names}
    if len(kinds) > 1 and "str" in kinds:
        raise DataError(
            f"the columns' names are of several types: {', '.join(sorted(kinds))}",
            where="the header",
            fix="name every column by text: X.columns = X.columns.astype(str)",
        )
    refuse_duplicates(map(str, names))


class FrameEstimator(BaseEstimator):  # type: ignore[misc]
    """Reads a raw frame (numbers, categories, missing values), or an array of numbers, by a schema learned in fit.

    Frames are those of pandas, polars, Arrow and all others that narwhals reads; results by row are frames of the same
    library, in the same order.
    """

    schema_: Schema

    def _learn_schema(self, X: Any, special_values: SpecialValues | None = None) -> pd.DataFrame:
        frame = self._named(X, reset=True)
        codes = {name: _Codes(dict.fromkeys(values, "")) for name, values in _codes_of(special_values).items()}
        self.schema_ = Schema.infer(frame, codes)
        return self.schema_.conform(frame)

    def _read(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self)
        return self.schema_.conform(self._named(X, reset=False))

    def _named(self, X: Any, *, reset: bool) -> pd.DataFrame:
        X = pandas_or_array(X)
        if isinstance(X, pd.DataFrame):
            _check_header(X.columns)
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and len(X) < 2:
                raise DataError(f"n_samples={len(X)}: a fit needs at least two rows", fix="hand in more rows")
            if reset and not X.shape[1]:
                raise DataError(f"0 feature(s) (shape={X.shape}) while a minimum of 1 is required", fix="add columns")
            learned = () if reset else self._learned_names()
            if hasattr(self, "feature_names_in_") or set(learned) <= set(map(str, X.columns)):
                return X
            # What was learned from an array is found by position.
            return X.set_axis(list(learned), axis=1)
        array = check_array(X, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1, estimator=self)
        validate_data(self, X, reset=reset, skip_check_array=True)
        names = (() if reset else self._learned_names()) or [f"x{i}" for i in range(array.shape[1])]
        return pd.DataFrame(array, columns=list(names))

    def _html_repr(self) -> str:
        """Return the HTML for notebooks (called by scikit-learn): the fitted estimator's, or scikit-learn's diagram."""
        try:
            check_is_fitted(self)
        except NotFittedError:
            return str(super()._html_repr())
        return self._fitted_html() or str(super()._html_repr())

    def _fitted_html(self) -> str:
        return ""

    def _learned_names(self) -> tuple[str, ...]:
        """Return the names of all columns in the order of the table that was learned from, or none."""
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return tuple(names)
        names = self.schema_.names if hasattr(self, "schema_") else ()
        return names if len(names) == self.n_features_in_ else ()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags


class RiskEstimator(ClassifierMixin, FrameEstimator):  # type: ignore[misc]
    """A binary classifier whose fitted form is a `riskml.runtime` model.

    ``classes_[1]`` is the event: with labels 0 and 1 that is 1, and higher probabilities are riskier.
    """

    model_: Model
    classes_: NDArray[Any]

    def _learn_target(self, X: pd.DataFrame, y: Any) -> NDArray[np.int8]:
        if y is None:
            raise DataError("requires y to be passed, but the target y is None")
        labels = column_or_1d(y, warn=True)
        check_consistent_length(X, labels)
        blank = pd.isna(labels)
        if blank.any():
            raise DataError(f"the target has {int(blank.sum())} blanks (NaN)", fix="drop those rows or fill them in")
        if labels.dtype.kind == "f" and np.isinf(labels).any():
            raise DataError("the target has infinite values", fix="make the target 0 or 1")
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) > 2:
            raise DataError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"{len(self.classes_)} classes",
                fix="say which value is the event and make the target 0 or 1",
            )
        if len(self.classes_) < 2:
            raise DataError(
                f"the target has one class only: {self.classes_.tolist()[0]!r}", fix="hand in rows of both classes"
            )
        if isinstance(self.classes_[1], str):
            warnings.warn(
                f"the outcomes are text: {str(self.classes_[1])!r} sorts last and is taken for the event, "
                f"{str(self.classes_[0])!r} for its absence; make the event 1 and the others 0 to be sure",
                UserWarning,
                stacklevel=3,
            )
        return codes.astype(np.int8)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return log-odds of the event, shape (n,); higher is riskier."""
        frame = self._read(X)
        columns = read_columns(frame, self.model_.kinds)
        # A model without columns (all were dropped) still has to answer for every row.
        return self.model_.margin(columns) if columns else np.full(len(frame), self.model_.base)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probabilities of ``classes_``, shape (n, 2); the second column is the event's."""
        event = probability(self.decision_function(X))
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable class of each row, shape (n,)."""
        risky = self.decision_function(X) > 0
        return np.asarray(self.classes_[risky.astype(int)])

    def contributions(self, X: Any) -> pd.DataFrame:
        """Return the log-odds that each column adds to ``model_.base``, shape (n, columns); higher is riskier."""
        frame = self._read(X)
        columns = read_columns(frame, self.model_.kinds)
        values = self.model_.contributions(columns) if columns else np.zeros((len(frame), 0))
        return like(X, pd.DataFrame(values, index=frame.index, columns=list(self.model_.kinds)))

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their outcomes y."""
        raise TypeError(f"{type(self).__name__} is a base class")  # pragma: no cover

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
