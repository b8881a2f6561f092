"""The optimiser: never beyond a limit, near the optimum, and the same every time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from riskml.policy.optimise import solve
from riskml.policy.options import Limit, Options
from riskml.policy.shadow_prices import bound_at

KINDS = 4


def drawn(n: int, seed: int = 0, *, lumpy: bool = False) -> Options:
    """Return options of n customers, each allowed some of the treatments."""
    rng = np.random.default_rng(seed)
    loss, value = rng.lognormal(5, 1.2, n), rng.lognormal(4, 1, n)
    if lumpy:  # many customers alike: prices alone cannot part them
        loss, value = np.round(loss, -2) + 50, np.full(n, 50.0)
    customer, treatment = np.nonzero(rng.random((n, KINDS)) < 0.7)
    effect, keeps = rng.uniform(0.05, 0.4, KINDS), rng.uniform(0, 0.4, KINDS)
    cost = np.ceil((rng.uniform(1, 20, KINDS)[treatment] + 0.01 * loss[customer] * (treatment % 2)) * 100)
    benefit = loss[customer] * effect[treatment] + value[customer] * keeps[treatment] - cost / 100
    hours, likeness = np.array([25, 50, 100, 200]), np.column_stack([loss, value])[customer]
    return Options(customer, treatment, benefit, cost.astype(np.int64), hours, likeness).at(benefit > 0)


def limits(n: int, share: float) -> list[Limit]:
    """Return limits for some share of n customers."""

    def some(*kinds: int) -> np.ndarray:
        return np.isin(np.arange(KINDS), kinds)

    return [
        Limit("budget", "money", some(0, 1, 2, 3), int(n * share * 1500)),
        Limit("hours", "hours", some(2, 3), int(n * share * 60)),
        Limit("places", "actions", some(1), int(n * share * 0.2)),
    ]


def keeps_all(options: Options, bounds: list[Limit], taken: np.ndarray) -> bool:
    """Return whether every limit holds, and nobody has two actions."""
    within = all(options.uses(limit, taken).sum() <= limit.amount for limit in bounds)
    return within and len(np.unique(options.customer[taken])) == len(taken)


@given(st.integers(1, 60), st.integers(0, 10_000), st.floats(0, 1.5), st.booleans(), st.booleans())
def test_no_limit_is_ever_exceeded_and_no_bound_is(n, seed, share, lumpy, small):
    options, bounds = drawn(n, seed, lumpy=lumpy), limits(n, share)
    found = solve(options, bounds, exact=10_000 if small else 0)
    assert keeps_all(options, bounds, found.taken)
    assert found.value <= found.bound * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_a_handful_of_customers_is_solved_to_the_optimum(seed):
    options, bounds = drawn(5, seed), limits(5, 0.5)
    blocks = np.split(np.arange(len(options)), options.starts[1:]) if len(options) else []
    tried = (
        np.array([row for row in rows if row >= 0], dtype=int)
        for rows in itertools.product(*([*b, -1] for b in blocks))
    )
    best = max(options.benefit[rows].sum() for rows in tried if keeps_all(options, bounds, rows))
    assert solve(options, bounds).value == pytest.approx(best)


@pytest.mark.parametrize("lumpy", [False, True])
@pytest.mark.parametrize("exact", [0, 10_000])
def test_the_gap_to_the_linear_programme_is_small(lumpy, exact):
    options, bounds = drawn(1_500, 2, lumpy=lumpy), limits(1_500, 0.4)
    found = solve(options, bounds, exact=exact)
    rows = np.zeros((len(options.starts), len(options)))
    rows[np.repeat(np.arange(len(options.starts)), options.lengths), np.arange(len(options))] = 1
    uses = np.array([options.uses(limit) / max(limit.amount, 1) for limit in bounds])
    whole = linprog(-options.benefit, np.vstack([uses, rows]), np.ones(len(bounds) + len(rows)), bounds=(0, 1))
    assert -whole.fun <= found.bound * (1 + 1e-7)
    assert found.value >= -whole.fun * (1 - 0.001)
    assert found.gap < 0.002


def test_prices_over_cells_come_near_those_over_single_customers():
    options, bounds = drawn(3_000, 4), limits(3_000, 0.3)
    exact, cells = solve(options, bounds, exact=10**6), solve(options, bounds, exact=0)
    assert cells.bound == pytest.approx(exact.bound, rel=5e-4)
    assert cells.value == pytest.approx(exact.value, rel=5e-4)


def test_without_limits_each_customer_gets_the_best():
    options = drawn(200)
    found = solve(options, [])
    assert found.value == pytest.approx(np.maximum.reduceat(options.benefit, options.starts).sum())
    assert found.gap == 0


def test_where_nothing_binds_prices_are_nil_and_nobody_is_left_out():
    options, bounds = drawn(200), limits(200, 1_000)
    found = solve(options, bounds)
    assert (found.prices == 0).all()
    assert len(found.taken) == len(options.starts)


def test_a_limit_of_nothing_allows_nothing_that_it_counts():
    options, bounds = drawn(100), [Limit("budget", "money", np.ones(KINDS, dtype=bool), 0)]
    assert not len(solve(options, bounds).taken)


def test_an_option_beyond_a_limit_by_itself_does_not_keep_others_away():
    nobody = np.zeros((2, 2))
    options = Options(
        np.array([0, 1]), np.array([0, 0]), np.array([9e6, 5.0]), np.array([10_000, 100]), np.array([0]), nobody
    )
    found = solve(options, [Limit("budget", "money", np.array([True]), 500)])
    assert found.taken.tolist() == [1]
    assert np.isneginf(found.net[0])


def test_the_same_book_gives_the_same_answer():
    options, bounds = drawn(2_000, 5, lumpy=True), limits(2_000, 0.3)
    assert solve(options, bounds, exact=0).taken.tolist() == solve(options, bounds, exact=0).taken.tolist()


@given(st.lists(st.floats(0, 2), min_size=3, max_size=3))
def test_the_bound_holds_at_any_prices(prices):
    options, bounds = drawn(100, 3), limits(100, 0.4)
    assert bound_at(options, bounds, np.array(prices))[0] >= solve(options, bounds).value - 1e-6
