from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.errors import DataError
from riskml.metrics import (
    auc,
    baseline,
    brier,
    delong,
    gini,
    ks,
    log_loss,
    observed_expected,
    performance_by,
    psi,
    psi_by,
)


@pytest.fixture(scope="module")
def book() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    p = rng.beta(1, 6, 3000)
    month = rng.choice(["2024-01", "2024-02", "2024-03"], 3000)
    # In March defaults come twice as often as predicted, in the same order.
    chance = np.where(month == "2024-03", np.minimum(2 * p, 1), p)
    return pd.DataFrame({"y": (rng.random(3000) < chance).astype(int), "p": p, "month": month})


def test_each_period_has_the_measures_of_its_own_rows(book: pd.DataFrame) -> None:
    table = performance_by(book["y"], book["p"], book["month"]).set_index("group")
    for month, rows in book.groupby("month"):
        y, p = rows["y"], rows["p"]
        interval, ratio = delong(y, p), observed_expected(y, p).iloc[0]
        expected = {
            "count": len(rows),
            "event": y.sum(),
            "event_rate": y.mean(),
            "mean_p": p.mean(),
            "auc": auc(y, p),
            "auc_lower": interval.lower,
            "auc_upper": interval.upper,
            "gini": gini(y, p),
            "ks": ks(y, p),
            "brier": brier(y, p),
            "log_loss": log_loss(y, p),
            "observed_expected": ratio["ratio"],
            "oe_lower": ratio["lower"],
            "oe_upper": ratio["upper"],
        }
        assert table.loc[month].to_dict() == pytest.approx(expected)


def test_a_period_that_fails_shows_in_observed_over_expected(book: pd.DataFrame) -> None:
    table = performance_by(book["y"], book["p"], book["month"]).set_index("group")
    assert table.loc["2024-03", "oe_lower"] > 1
    assert table.loc["2024-01", "oe_lower"] < 1 < table.loc["2024-01", "oe_upper"]


def test_a_segment_with_one_class_has_no_ranking_but_stays_in_the_table() -> None:
    table = performance_by([0, 1, 0, 0], [0.1, 0.9, 0.2, 0.3], ["a", "a", "b", "b"])
    assert table["auc"].tolist()[0] == 1
    assert table.loc[1, ["auc", "gini", "ks", "auc_lower"]].isna().all()
    assert table.loc[1, "brier"] == pytest.approx((0.04 + 0.09) / 2)


def test_a_segment_with_one_event_has_an_auc_without_an_interval() -> None:
    table = performance_by([0, 1, 0], [0.1, 0.9, 0.2], ["a", "a", "a"])
    assert table["auc"].iloc[0] == 1
    assert np.isnan(table["auc_lower"].iloc[0])


def test_segments_must_be_as_many_as_rows() -> None:
    with pytest.raises(DataError, match="by has 1"):
        performance_by([0, 1], [0.1, 0.2], ["a"])


def test_psi_of_each_period_is_that_of_its_own_rows(book: pd.DataFrame) -> None:
    fixed = baseline(book["p"][:1000])
    table = psi_by(fixed, book["p"], book["month"])
    expected = [psi(fixed, rows["p"]) for _, rows in book.groupby("month")]
    assert table["psi"].tolist() == pytest.approx(expected)
    assert table["count"].sum() == 3000


def test_psi_by_takes_the_baselines_values_too(book: pd.DataFrame) -> None:
    values = book["p"][:1000]
    assert psi_by(values, book["p"], book["month"]).equals(psi_by(baseline(values), book["p"], book["month"]))
