"""The same figures as Evidently 0.7.23 and NannyML 0.13.1 give, where they compute the same thing.

The constants were computed by these on the books below: `benchmarks/monitoring_peers.py` is what calls them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.metrics import baseline, drift_test, psi
from riskml.monitoring import estimated_performance

ROWS = 3000
PSI_LEVEL = 0.10512717879223858
PSI_BAND = 0.15590424082907184
JS_LEVEL = 0.11383594959676548
JS_LEVEL_BITS = 0.13673090998615983
WASSERSTEIN = 0.40290493106655983
AUC_ESTIMATED = 0.7917719719143138


def deciles(numbers: pd.Series) -> np.ndarray:
    """Return the borders of the bands that the peers had: values, each in the band below it."""
    return np.quantile(numbers, np.arange(1, 10) / 10, method="inverted_cdf")


def books() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a book and a later one, as the peers had them."""
    draw = np.random.RandomState(5)  # whose numbers are the same for ever
    found = []
    for shift, shares in ((0.0, [0.4, 0.3, 0.2, 0.1]), (0.4, [0.3, 0.3, 0.2, 0.2])):
        number = draw.normal(shift, 1, ROWS)
        chance = 1 / (1 + np.exp(2.0 - 1.3 * number))
        level = draw.choice(["a", "b", "c", "d"], ROWS, p=shares)
        y = (draw.uniform(size=ROWS) < chance).astype(int)
        found.append(pd.DataFrame({"number": number, "outlier": number, "level": level, "p": chance, "y": y}))
    edges = deciles(found[0]["number"])
    before, now = (frame.assign(band=np.searchsorted(edges, frame["number"]).astype(str)) for frame in found)
    return before, now


BEFORE, NOW = books()


def test_the_psi_of_a_category_is_evidentlys() -> None:
    assert psi(BEFORE["level"], NOW["level"]) == pytest.approx(PSI_LEVEL, abs=1e-12)


def test_the_psi_of_a_number_is_evidentlys_in_the_same_bands() -> None:
    fixed = replace(baseline(BEFORE["number"]), edges=tuple(deciles(BEFORE["number"])))
    assert psi(fixed, NOW["number"]) == pytest.approx(PSI_BAND, abs=1e-12)


def test_the_distance_of_a_category_is_evidentlys_and_in_bits_nannymls() -> None:
    distance = drift_test(BEFORE["level"], NOW["level"]).statistic
    assert distance == pytest.approx(JS_LEVEL, abs=1e-12)
    assert distance / np.sqrt(np.log(2)) == pytest.approx(JS_LEVEL_BITS, abs=1e-9)


def test_the_distance_of_a_number_is_evidentlys() -> None:
    assert drift_test(BEFORE["number"], NOW["number"]).statistic == pytest.approx(WASSERSTEIN, rel=1e-3)


def test_the_estimated_auc_is_nannymls() -> None:
    # Its `estimate_roc_auc`: the whole of CBPE fits the probabilities anew on so few rows, and says .8017.
    # Theirs pairs each customer with itself as well, which moves the figure by less than one in as many as there are.
    assert estimated_performance(NOW["p"]).auc.value == pytest.approx(AUC_ESTIMATED, abs=1 / ROWS)
