"""Explanations of a plan: why an action is chosen or left out, in English or Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskml.config.policy import OTHER, Policy
from riskml.i18n import Language, in_language, label, labels
from riskml.policy.customers import Customers
from riskml.policy.offers import Offers
from riskml.policy.optimise import Solution
from riskml.policy.options import UNIT, Floats, Ints, Limit


@dataclass(frozen=True)
class Why:
    """The explanations of a plan, each list in the order of its options."""

    policy: Policy
    customers: Customers
    offers: Offers
    left: tuple[Limit, ...]  # what mandatory actions leave of the limits
    solution: Solution
    language: Language

    @property
    def held_out(self) -> str:
        """Explanation for customers who are held out."""
        return self._texts["held_out"]

    def of_mandatory(self) -> Iterator[str]:
        """Yield the explanation of each mandatory action."""
        must, text = self.offers.must, self._texts["must"]
        for opening, action, gain, cost in zip(
            self._openings(must.customer),
            must.treatment.tolist(),
            self._money(must.benefit),
            self._money(must.cost / UNIT),
            strict=True,
        ):
            yield opening + text.format(action=self._titles[action], gain=gain, cost=cost)

    def of_optional(self) -> Iterator[str]:
        """Yield the explanation of each chosen action."""
        may, taken, texts = self.offers.may, self.solution.taken, self._texts
        price = np.maximum(may.benefit[taken] - self.solution.net[taken], 0)
        alternatives, gaps = self._alternatives()
        negotiated = self.offers.negotiated[may.customer[taken]]
        for opening, action, gain, cost, priced, prices, other, gap, distance, talk in zip(
            self._openings(may.customer[taken]),
            may.treatment[taken].tolist(),
            self._money(may.benefit[taken]),
            self._money(may.cost[taken] / UNIT),
            (price >= 0.005).tolist(),
            self._money(price),
            alternatives.tolist(),
            gaps.tolist(),
            self._money(np.abs(gaps)),
            negotiated.tolist(),
            strict=True,
        ):
            sentence = opening + texts["may"].format(action=self._titles[action], gain=gain, cost=cost)
            if priced:
                sentence += texts["price"].format(price=prices)
            if other < 0:
                sentence += texts["alone"]
            else:
                sentence += texts["less" if gap >= 0 else "more"].format(other=self._titles[other], gap=distance)
            yield sentence + (texts["negotiated"] if talk else "")

    def of_missed(self) -> Iterator[str]:
        """Yield the explanation for each customer without a beneficial action."""
        may, rows = self.offers.may, self.missed
        beyond = np.isneginf(self.solution.net[rows])
        for opening, row, gain, alone in zip(
            self._openings(may.customer[rows]),
            rows.tolist(),
            self._money(may.benefit[rows]),
            beyond.tolist(),
            strict=True,
        ):
            action = int(may.treatment[row])
            limits = self._beyond(row) if alone else self._binding[action]
            values = {"action": self._titles[action], "gain": gain, "limits": self._texts["and"].join(limits)}
            yield opening + self._texts["beyond" if alone else "missed"].format(**values)

    @cached_property
    def missed(self) -> Ints:
        """The best option of each customer who has beneficial options and gets none."""
        may = self.offers.may
        if not len(may):
            return np.zeros(0, dtype=np.int64)
        served = np.isin(may.customer[may.starts], may.customer[self.solution.taken], assume_unique=True)
        best = np.repeat(np.maximum.reduceat(may.benefit, may.starts), may.lengths)
        rows = np.flatnonzero((may.benefit == best) & np.repeat(~served, may.lengths))
        return rows[np.append(True, np.diff(may.customer[rows]) != 0)] if len(rows) else rows

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return labels("action", self.language)

    @cached_property
    def _titles(self) -> list[str]:
        return [in_language(one.title, self.language) for one in self.policy.treatments.values()]

    @cached_property
    def _binding(self) -> list[list[str]]:
        """The binding limits of each treatment, or all its limits where rounding left no price."""
        limits = []
        for action in range(len(self.offers.names)):
            under = [(limit, price) for limit, price in zip(self.left, self.solution.prices, strict=True)]
            under = [(limit, price) for limit, price in under if limit.treatments[action]]
            priced = [self._words(limit) for limit, price in under if price > 0]
            limits.append(priced or [self._words(limit) for limit, _ in under])
        return limits

    def _beyond(self, row: int) -> list[str]:
        may = self.offers.may
        return [self._words(limit) for limit in self.left if int(may.uses(limit, np.array([row]))[0]) > limit.amount]

    def _words(self, limit: Limit) -> str:
        return limit_words(self.policy, limit.name, self.language)

    def _alternatives(self) -> tuple[Ints, Floats]:
        """Return the best alternative of each treated customer, -1 for none, and how far it is behind."""
        may, taken = self.offers.may, self.solution.taken
        if not len(taken):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        keep = np.isin(may.customer, may.customer[taken])
        at = may.at(keep)
        benefit = at.benefit.copy()
        benefit[np.searchsorted(np.flatnonzero(keep), taken)] = -np.inf
        best = np.maximum.reduceat(benefit, at.starts)
        rows = np.flatnonzero(benefit == np.repeat(best, at.lengths))
        rows = rows[np.append(True, np.diff(at.customer[rows]) != 0)]
        other = np.where(np.isneginf(best), -1, at.treatment[rows])
        return other, np.where(other < 0, 0.0, may.benefit[taken] - np.where(other < 0, 0.0, best))

    def _openings(self, position: Ints) -> Iterator[str]:
        texts, customers = self._texts, self.customers
        tiers = [self.policy.tier_title(name, self.language) for name in self.policy.tiers]
        reasons = [
            self.policy.reason_title(name, self.language) if name != OTHER else texts[OTHER]
            for name in customers.reasons
        ]
        for p, tier, reason, column in zip(
            customers.amount("probability")[position].tolist(),
            customers.tier[position].tolist(),
            customers.reason[position].tolist(),
            customers.column[position].tolist(),
            strict=True,
        ):
            because = texts["because"].format(column=column) if column else ""
            yield texts["opening"].format(
                p=f"{p:.0%}" if p >= 0.1 else f"{p:.1%}", tier=tiers[tier], reason=reasons[reason], because=because
            )

    def _money(self, amounts: Floats) -> list[str]:
        unit = f" {self.policy.currency}" if self.policy.currency else ""
        return [(f"{x:,.0f}" if abs(x) >= 100 else f"{x:,.2f}") + unit for x in amounts.tolist()]


def limit_words(policy: Policy, limit: str, language: Language) -> str:
    """Return the title of a limit: of ``limits.roles.risk.hours`` it is "the hours of risk"."""
    texts, (*_, kind, name, measure) = labels("action", language), ("", *limit.split("."))
    if limit.count(".") == 1:
        return texts[measure]
    title = policy.treatment_title(name, language) if kind == "treatments" else label("role", name, language)
    return texts[kind].format(name=title, measure=texts["money" if measure == "budget" else measure])
