"""The weights of a blend."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskml.models.ensemble import blend_weights


def _book(seed: int, noise: tuple[float, ...], rows: int = 2000):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    target = (rng.random(rows) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    return np.column_stack([truth + rng.normal(scale=scale, size=rows) for scale in noise]), target


def test_the_better_model_weighs_more():
    margins, target = _book(0, (0.2, 1.5))
    weights = blend_weights(margins, target).weights
    assert weights[0] > 2 * weights[1]


def test_a_model_that_ranks_the_wrong_way_round_weighs_nothing():
    margins, target = _book(1, (0.5, 0.5))
    margins[:, 1] *= -1
    assert blend_weights(margins, target).weights[1] == 0.0


@given(st.integers(0, 10_000), st.lists(st.floats(0.1, 3.0), min_size=2, max_size=5))
def test_no_weight_is_negative_and_the_mean_probability_is_the_event_rate(seed, noise):
    margins, target = _book(seed, tuple(noise))
    weights = blend_weights(margins, target)
    assert (weights.weights >= 0).all()
    rate = 1 / (1 + np.exp(-weights.margin(margins)))
    # The intercept is free, so at the optimum the mean residual is nil.
    assert abs(rate.mean() - target.mean()) < 1e-3
