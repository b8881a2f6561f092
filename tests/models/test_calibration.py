"""Calibration where it is needed, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from riskml.models.calibration import needed, platt


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(2)
    margin = draw.normal(-1, 1.5, 4000)
    return margin, (draw.random(4000) < expit(margin)).astype(np.int8), np.arange(4000) % 5


def test_log_odds_that_are_right_are_left_alone(rows):
    margin, target, fold = rows
    assert needed(margin, target, fold, range(5)) is None


def test_log_odds_that_are_too_sure_are_drawn_in(rows):
    margin, target, fold = rows
    found = platt(2 * margin + 1, target)
    assert found.slope == pytest.approx(0.5, abs=0.05)
    better = needed(2 * margin + 1, target, fold, range(5))
    np.testing.assert_allclose(better, margin, atol=0.3)


def test_the_ranking_stays_even_where_the_margin_says_nothing():
    draw = np.random.default_rng(0)
    found = platt(draw.normal(size=200), draw.integers(0, 2, 200).astype(np.int8))
    assert found.slope > 0
