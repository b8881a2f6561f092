"""Guesses that start an experiment: which value is the event, and what is asked. A person confirms them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from riskml.config.experiment import Scalar
from riskml.data.catalog import samples
from riskml.data.key_columns import blank, outcome
from riskml.errors import ConfigError, DataError
from riskml.runtime.frame import levels

EVENT_WORDS = frozenset(
    ("true", "yes", "y", "t", "bad", "default", "defaulted", "charged_off", "delinquent", "overdue", "late")
    + ("churn", "churned", "attrited", "attrited_customer", "left", "leaver", "lost", "exited", "cancelled", "canceled")
    + ("lapsed", "流失", "已流失", "违约", "逾期", "坏账")
)
_CHURN_WORDS = ("churn", "attrit", "cancel", "lapse", "exited", "retention", "renew", "leaver", "流失")


@dataclass(frozen=True)
class FoundOutcome:
    """A target as it is read."""

    event: Scalar  # the value of the event, of the column's own type
    guessed: bool
    y: pd.Series  # 1 is the event; only the rows that have an outcome
    others: tuple[str, ...]  # the other values


def find_outcome(column: pd.Series, event: Scalar | None) -> FoundOutcome:
    """Return how a target is read, guessing the event where none is given."""
    column = column[~blank(column)]
    if column.empty:
        raise DataError("the target has no values", where=f"column {column.name!r}", fix="name another target")
    texts = pd.Series(levels(column))
    wanted = guess_event(texts) if event is None else event
    if wanted is None:
        seen = ", ".join(f"{value!r} ({count} rows)" for value, count in texts.value_counts().head(10).items())
        raise ConfigError(
            f"the target has {texts.nunique()} values, and none says that it is the event: {seen}",
            where=f"column {column.name!r}",
            fix="say which one with --event",
        )
    y = outcome(column, wanted)
    others = tuple(dict.fromkeys(texts[y.to_numpy() == 0]))
    return FoundOutcome(_own(column[y == 1].iloc[0]), event is None, y, others)


def guess_event(texts: pd.Series) -> str | None:
    """Return the value that seems to be the event: the one that says so, 1 against 0 (or -1), else the rarer of two.

    Examples
    --------
    >>> guess_event(pd.Series(["Yes", "No"])), guess_event(pd.Series(["2", "1", "1"]))
    ('Yes', '2')
    """
    counts = texts.value_counts()
    values = [str(value) for value in counts.index]
    words = [value for value in values if re.sub(r"[\s-]+", "_", value.strip().casefold()) in EVENT_WORDS]
    if len(words) == 1:
        return words[0]
    if set(values) in ({"0", "1"}, {"-1", "1"}):
        return "1"
    return values[-1] if len(values) <= 2 else None


def guess_task(name: str, file: str, target: str, event: Scalar) -> Literal["default", "churn"]:
    """Return what an experiment seems to ask, by the words of its names.

    Examples
    --------
    >>> guess_task("book", "book.csv", "Attrition_Flag", 1), guess_task("book", "loans.csv", "status", "bad")
    ('churn', 'default')
    """
    known = {sample.name: sample.task for sample in samples()}
    if file in known:
        return known[file]
    said = " ".join([name, Path(file).name, target, str(event)]).casefold()
    return "churn" if any(word in said for word in _CHURN_WORDS) else "default"


def whole(value: Scalar) -> Scalar:
    """Return a number without a fraction as an integer, and anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _own(value: object) -> Scalar:
    plain = value.item() if hasattr(value, "item") else value
    return whole(plain) if isinstance(plain, (bool, int, float, str)) else levels(pd.Series([value]))[0]
