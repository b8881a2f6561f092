"""Performance before outcomes arrive."""

from __future__ import annotations

import numpy as np
import pytest

from riskml.errors import DataError
from riskml.metrics import auc, brier, log_loss
from riskml.monitoring.estimated_performance import estimated_performance

CHANCE = np.random.default_rng(3).beta(1.2, 4.0, 800).round(3)


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """Return what books would realise whose probabilities are right."""
    rng = np.random.default_rng(4)
    books = [(rng.random(CHANCE.size) < CHANCE).astype(int) for _ in range(800)]
    measures = {"auc": auc, "brier": brier, "log_loss": log_loss, "event_rate": lambda y, p: y.mean()}
    return {name: np.array([measure(y, CHANCE) for y in books]) for name, measure in measures.items()}


@pytest.mark.parametrize("figure", ["auc", "brier", "log_loss", "event_rate"])
def test_an_estimate_is_the_mean_of_what_books_would_realise(figure: str, drawn: dict[str, np.ndarray]) -> None:
    estimate = getattr(estimated_performance(CHANCE), figure)
    error = drawn[figure].std() / np.sqrt(len(drawn[figure]))
    assert estimate.value == pytest.approx(drawn[figure].mean(), abs=4 * error)


@pytest.mark.parametrize("figure", ["auc", "brier", "log_loss", "event_rate"])
def test_the_interval_holds_what_chance_does_in_95_of_100_books(figure: str, drawn: dict[str, np.ndarray]) -> None:
    estimate = getattr(estimated_performance(CHANCE), figure)
    inside = (drawn[figure] >= estimate.low) & (drawn[figure] <= estimate.high)
    assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_customers_who_all_score_alike_are_not_ranked() -> None:
    assert estimated_performance([0.2] * 50).auc.value == pytest.approx(0.5)


def test_certain_outcomes_leave_nothing_to_chance() -> None:
    found = estimated_performance([0.0, 0.0, 1.0])
    assert (found.auc.value, found.auc.low, found.auc.high) == (1.0, 1.0, 1.0)
    assert found.log_loss.value == 0


def test_a_book_where_nothing_can_happen_has_no_auc() -> None:
    assert np.isnan(estimated_performance([0.0, 0.0]).auc.value)


@pytest.mark.parametrize("wrong", [[], [0.1, np.nan], [0.1, 1.2], [[0.1]]])
def test_what_is_no_probability_is_refused(wrong: list[float]) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        estimated_performance(wrong)
