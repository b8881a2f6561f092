"""Verdict of a gate: each check with its value, its bound and its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from riskml.display.format import markdown
from riskml.validation.performance import Performance, TierLike, tier_of


@dataclass(frozen=True)
class Evidence:
    """A model's probabilities for the test set, and the outcomes.

    Parameters
    ----------
    y : Series of 0 and 1, shape (n,)
        1 is the event.
    probability : Series of shape (n,)
        Of the event; higher is riskier. The index of ``y``.
    development : Series of shape (m,)
        The out-of-fold probabilities of the training rows, by models that were not trained on them.
    fitted : Series of shape (k,), optional
        What the model itself gives training rows; like for like where probabilities take few values.
    tiers : sequence of tiers
        The safest first.
    groups : DataFrame of shape (n, protected columns)
        The index of ``y``.
    unread : mapping of column to reason
        Protected columns that could not be read, and why.
    directions : mapping of column to "ascending" or "descending"
        What the experiment declares of the columns.
    violations : DataFrame
        How the model keeps to it: `riskml.explanation.monotone_violations`.
    seed : int
        Of what is drawn by chance.
    by_hand : bool
        Whether a person has gone through the notebooks.
    """

    y: pd.Series
    probability: pd.Series
    development: pd.Series
    tiers: Sequence[TierLike]
    fitted: pd.Series | None = None
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    unread: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    violations: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["column", "violated", "largest"]))
    seed: int = 0
    by_hand: bool = False

    def performance(self, level: float) -> Performance:
        """Return the model's performance on these rows, with intervals at a level."""
        return Performance(self.y, self.probability, tier_of(self.probability, self.tiers), level)


@dataclass(frozen=True)
class Check:
    """One thing that a model must show.

    Parameters
    ----------
    value : float or None
        What was measured; None where nothing could be, or had to be.
    bound : str
        The requirement.
    reason : str
        In words: why it passes, or why not.
    """

    name: str
    passed: bool
    value: float | None
    bound: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger may become the champion, check by check.

    Parameters
    ----------
    against : str
        The champion's version that it was compared with; "" where there was none.
    auc_lost : float
        AUC that will have been lost since a person last decided, if it becomes the champion.
    """

    checks: tuple[Check, ...]
    against: str = ""
    auc_lost: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every check has passed."""
        return all(check.passed for check in self.checks)

    @property
    def reason(self) -> str:
        """Why it passes, or everything that keeps it from passing."""
        failed = [f"{check.name}: {check.reason}" for check in self.checks if not check.passed]
        if failed:
            return "; ".join(failed)
        return f"not worse than version {self.against}, the champion" if self.against else "the first champion"

    def table(self) -> pd.DataFrame:
        """Return one row per check: ``check``, ``passed``, ``value``, ``bound``, ``reason``."""
        rows = [tuple(asdict(check).values()) for check in self.checks]
        return pd.DataFrame(rows, columns=["check", "passed", "value", "bound", "reason"])

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values, for JSON."""
        return {
            "passed": self.passed,
            "reason": self.reason,
            "against": self.against,
            "auc_lost": self.auc_lost,
            "checks": [asdict(check) for check in self.checks],
        }

    def to_markdown(self) -> str:
        """Return the verdict for people who look at a model in the registry."""
        title = "The gate: passed" if self.passed else "The gate: not passed"
        lines = [f"**{title}**", "", "| check | | value | required | why |", "|---|---|---|---|---|"]
        for check in self.checks:
            value = "" if check.value is None else f"{check.value:.4f}"
            passed = "passed" if check.passed else "**not passed**"
            name, bound, reason = map(markdown, (check.name, check.bound, check.reason))
            lines.append(f"| {name} | {passed} | {value} | {bound} | {reason} |")
        return "\n".join(lines)
