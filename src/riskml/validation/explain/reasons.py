"""One customer's reasons in plain words: the value, how it compares with others, and what it does to the risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from riskml.data.grouping import MISSING
from riskml.display.format import cell_value, count, percent
from riskml.runtime.frame import level, numeric
from riskml.runtime.package import Artifact
from riskml.validation.explain.background import Background
from riskml.validation.explain.importance import points_of_columns

_FEW = 20
_DID = {"default": "defaulted", "churn": "left"}


def reasons_in_words(
    model: Artifact,
    customers: pd.DataFrame,
    book: Background,
    *,
    n: int = 4,
    least: float = 0.02,
    meanings: Mapping[str, Mapping[Any, str]] | None = None,
) -> pd.DataFrame:
    """Return a sentence for each reason of each customer.

    Parameters
    ----------
    book : Background
        Of the customers of training.
    n : int, default 4
        Reasons per customer at the most.
    least : float, default 0.02
        Log-odds above the average customer's that a value must add to be worth a sentence.
    meanings : mapping of column name to mapping of code to text, optional
        What special codes mean.

    Returns
    -------
    DataFrame
        ``customer``, ``rank``, ``column``, ``value``, ``contribution``, ``sentence``. Only what raised the risk above
        the average customer's is a reason, the strongest first; a column that the model does not read, or whose value
        did not count, never is. Sentences hold names and values as they are: whoever shows them as HTML escapes them
        (``riskml.display.table`` does).
    """
    reasons = model.explain(customers, n)
    reasons = reasons[reasons["contribution"] >= least].reset_index(drop=True)
    points = points_of_columns(model, customers)
    place = {customer: row for row, customer in enumerate(customers.index)}
    sentences = []
    for customer, column, contribution in zip(
        reasons["customer"], reasons["column"], reasons["contribution"], strict=True
    ):
        row = place[customer]
        value = customers[column].iloc[row]
        value = float(numeric(customers[column].iloc[[row]])[0]) if column in book.numbers else value
        lost = None if points is None else book.points[column] - float(points[column].iloc[row])
        sentences.append(
            _sentence(column, value, contribution, book, model.task, lost, (meanings or {}).get(column, {}))
        )
    return reasons.assign(sentence=sentences)


def _sentence(
    column: str,
    value: Any,
    contribution: float,
    book: Background,
    task: str,
    lost_points: float | None,
    meanings: Mapping[Any, str],
) -> str:
    group, customers, events = book.group(column, value)
    stated = f"{column} {_state(column, value, group, customers, book, meanings)}"
    effect = _effect(contribution, lost_points)
    if customers < _FEW:
        return f"{stated}, which raises the risk ({_counted(customers)}); {effect}"
    did, rate = _DID.get(task, "had the event"), events / customers
    banded = column in book.numbers and group not in (level(value), MISSING)
    alike = f"those with {group}" if banded else "such customers"
    seen = f"of {alike}, {percent(rate, 0)} {did} (of all, {percent(book.event_rate, 0)})"
    if rate > book.event_rate:
        return f"{stated}, which raises the risk: {seen}; {effect}"
    # By itself the value is not riskier: it is, to the model, beside the customer's other values.
    return f"{stated}, which raises the risk beside the other values, though not by itself: {seen}; {effect}"


def _counted(customers: int) -> str:
    return "no such customer is known" if not customers else f"only {count(customers)} such customers are known"


def _state(column: str, value: Any, group: str, customers: int, book: Background, meanings: Mapping[Any, str]) -> str:
    if group == MISSING and (value is None or value != value or not str(value).strip()):
        return "is missing"
    written = cell_value(value) if column in book.numbers else level(value)
    meaning = {level(code): text for code, text in meanings.items()}.get(level(value))
    if meaning:
        return f"is {written} ({meaning})"
    if column not in book.numbers or not len(book.numbers[column]) or group == level(value) != written:
        return f"is {written}, as for {percent(customers / book.rows, 0)} of customers"
    fewer, more = book.beside(column, float(value))
    if max(fewer, more) < 0.5:
        return f"is {written}, about the middle"
    return (
        f"is {written}, and {percent(fewer, 0)} of customers have less"
        if fewer > more
        else (f"is {written}, and {percent(more, 0)} of customers have more")
    )


def _effect(contribution: float, lost_points: float | None) -> str:
    if lost_points is not None and round(lost_points) >= 1:
        return f"it takes {count(lost_points)} {'point' if round(lost_points) == 1 else 'points'}"
    return f"it multiplies the odds by {np.exp(contribution):.2f}"
