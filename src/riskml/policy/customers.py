"""A scored book as a policy sees it: who is in which tier, why, and what is at stake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.config.policy import OTHER, Amount, Policy
from riskml.errors import DataError, did_you_mean, preview
from riskml.expressions import parse
from riskml.policy.options import Floats
from riskml.policy.tiers import probabilities

_SALT = "riskml hold out "  # 16 characters, as the hash asks for


@dataclass(frozen=True)
class Customers:
    """What a policy needs to know of each customer of a book, in the book's order.

    Parameters
    ----------
    book : DataFrame of shape (n, any)
        With the amounts that the policy states as columns that expressions can read.
    amounts : mapping of str to ndarray of shape (n,)
        ``probability``, ``exposure``, ``value`` and ``expected_loss``; 0 where the policy states none.
    tier : ndarray of int, shape (n,)
        Place among the policy's tiers.
    reason : ndarray of int, shape (n,)
        Place among `reasons`.
    column : ndarray of str, shape (n,)
        The column that gives the reason, or "".
    reasons : tuple of str
        The policy's groups, and "other".
    rule : ndarray of int, shape (n,)
        Place of the policy's rule.
    held_out : ndarray of bool, shape (n,)
        Who gets nothing but what must be done.
    """

    book: pd.DataFrame
    amounts: Mapping[str, Floats]
    tier: npt.NDArray[np.intp]
    reason: npt.NDArray[np.intp]
    column: npt.NDArray[np.object_]
    reasons: tuple[str, ...]
    rule: npt.NDArray[np.intp]
    held_out: npt.NDArray[np.bool_]

    def amount(self, name: str) -> Floats:
        """Return an amount of each customer: exposure, value, expected_loss or probability."""
        return self.amounts[name]


def customers_of(policy: Policy, book: pd.DataFrame) -> Customers:
    """Return what a policy needs to know of a scored book."""
    if book.index.has_duplicates:
        twice = book.index[book.index.duplicated()].unique()
        raise DataError(
            f"{len(twice)} customers are in the book more than once: {preview(twice)}",
            where="the index of the book",
            fix="hand in one row for each customer, of one as-of date",
        )
    for name in ("probability", "tier"):
        if name not in book:
            raise DataError(f"the book has no column {name!r}", where="the book", fix="score it first")
    chance = probabilities(book["probability"]) if len(book) else np.zeros(0)
    tier = _places(book["tier"], policy.tiers, "tier")
    groups = (*policy.reasons, OTHER)
    reason, column = _reasons(policy, book, groups)
    rules = np.array([[policy.rule_of(name, group) for group in groups] for name in policy.tiers], dtype=np.intp)
    amounts = _amounts(policy, book, chance)
    # An expression that reads an amount which nobody stated shall fail, and not find 0.
    stated = ["probability", *(name for name in ("exposure", "value") if getattr(policy.amounts, name) is not None)]
    stated += ["expected_loss"] if policy.task == "default" else []
    return Customers(
        book=book.assign(**{name: amounts[name] for name in stated}),
        amounts=amounts,
        tier=tier,
        reason=reason,
        column=column,
        reasons=groups,
        rule=rules[tier, reason],
        held_out=_held_out(policy, book.index),
    )


def _places(values: pd.Series, names: Sequence[str], what: str) -> npt.NDArray[np.intp]:
    codes, known = pd.factorize(values)
    strange = [name for name in known if name not in names]
    if strange or (codes < 0).any():
        raise DataError(
            f"{(codes < 0).sum()} customers have no {what}"
            if not strange
            else f"the book has the {what} {preview(strange)}, which the policy does not know",
            where=f"the book, column {what!r}",
            fix=did_you_mean(strange[0], names) if strange else "score the book first",
        )
    return np.array([names.index(name) for name in known], dtype=np.intp)[codes]


def _reasons(
    policy: Policy, book: pd.DataFrame, groups: tuple[str, ...]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """Return each customer's main reason, and the column that gives it: the strongest that belongs to a group."""
    nowhere = len(groups) - 1
    column = np.full(len(book), "", dtype=object)
    if "reason" in book:
        return _places(book["reason"], groups, "reason"), column
    reason = np.full(len(book), nowhere, dtype=np.intp)
    named = sorted((name for name in map(str, book.columns) if _rank(name)), key=_rank)
    for place, name in enumerate(named):
        codes, columns = pd.factorize(book[name])
        places = np.array([groups.index(policy.group_of(str(one))) if one else nowhere for one in columns] + [nowhere])
        texts = np.array([*map(str, columns), ""], dtype=object)
        # The first column stays the one to name, where none belongs to a group.
        better = (reason == nowhere) & ((places[codes] != nowhere) | (place == 0))
        reason[better], column[better] = places[codes][better], texts[codes][better]
    return reason, column


def _rank(name: str) -> int:
    word, _, number = name.partition("_")
    return int(number) if word == "reason" and number.isdecimal() else 0


def _amounts(policy: Policy, book: pd.DataFrame, chance: Floats) -> dict[str, Floats]:
    amounts = policy.amounts
    exposure = _amount(amounts.exposure, book, policy, "exposure")
    share = _amount(amounts.loss_given_default, book, policy, "loss_given_default")
    if (share > 1).any():
        raise DataError(
            f"the loss given default is a share, 0 to 1; {int((share > 1).sum())} customers have more",
            where="amounts.loss_given_default",
        )
    return {
        "probability": chance,
        "exposure": exposure,
        "value": _amount(amounts.value, book, policy, "value"),
        "expected_loss": chance * exposure * share,
    }


def _amount(amount: Amount | None, book: pd.DataFrame, policy: Policy, name: str) -> Floats:
    if amount is None:
        return np.zeros(len(book))
    if isinstance(amount, float):
        return np.full(len(book), amount)
    values = parse(amount, where=f"amounts.{name}").amounts(book).to_numpy(dtype=np.float64).copy()
    if policy.amounts.if_missing is not None:
        values[np.isnan(values)] = policy.amounts.if_missing
    wrong = ~(values >= 0) | ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"the amount is missing, infinite or below 0 for {int(wrong.sum())} customers, the first of them "
            f"{book.index[wrong][0]!r}",
            where=f"amounts.{name}, {amount!r}",
            fix="fill in the column, use max(…, 0), or say amounts.if_missing",
        )
    return values


def _held_out(policy: Policy, index: pd.Index) -> npt.NDArray[np.bool_]:
    """Return who is held out: by a hash of the customer, so that it is the same one every month."""
    if policy.hold_out.share == 0 or not len(index):
        return np.zeros(len(index), dtype=bool)
    texts = (policy.hold_out.salt + "|" + index.astype(str)).to_numpy(dtype=object)
    hashes = pd.util.hash_array(texts, hash_key=_SALT, categorize=False)
    return np.asarray(hashes.astype(np.float64) / 2.0**64 < policy.hold_out.share)
