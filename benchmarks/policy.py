"""A month of a large book: tiers with hysteresis, actions within limits, messages; and how far from the optimum.

Targets, on two cores: tiers and actions of 1,000,000 customers in well under a minute and 4 GB; no limit exceeded; a
gap to the bound of the linear programme below 0.1 %. On a part of the book the programme is solved as it is, with one
row for each customer, by HiGHS: the peer that the cells and prices stand in for.

Run: ``python benchmarks/policy.py [--customers 1000000] [--peer 20000]``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskml.config.experiment import read_experiment
from riskml.config.policy import Policy, policy_of, read_policy
from riskml.policy.actions import options_of, plan
from riskml.policy.messages import messages
from riskml.policy.optimise import solve
from riskml.policy.options import Limit
from riskml.policy.shadow_prices import bound_at, optimum
from riskml.policy.tiers import tier_table, with_hysteresis

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
TODAY = dt.date(2024, 1, 31)
COLUMNS = [
    "invoices_dpd_now",
    "invoices_late_90d",
    "balances_utilisation_now",
    "balances_trend_90d",
    "orders_count_change_30_90d",
    "tickets_complaints_90d",
    "market_return_90d",
    "bureau_score_now",
    "region",
]


def book_of(customers: int, seed: int = 7) -> pd.DataFrame:
    """Return a scored book with the columns that the policy of the simulated book reads."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.7, 25, customers)
    names = np.array(COLUMNS, dtype=object)
    first = rng.integers(0, len(names), customers)
    return pd.DataFrame(
        {
            "probability": chance,
            "reason_1": names[first],
            "reason_2": names[(first + rng.integers(1, len(names), customers)) % len(names)],
            "invoices_owed_now": rng.lognormal(7.5, 1.3, customers),
            "balances_balance_now": np.where(rng.random(customers) < 0.3, np.nan, rng.lognormal(7, 1.2, customers)),
            "orders_sum_365d": rng.lognormal(8.5, 1.2, customers),
        },
        index=pd.Index([f"C{number:08d}" for number in range(customers)], name="customer"),
    )


def sized(policy: Policy, customers: int) -> Policy:
    """Return the policy with the limits of a house of this size; the file's are those of 10,000 customers."""
    by = customers / 10_000
    said = policy.model_dump()
    said["limits"]["budget"] *= by
    for role in said["limits"]["roles"].values():
        for name in ("hours", "budget"):
            role[name] = None if role[name] is None else role[name] * by
    for one in said["treatments"].values():
        one["capacity"] = None if one["capacity"] is None else int(one["capacity"] * by)
    return policy_of(said)


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do some work, and print how long it took."""
    start = time.perf_counter()
    found = work()
    print(f"  {what:<44} {time.perf_counter() - start:7.2f} s")
    return found


def kept(limits: pd.DataFrame, actions: pd.DataFrame, policy: Policy) -> bool:
    """Return whether the actions, counted again from the list itself, are within every limit."""
    hours = actions["action"].map({name: one.hours for name, one in policy.treatments.items()})
    measured = {"money": actions["cost"], "hours": hours, "actions": pd.Series(1.0, index=actions.index)}
    fine = True
    for row in limits.itertuples():
        parts = row.limit.split(".")
        counted = pd.Series(True, index=actions.index)
        if parts[0] == "treatments":
            counted = actions["action"] == parts[1]
        elif len(parts) > 2:
            counted = actions["owner"] == parts[2]
        fine &= measured[row.measure][counted].sum() <= row.allowed * (1 + 1e-12)
    return bool(fine)


def main() -> None:
    """Print seconds, memory and gaps."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--customers", type=int, default=1_000_000)
    asked.add_argument("--peer", type=int, default=20_000)
    said = asked.parse_args()
    tiers = read_experiment(EXPERIMENTS / "book_default.yaml").tiers
    policy = read_policy(EXPERIMENTS / "policies" / "book_default.yaml")
    book = book_of(said.customers)
    before = pd.Series(book["probability"] * np.exp(np.random.default_rng(8).normal(0, 0.2, len(book)))).clip(upper=1)
    start = time.perf_counter()
    print(f"{said.customers:,} customers, policy {policy.name}")
    last = with_hysteresis(before, tiers, None, 0.0)
    book["tier"] = timed(
        "tiers, with hysteresis", lambda: with_hysteresis(book["probability"], tiers, last, policy.hysteresis)
    )
    plain = with_hysteresis(book["probability"], tiers, None, 0.0)
    table = timed("tier table", lambda: tier_table(book["probability"], tiers, tier=book["tier"]))
    mine = sized(policy, said.customers)
    found = timed("plan: reasons, options, optimum, why", lambda: plan(mine, book, TODAY))
    total = time.perf_counter() - start
    few = found.actions.head(50_000)
    timed(f"messages and scripts of {len(few):,} actions", lambda: messages(mine, few, book))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"tiers and actions: {total:.1f} s; peak memory of all {peak:.2f} GB")
    print(
        f"customers who changed tier: {(plain != last).mean():.2%} plain, {(book['tier'] != last).mean():.2%} steadied"
    )
    print(table[["tier", "rows", "expected_events"]].to_string(index=False))
    print(f"{len(found.actions):,} actions, {len(found.left_out):,} customers left out")
    print(f"benefit {found.benefit:,.0f}, bound {found.bound:,.0f}: gap {found.gap:.4%} ({found.method})")
    print(f"every limit kept, counted again from the list: {kept(found.limits, found.actions, mine)}")
    print(found.limits.round(2).to_string(index=False))
    against(sized(policy, said.peer), book.head(said.peer))


def against(policy: Policy, book: pd.DataFrame) -> None:
    """Print the optimum of HiGHS over single customers beside that of cells and prices."""
    options, limits = options_of(policy, book)
    shared: list[Limit] = list(limits)
    print(f"\n{len(book):,} customers, {len(options):,} options, one row for each customer")
    exact = timed("HiGHS", lambda: optimum(options, shared))
    bound, _ = bound_at(options, shared, exact.prices)
    found = timed("cells, prices, and the undecided again", lambda: solve(options, shared, exact=0))
    print(f"optimum of the linear programme {bound:,.2f}; found {found.value:,.2f}: gap {1 - found.value / bound:.4%}")


if __name__ == "__main__":
    main()
