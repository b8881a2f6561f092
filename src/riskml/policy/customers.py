"""Customers of a scored portfolio with their tier, reason, and amounts at stake; and tiers by rules without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.config.policy import OTHER, Amount, Policy
from riskml.data.portfolio import check_unique
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.expressions import parse
from riskml.policy.options import Floats
from riskml.policy.tiers import probabilities

_SALT = "riskml hold out "  # 16 characters, as the hash needs


@dataclass(frozen=True)
class Customers:
    """Customers as a policy reads them, in the portfolio's order; arrays have shape (n,)."""

    portfolio: pd.DataFrame  # with the policy's amounts as columns that expressions can read
    amounts: Mapping[str, Floats]  # ``probability``, ``exposure``, ``value``, ``expected_loss``; 0 where not stated
    tier: npt.NDArray[np.intp]  # position among the policy's tiers
    reason: npt.NDArray[np.intp]  # position among `reasons`
    column: npt.NDArray[np.object_]  # the column that gives the reason, or ""
    reasons: tuple[str, ...]  # the policy's groups, and "other"
    rule: npt.NDArray[np.intp]  # position of the policy's rule
    held_out: npt.NDArray[np.bool_]  # customers who get only mandatory actions

    def amount(self, name: str) -> Floats:
        """Return an amount of each customer: exposure, value, expected_loss or probability."""
        return self.amounts[name]


def customers_of(policy: Policy, portfolio: pd.DataFrame) -> Customers:
    """Return the customers of a scored portfolio, whose index is the customer."""
    check_unique(portfolio.index, "index of the portfolio")
    for name in ("probability", "tier"):
        if name not in portfolio:
            raise DataError(f"no column {name!r}", where="portfolio", fix="score the portfolio first")
    chance = probabilities(portfolio["probability"]) if len(portfolio) else np.zeros(0)
    tier = _positions(portfolio["tier"], policy.tiers, "tier")
    groups = (*policy.reasons, OTHER)
    reason, column = _reasons(policy, portfolio, groups)
    rules = np.array([[policy.rule_of(name, group) for group in groups] for name in policy.tiers], dtype=np.intp)
    amounts = _amounts(policy, portfolio, chance)
    # An expression that reads an amount which the policy does not state fails instead of reading 0.
    stated = ["probability", *(name for name in ("exposure", "value") if getattr(policy.amounts, name) is not None)]
    stated += ["expected_loss"] if policy.task == "default" else []
    return Customers(
        portfolio=portfolio.assign(**{name: amounts[name] for name in stated}),
        amounts=amounts,
        tier=tier,
        reason=reason,
        column=column,
        reasons=groups,
        rule=rules[tier, reason],
        held_out=_held_out(policy, portfolio.index),
    )


def _positions(values: pd.Series, names: Sequence[str], what: str) -> npt.NDArray[np.intp]:
    codes, known = pd.factorize(values)
    unknown, where = [name for name in known if name not in names], f"portfolio, column {what!r}"
    if unknown:
        fix = did_you_mean(unknown[0], names)
        raise DataError(f"the {what} {preview(unknown)} is not in the policy", where=where, fix=fix)
    if (codes < 0).any():
        raise DataError(f"{(codes < 0).sum()} customers have no {what}", where=where, fix="score the portfolio first")
    return np.array([names.index(name) for name in known], dtype=np.intp)[codes]


def _reasons(
    policy: Policy, portfolio: pd.DataFrame, groups: tuple[str, ...]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """Return each customer's main reason and its column: the first ranked column that belongs to a group."""
    nowhere = len(groups) - 1
    column = np.full(len(portfolio), "", dtype=object)
    if "reason" in portfolio:
        return _positions(portfolio["reason"], groups, "reason"), column
    reason = np.full(len(portfolio), nowhere, dtype=np.intp)
    ranked = sorted((name for name in map(str, portfolio.columns) if _rank(name)), key=_rank)
    for number, name in enumerate(ranked):
        codes, columns = pd.factorize(portfolio[name])
        group = np.array([groups.index(policy.group_of(str(one))) if one else nowhere for one in columns] + [nowhere])
        texts = np.array([*map(str, columns), ""], dtype=object)
        # Where no column belongs to a group, the first one is named.
        better = (reason == nowhere) & ((group[codes] != nowhere) | (number == 0))
        reason[better], column[better] = group[codes][better], texts[codes][better]
    return reason, column


def _rank(name: str) -> int:
    word, _, number = name.partition("_")
    return int(number) if word == "reason" and number.isdecimal() else 0


def _amounts(policy: Policy, portfolio: pd.DataFrame, chance: Floats) -> dict[str, Floats]:
    amounts = policy.amounts
    exposure = _amount(amounts.exposure, portfolio, policy, "exposure")
    share = _amount(amounts.loss_given_default, portfolio, policy, "loss_given_default")
    if (share > 1).any():
        raise DataError(
            f"the loss given default must be a share from 0 to 1; {int((share > 1).sum())} customers have more",
            where="amounts.loss_given_default",
        )
    value = _amount(amounts.value, portfolio, policy, "value")
    return {"probability": chance, "exposure": exposure, "value": value, "expected_loss": chance * exposure * share}


def _amount(amount: Amount | None, portfolio: pd.DataFrame, policy: Policy, name: str) -> Floats:
    if not isinstance(amount, str):
        return np.full(len(portfolio), amount or 0.0)
    fix = "fill the column, use max(…, 0), or set amounts.if_missing"
    return computed_amounts(amount, portfolio, f"amounts.{name}", fix, policy.amounts.if_missing)


def computed_amounts(
    expression: str, portfolio: pd.DataFrame, where: str, fix: str, if_missing: float | None = None
) -> Floats:
    """Return the amounts of an expression; refuse those that are missing, infinite or negative."""
    values = parse(expression, where=where).amounts(portfolio).to_numpy(dtype=np.float64).copy()
    if if_missing is not None:
        values[np.isnan(values)] = if_missing
    wrong = ~(values >= 0) | ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"the amount is missing, infinite or below 0 for {int(wrong.sum())} customers, such as "
            f"{portfolio.index[wrong][0]!r}",
            where=f"{where}, {expression!r}",
            fix=fix,
        )
    return values


def _held_out(policy: Policy, index: pd.Index) -> npt.NDArray[np.bool_]:
    """Return the customers who are held out, by a hash of the customer: the same ones every month."""
    if policy.hold_out.share == 0 or not len(index):
        return np.zeros(len(index), dtype=bool)
    texts = (policy.hold_out.salt + "|" + index.astype(str)).to_numpy(dtype=object)
    hashes = pd.util.hash_array(texts, hash_key=_SALT, categorize=False)
    return np.asarray(hashes.astype(np.float64) / 2.0**64 < policy.hold_out.share)


def scored_by_rules(policy: Policy, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a portfolio with tier, probability and reason by ``without_model`` of a policy.

    The first rule that holds for a customer counts; customers without a rule are in the lowest tier.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Index: the customer. The columns that the rules read.

    Returns
    -------
    DataFrame of shape (n, any)
        The frame with ``probability`` (an expert estimate, not calibrated), ``tier`` and ``reason``, as `plan` takes
        it.

    Raises
    ------
    ConfigError
        When the policy has no such rules, or one reads a column that the frame does not have.
    """
    fallback = policy.without_model
    if fallback is None:
        raise ConfigError(
            "the policy has no rules for a portfolio without a model", where="without_model", fix="add them"
        )
    which = np.full(len(frame), len(fallback.rules))
    for number, rule in reversed([*enumerate(fallback.rules)]):
        which[parse(rule.when, where=f"without_model.rules.{number}.when").holds(frame).to_numpy()] = number
    tiers = np.array([*(rule.tier for rule in fallback.rules), policy.tiers[0]], dtype=object)
    reasons = np.array([*(rule.reason for rule in fallback.rules), OTHER], dtype=object)
    chances = np.array([*(rule.probability for rule in fallback.rules), fallback.otherwise])
    return frame.assign(probability=chances[which], tier=tiers[which], reason=reasons[which])
