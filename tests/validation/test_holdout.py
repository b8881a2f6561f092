"""Figures with intervals, on rows set aside."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS
from riskml.metrics import auc, brier
from riskml.validation.holdout import assess, roc_with_band, tier_table


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    draw = np.random.default_rng(1)
    p = draw.beta(1, 3, 800)
    return pd.DataFrame({"y": draw.binomial(1, p), "p": p}, index=[f"c{i}" for i in range(800)])


def test_every_figure_lies_in_its_interval(scored: pd.DataFrame) -> None:
    metrics = assess(scored["y"], scored["p"], scored["p"], DEFAULT_TIERS, seed=7)["metrics"]
    assert all(figure["low"] < figure["value"] < figure["high"] for figure in metrics.values())
    assert metrics["auc"]["value"] == pytest.approx(auc(scored["y"], scored["p"]))
    assert metrics["brier"]["value"] == pytest.approx(brier(scored["y"], scored["p"]))


def test_one_seed_gives_one_answer_and_json_can_hold_it(scored: pd.DataFrame) -> None:
    found = [assess(scored["y"], scored["p"], scored["p"], DEFAULT_TIERS, seed=seed) for seed in (7, 7, 8)]
    texts = [json.dumps(answer, allow_nan=False) for answer in found]
    assert texts[0] == texts[1] != texts[2]


def test_tiers_hold_every_row_once(scored: pd.DataFrame) -> None:
    table = tier_table(scored["y"], scored["p"], DEFAULT_TIERS)
    assert table["rows"].sum() == 800
    assert table["events"].sum() == scored["y"].sum()
    assert table["tier"].tolist() == ["low", "medium", "high"]
    assert ((table["lower"] < table["event_rate"]) & (table["event_rate"] < table["upper"])).all()
    assert (table["expected"] >= table["from_probability"]).all()


def test_a_tier_without_a_row_is_in_the_table(scored: pd.DataFrame) -> None:
    some = scored[scored["p"] < 0.4]
    table = tier_table(some["y"], some["p"], DEFAULT_TIERS).set_index("tier")
    assert table.loc["high", "rows"] == 0
    assert np.isnan(table.loc["high", "event_rate"])


def test_a_tier_whose_risk_is_underestimated_has_a_small_p(scored: pd.DataFrame) -> None:
    table = tier_table(scored["y"], scored["p"] / 3, DEFAULT_TIERS)
    assert table["jeffreys_p"].iloc[0] < 1e-6


def test_the_band_holds_the_curve(scored: pd.DataFrame) -> None:
    band = roc_with_band(scored["y"], scored["p"], seed=7)
    assert band["true_positive_rate"].is_monotonic_increasing
    assert (band[["false_positive_rate", "true_positive_rate"]].iloc[-1] == 1.0).all()
    inside = band["true_positive_rate"].between(band["lower"] - 1e-9, band["upper"] + 1e-9)
    assert inside.mean() > 0.95
    area = np.trapezoid(band["true_positive_rate"], band["false_positive_rate"])
    assert area == pytest.approx(auc(scored["y"], scored["p"]), abs=0.01)
