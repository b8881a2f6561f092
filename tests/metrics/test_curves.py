from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc as area
from sklearn.metrics import roc_curve as peer_curve

from riskml.errors import ConfigError
from riskml.metrics import auc, captured_share, gains_table, ks, roc_curve


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    y = (rng.random(5000) < 0.1).astype(int)
    return y, np.round(rng.normal(size=5000) + y, 2)


def test_roc_points_are_those_of_scikit_learn(rows: tuple[np.ndarray, np.ndarray]) -> None:
    found = roc_curve(*rows, max_points=100_000)
    false, true, threshold = peer_curve(*rows, drop_intermediate=False)
    np.testing.assert_allclose(found.to_numpy(), np.column_stack([threshold, false, true]))


def test_a_thinned_roc_curve_keeps_its_ends_and_its_area(rows: tuple[np.ndarray, np.ndarray]) -> None:
    found = roc_curve(*rows, max_points=100)
    assert len(found) <= 100
    assert found.iloc[0, 1:].tolist() == [0, 0]
    assert found.iloc[-1, 1:].tolist() == [1, 1]
    assert area(found["false_positive_rate"], found["true_positive_rate"]) == pytest.approx(auc(*rows), abs=1e-3)


def test_gains_of_ten_rows_by_hand() -> None:
    # Riskiest five hold three of four events.
    y, score = [1, 1, 0, 1, 0, 0, 1, 0, 0, 0], np.arange(10, 0, -1)
    table = gains_table(y, score, n_bands=2)
    assert table["count"].tolist() == [5, 5]
    assert table["event"].tolist() == [3, 1]
    assert table["score_min"].tolist() == [6, 1]
    assert table["score_max"].tolist() == [10, 5]
    assert table["lift"].tolist() == pytest.approx([0.6 / 0.4, 0.2 / 0.4])
    assert table["captured"].tolist() == [0.75, 1.0]
    assert table["cumulative_lift"].tolist() == pytest.approx([1.5, 1.0])
    assert table["ks"].tolist() == pytest.approx([0.75 - 2 / 6, 0.0])


def test_ten_bands_hold_about_a_tenth_each(rows: tuple[np.ndarray, np.ndarray]) -> None:
    table = gains_table(*rows)
    assert len(table) == 10
    assert table["count"].between(450, 550).all()
    assert table["count"].sum() == 5000
    assert table["event"].sum() == rows[0].sum()


def test_bands_fall_in_score_and_do_not_overlap(rows: tuple[np.ndarray, np.ndarray]) -> None:
    table = gains_table(*rows)
    assert (table["score_min"].to_numpy()[:-1] > table["score_max"].to_numpy()[1:]).all()


def test_rows_of_one_score_are_never_parted() -> None:
    table = gains_table([0, 1] * 50, [0.3] * 60 + [0.7] * 40)
    assert table["count"].tolist() == [40, 60]


def test_the_table_does_not_depend_on_the_order_of_tied_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    score = np.round(score)
    order = np.random.default_rng(0).permutation(y.size)
    assert gains_table(y, score).equals(gains_table(y[order], score[order]))


def test_ks_of_the_bands_is_not_above_that_of_the_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert gains_table(*rows)["ks"].max() <= ks(*rows)


def test_captured_share_takes_the_same_part_of_tied_rows() -> None:
    # The riskiest 25 of 100 rows: half of the 50 tied ones, which hold 8 of 10 events.
    y = [1] * 8 + [0] * 42 + [1] * 2 + [0] * 48
    assert captured_share(y, [0.9] * 50 + [0.1] * 50, share=0.25) == pytest.approx(0.4)


def test_all_rows_capture_all_events(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert captured_share(*rows, share=1.0) == 1.0


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="share"):
        captured_share([0, 1], [0, 1], share=share)


def test_a_number_of_bands_must_be_whole() -> None:
    with pytest.raises(ConfigError, match="n_bands"):
        gains_table([0, 1], [0, 1], n_bands=2.5)  # type: ignore[arg-type]
