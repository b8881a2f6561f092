"""Two models side by side: paired differences with intervals, who changes tier, and what more rows would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from riskml.errors import ConfigError, DataError
from riskml.metrics._inputs import Flags, Floats, column, level_of, outcome, positive_int, probability
from riskml.metrics._intervals import rate_interval
from riskml.metrics._steps import Rows
from riskml.metrics.calibration import brier, ece, log_loss
from riskml.metrics.discrimination import auc, delong_test, ks
from riskml.metrics.grades import migration_matrix

Metric = Callable[[Flags, Floats], float]
METRICS: Mapping[str, Metric] = MappingProxyType(
    {"auc": auc, "ks": ks, "brier": brier, "log_loss": log_loss, "ece": ece}
)


class Estimator(Protocol):
    """What a learning curve needs of a scikit-learn classifier."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from the rows."""

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return one probability per class, the event last."""


def paired_differences(
    y: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    *,
    metrics: Mapping[str, Metric] = METRICS,
    seed: int,
    n_resamples: int = 500,
    max_rows: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return each measure of two models on the same rows, and the interval of the difference.

    The AUC has the paired DeLong test. Any other measure is bootstrapped: the same rows are drawn for both models. On
    large tables each draw has ``max_rows`` rows, and the spread is scaled to the size of the table (the m out of n
    bootstrap), so that the time does not grow with the table.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap; m out of n: Politis, Romano, Wolf (1999),
    Subsampling.

    Parameters
    ----------
    y, p_a, p_b : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the two models.
    metrics : mapping of str to callable, optional
        Name and ``function(y, p) -> float``; AUC, KS, Brier, log loss and ECE when left out.
    seed : int
        Seed of the draws.
    n_resamples : int, default 500
        Number of draws.
    max_rows : int, default 10000
        Rows of a draw at most; two at least.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per measure: ``metric``, ``a``, ``b``, ``difference`` (a - b), ``lower``, ``upper``, ``p_value``
        (two-sided), ``method``. Whether more is better is the measure's own matter.

    Raises
    ------
    DataError
        When y is not 0 or 1 or has fewer than two of a class, a probability is outside 0…1, a value is missing, or the
        lengths differ.
    ConfigError
        When ``n_resamples`` is no whole number of at least 20, or ``max_rows`` none of at least 2.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1] * 20
    >>> good, poor = [0.1, 0.2, 0.3, 0.6, 0.8, 0.9] * 20, [0.4, 0.4, 0.5, 0.5, 0.6, 0.6] * 20
    >>> table = paired_differences(y, good, poor, metrics={"brier": brier}, seed=7)
    >>> table[["metric", "a", "b", "difference"]].round(3)
      metric      a     b  difference
    0  brier  0.058  0.19      -0.132
    >>> bool(table["upper"].iloc[0] < 0)
    True
    """
    flags = outcome(y, both_classes=True, at_least=2)
    a, b = probability(p_a, "p_a", length=flags.size), probability(p_b, "p_b", length=flags.size)
    level_of(level)
    n_rows = min(positive_int(max_rows, "max_rows", at_least=2), flags.size)
    by_draw = {name: metric for name, metric in metrics.items() if metric is not auc}
    n_draws = positive_int(n_resamples, "n_resamples", at_least=20)
    drawn = _drawn_differences(flags, a, b, by_draw, seed, n_draws, n_rows)
    records = []
    for name, metric in metrics.items():
        if metric is auc:
            test = delong_test(flags, a, b, level=level)
            records.append(
                (name, test.auc_a, test.auc_b, test.difference, test.lower, test.upper, test.p_value, "DeLong")
            )
            continue
        value_a, value_b = metric(flags, a), metric(flags, b)
        gap = value_a - value_b
        spread = gap + (drawn[name] - gap) * np.sqrt(n_rows / flags.size)
        lower, upper = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
        below, above = np.sum(spread <= 0), np.sum(spread >= 0)
        # One is added, as no number of draws can show that a chance is nil.
        p_value = min(1.0, 2 * (min(below, above) + 1) / (spread.size + 1))
        records.append((name, value_a, value_b, gap, lower, upper, p_value, "bootstrap"))
    return pd.DataFrame(records, columns=["metric", "a", "b", "difference", "lower", "upper", "p_value", "method"])


def _drawn_differences(
    y: Flags, a: Floats, b: Floats, metrics: Mapping[str, Metric], seed: int, n_resamples: int, n_rows: int
) -> dict[str, Floats]:
    drawn = {name: np.empty(n_resamples) for name in metrics}
    if not metrics:
        return drawn
    generator = np.random.default_rng(seed)
    for draw in range(n_resamples):
        rows = _both_classes(y, n_rows, generator)
        of_y, of_a, of_b = y[rows], a[rows], b[rows]
        for name, metric in metrics.items():
            drawn[name][draw] = metric(of_y, of_a) - metric(of_y, of_b)
    return drawn


def _both_classes(y: Flags, n_rows: int, generator: np.random.Generator) -> Rows:
    """Draw rows with replacement; a draw with one class has no ranking, and is drawn again."""
    for _ in range(100):
        rows = generator.integers(0, y.size, n_rows)
        if 0 < np.count_nonzero(y[rows]) < n_rows:
            return rows
    raise DataError(
        f"y has {int(y.sum())} events in {y.size} rows: draws of {n_rows} rows hold one class only",
        where="y",
        fix="raise max_rows, or compare on more rows",
    )


def swap_set(
    y: ArrayLike,
    tier_a: ArrayLike | pd.Series[Any],
    tier_b: ArrayLike | pd.Series[Any],
    *,
    tiers: Sequence[Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return who changes tier from model a to model b, and how these customers turned out.

    A better model moves customers to a riskier tier who have more events than those it moves the other way.

    Source: The interval: Brown, Cai, DasGupta (2001), Statistical Science 16.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    tier_a, tier_b : array of shape (n,)
        Tier of the same customers by the two models, or 0/1 for accepted and declined.
    tiers : sequence, optional
        All tiers, the safest first; ascending, or the order of an ordered categorical, when left out.
    level : float, default 0.95
        Confidence level of the event rate's Jeffreys interval.

    Returns
    -------
    DataFrame
        One row per pair of tiers that occurs: ``tier_a``, ``tier_b``, ``move`` (``riskier``, ``safer``, ``same``),
        ``count``, ``share`` (of all rows), ``event``, ``event_rate``, ``lower``, ``upper``.

    Raises
    ------
    DataError
        When y is not 0 or 1, a tier is missing or not among ``tiers``, or the lengths differ.

    Examples
    --------
    >>> swap_set([0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1])[["tier_a", "tier_b", "move", "count", "event_rate"]]
       tier_a  tier_b     move  count  event_rate
    0       0       0     same      1         0.0
    1       0       1  riskier      1         1.0
    2       1       0    safer      1         0.0
    3       1       1     same      1         1.0
    """
    flags = outcome(y)
    columns = [column(tier_a, "tier_a", length=flags.size), column(tier_b, "tier_b", length=flags.size)]
    moved = migration_matrix(*columns, grades=tiers)
    order = moved.index
    events = np.zeros(moved.shape)
    if flags.any():
        events = migration_matrix(*(tier[flags] for tier in columns), grades=list(order)).to_numpy(np.float64)
    count = moved.to_numpy(np.float64)
    row, place = np.nonzero(count)
    count, event = count[row, place], events[row, place]
    lower, upper = rate_interval(event, count, level_of(level))
    return pd.DataFrame(
        {
            "tier_a": order[row],
            "tier_b": order[place],
            "move": np.select([place > row, place < row], ["riskier", "safer"], "same"),
            "count": count.astype(np.int64),
            "share": count / flags.size,
            "event": event.astype(np.int64),
            "event_rate": event / count,
            "lower": lower,
            "upper": upper,
        }
    )


def learning_curve(
    estimator: Estimator,
    X: pd.DataFrame,
    y: ArrayLike,
    X_test: pd.DataFrame,
    y_test: ArrayLike,
    *,
    seed: int,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0),
    repeats: int = 3,
    metrics: Mapping[str, Metric] = METRICS,
) -> pd.DataFrame:
    """Return how the measures grow with the number of training rows: whether more data would help.

    Source: Perlich, Provost, Simonoff (2003), Journal of Machine Learning Research 4.

    Parameters
    ----------
    estimator : classifier
        A scikit-learn classifier; a clone is fitted each time.
    X : DataFrame of shape (n, k)
        Training rows.
    y : array of shape (n,)
        Their outcomes, 1 is the event.
    X_test : DataFrame of shape (m, k)
        Rows that are never trained on.
    y_test : array of shape (m,)
        Their outcomes.
    seed : int
        Seed of the drawing of rows.
    shares : sequence of float
        Shares of the training rows; events and non-events keep their proportion.
    repeats : int, default 3
        Draws for each share below 1; all rows are fitted once.
    metrics : mapping of str to callable, optional
        Name and ``function(y, p) -> float``.

    Returns
    -------
    DataFrame
        One row per share, draw and measure: ``share``, ``rows``, ``repeat``, ``metric``, ``train``, ``test``.

    Raises
    ------
    DataError
        When an outcome is not 0 or 1 or has one class, or the lengths differ.
    ConfigError
        When a share is not above 0 and at most 1.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> generator = np.random.default_rng(1)
    >>> X = pd.DataFrame({"x": generator.normal(size=400)})
    >>> y = (X["x"] + generator.normal(size=400) > 0).astype(int)
    >>> curve = learning_curve(
    ...     LogisticRegression(), X[:200], y[:200], X[200:], y[200:], seed=3, shares=(0.5, 1.0), metrics={"auc": auc}
    ... )
    >>> curve[["share", "rows", "repeat", "metric"]]
       share  rows  repeat metric
    0    0.5   100       0    auc
    1    0.5   100       1    auc
    2    0.5   100       2    auc
    3    1.0   200       0    auc
    """
    from sklearn.base import clone

    flags, flags_test = outcome(y, both_classes=True), outcome(y_test, both_classes=True, name="y_test")
    for frame, labels, name in ((X, flags, "X"), (X_test, flags_test, "X_test")):
        if len(frame) != labels.size:
            raise DataError(f"{name} has {len(frame)} rows where its outcomes have {labels.size}", where=name)
    if not shares or not all(0 < share <= 1 for share in shares):
        raise ConfigError(f"shares must be above 0 and at most 1, got {list(shares)}", where="shares")
    generator = np.random.default_rng(seed)
    records = []
    for share in shares:
        for repeat in range(positive_int(repeats, "repeats") if share < 1 else 1):
            rows = _stratified(flags, share, generator)
            fitted = clone(estimator).fit(X.iloc[rows], flags[rows].astype(np.int64))
            p_train, p_test = fitted.predict_proba(X.iloc[rows])[:, 1], fitted.predict_proba(X_test)[:, 1]
            for name, metric in metrics.items():
                records.append(
                    (float(share), rows.size, repeat, name, metric(flags[rows], p_train), metric(flags_test, p_test))
                )
    return pd.DataFrame(records, columns=["share", "rows", "repeat", "metric", "train", "test"])


def _stratified(y: Flags, share: float, generator: np.random.Generator) -> Rows:
    """Draw a share of the events and of the non-events, at least one of each, in the order of the rows."""
    parts = []
    for own in (np.flatnonzero(y), np.flatnonzero(~y)):
        parts.append(generator.permutation(own)[: max(1, round(share * own.size))])
    return np.sort(np.concatenate(parts))
