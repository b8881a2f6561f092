"""Selection of the characteristics of a card, with the reason for each one that is dropped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.options import Seed, is_number
from riskml.scorecard.card.flexible_regression import FlexibleFit, fit_flexible
from riskml.scorecard.card.regression import Logistic, fit_logistic
from riskml.scorecard.card.screens import correlated, inflated, lasso, positive_share, stepwise

Method = Literal["all", "stepwise", "l1"]


@dataclass(frozen=True)
class SelectionRules:
    """What a characteristic must satisfy to stay; None asks nothing."""

    min_iv: float = 0.01  # least information value
    # of two weights of evidence that correlate more, the one of lower information value goes
    max_correlation: float | None = 0.95
    max_vif: float | None = None  # highest variance inflation factor; the highest goes first
    # all that remain; or stepwise by Rao's score test (in) and Wald's test (out); or a lasso of lowest BIC
    method: Method = "all"
    p_value: float = 0.05  # the level of the stepwise tests
    # least share of five folds on which the coefficient is positive, of weights of evidence that were fitted on the
    # other folds, where it may be negative: noise is positive on about half of them
    min_stability: float | None = None
    # the characteristic with the lowest Wald statistic goes until so many are left
    max_characteristics: int | None = None
    # columns that no rule may drop, unless they have one bin only or would point against their weight of evidence; a
    # warning then says so
    always_keep: Sequence[str] = ()

    def check(self, columns: Sequence[str]) -> None:
        """Refuse rules that make no sense for these columns."""
        shares = {"min_iv": self.min_iv, "max_correlation": self.max_correlation, "min_stability": self.min_stability}
        numbers = shares | {"max_vif": self.max_vif, "selection_p_value": self.p_value}
        required = ("min_iv", "selection_p_value")
        problems = {
            name: f"{name} must be a number; got {value!r}"
            for name, value in numbers.items()
            if not (is_number(value) or (value is None and name not in required))
        }
        if isinstance(self.always_keep, str) or not isinstance(self.always_keep, Iterable):
            problems["always_keep"] = f"always_keep is a list of columns; got {self.always_keep!r}"
        if self.max_characteristics is not None and not is_number(self.max_characteristics, whole=True):
            problems["max_characteristics"] = (
                f"max_characteristics must be a whole number; got {self.max_characteristics!r}"
            )
        problems = problems or self._out_of_range(list(columns))
        if problems:
            raise ConfigError("\n".join(problems.values()), where=", ".join(problems), fix="correct these parameters")

    def _out_of_range(self, columns: Sequence[str]) -> dict[str, str]:
        ranges = (
            ("min_iv", self.min_iv, 0.0, np.inf),
            ("max_correlation", self.max_correlation, 0.0, 1.0),
            ("min_stability", self.min_stability, 0.0, 1.0),
        )
        problems = {
            name: f"{name} must lie between {low:g} and {high:g}; got {value}"
            for name, value, low, high in ranges
            if value is not None and not low <= value <= high
        }
        if not 0 < self.p_value < 1:
            problems["selection_p_value"] = f"selection_p_value must lie between 0 and 1; got {self.p_value}"
        if self.max_vif is not None and self.max_vif <= 1:
            problems["max_vif"] = f"max_vif must be above 1; got {self.max_vif}"
        if self.method not in get_args(Method):
            problems["selection"] = f"selection must be one of {', '.join(get_args(Method))}; got {self.method!r}"
        if self.max_characteristics is not None and self.max_characteristics < max(1, len(self.always_keep)):
            problems["max_characteristics"] = (
                f"max_characteristics must be at least 1 and leave room for always_keep; got {self.max_characteristics}"
            )
        unknown = [str(name) for name in self.always_keep if str(name) not in columns]
        if unknown:
            problems["always_keep"] = "\n".join(
                f"always_keep names {name!r}, which is no column; {did_you_mean(name, columns)}".rstrip("; ")
                for name in unknown
            )
        return problems


@dataclass(frozen=True)
class Selection:
    """The characteristics that stay."""

    kept: list[int]  # positions of the columns
    flexible: FlexibleFit  # their log-odds per bin
    fit: Logistic  # the regression on their weights of evidence
    table: pd.DataFrame  # ``column``, ``iv``, ``kept``, ``reason`` (empty for those that stay)


def select(
    woe: Floats,
    event: NDArray[Any],
    weight: Floats | None,
    summary: pd.DataFrame,
    rules: SelectionRules,
    *,
    woe_from: Callable[[NDArray[np.bool_]], Floats],
    notes: Sequence[str],
    C: float,
    flexibility: float,
    random_state: Seed = 0,
) -> Selection:
    """Return the characteristics that stay, after each rule in turn."""
    names = [str(name) for name in summary["column"]]
    iv = summary["iv"].to_numpy()
    safe = {i for i, name in enumerate(names) if name in map(str, rules.always_keep)}
    reasons: dict[int, str] = {}

    def drop(dropped: dict[int, str], *, even_safe: bool = False) -> None:
        for i in sorted(safe & set(dropped)) if even_safe else ():
            warnings.warn(f"always_keep: {names[i]!r} leaves all the same: {dropped[i]}", UserWarning, stacklevel=4)
        reasons.update({i: why for i, why in dropped.items() if even_safe or i not in safe})

    def left() -> list[int]:
        return [i for i in range(len(iv)) if i not in reasons]

    flat = [i for i in left() if np.ptp(woe[:, i]) == 0]
    drop({i: f"one bin only: {notes[i] or 'no cut is allowed'}" for i in flat}, even_safe=True)
    drop({i: f"information value {iv[i]:.4f} is below min_iv={rules.min_iv:g}" for i in left() if iv[i] < rules.min_iv})
    if rules.max_correlation is not None:
        drop(correlated(woe, weight, left(), iv, safe, rules.max_correlation, names))
    if rules.max_vif is not None:
        drop(inflated(woe, weight, left(), safe, rules.max_vif))
    if rules.method == "stepwise":
        drop(stepwise(woe, event, weight, left(), safe, rules.p_value, C))
    if rules.method == "l1":
        drop(lasso(woe, event, weight, left(), C))
    if rules.min_stability is not None:
        share = positive_share(woe_from, event, weight, left(), C, random_state)
        least = rules.min_stability
        drop({i: f"positive in {s:.0%} of folds, below min_stability={least:g}" for i, s in share.items() if s < least})
    kept, flexible, fit = _fitted(woe, event, weight, left, drop, safe, rules.max_characteristics, C, flexibility)
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "iv": iv,
            "kept": [i not in reasons for i in range(len(iv))],
            "reason": [reasons.get(i, "") for i in range(len(iv))],
        }
    )
    return Selection(kept, flexible, fit, table)


def _fitted(
    woe: Floats,
    event: NDArray[Any],
    weight: Floats | None,
    left: Callable[[], list[int]],
    drop: Callable[..., None],
    safe: set[int],
    most: int | None,
    C: float,
    flexibility: float,
) -> tuple[list[int], FlexibleFit, Logistic]:
    """Return what stays when none points against its weight of evidence and there are not too many, with the fits."""
    while True:
        kept = left()
        fit = fit_logistic(woe[:, kept], event, weight, C=C)
        against = [i for i, b in zip(kept, fit.coefficient, strict=True) if b <= 0]
        if against:
            why = "beside the others it would point against its weight of evidence"
            drop(dict.fromkeys(against, why), even_safe=True)
            continue
        flexible = fit_flexible([woe[:, i] for i in kept], event, weight, C=C, flexibility=flexibility)
        if most is None or len(kept) <= most:
            return kept, flexible, fit
        weakest = min((i for i in kept if i not in safe), key=lambda i: flexible.wald[kept.index(i)])
        wald = flexible.wald[kept.index(weakest)]
        drop({weakest: f"weakest beyond max_characteristics={most} (Wald {wald:.1f})"})
