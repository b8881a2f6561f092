from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from riskml.errors import ConfigError, DataError
from riskml.metrics import auc, brier, delong_test, ks, learning_curve, log_loss, paired_differences, swap_set


def book(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, a good model's probabilities, and a poorer model's."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(-1.5, 1, rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(int)
    return y, 1 / (1 + np.exp(-(risk + rng.normal(0, 0.2, rows)))), 1 / (1 + np.exp(-(risk + rng.normal(0, 0.8, rows))))


def test_the_difference_of_aucs_is_delongs() -> None:
    y, a, b = book(500, 1)
    row, test = paired_differences(y, a, b, seed=0, n_resamples=20).set_index("metric").loc["auc"], delong_test(y, a, b)
    assert row["method"] == "DeLong"
    assert row[["a", "b", "difference", "lower", "upper", "p_value"]].tolist() == pytest.approx(
        [test.auc_a, test.auc_b, test.difference, test.lower, test.upper, test.p_value]
    )


def test_any_measure_is_compared_on_the_same_rows() -> None:
    y, a, b = book(500, 2)
    table = paired_differences(
        y, a, b, metrics={"ks": ks, "share above half": lambda _, p: float(np.mean(p > 0.5))}, seed=0
    )
    assert table["metric"].tolist() == ["ks", "share above half"]
    assert table["difference"].iloc[1] == pytest.approx(np.mean(a > 0.5) - np.mean(b > 0.5))
    assert table["method"].tolist() == ["bootstrap", "bootstrap"]


def test_the_bootstrap_interval_of_brier_is_near_its_normal_one() -> None:
    y, a, b = book(2000, 3)
    row = paired_differences(y, a, b, metrics={"brier": brier}, seed=1, n_resamples=1000).iloc[0]
    gaps = (a - y) ** 2 - (b - y) ** 2
    reach = 1.96 * gaps.std() / np.sqrt(gaps.size)
    assert row["difference"] == pytest.approx(gaps.mean())
    assert (row["lower"], row["upper"]) == pytest.approx((gaps.mean() - reach, gaps.mean() + reach), abs=0.2 * reach)


def test_draws_of_fewer_rows_are_scaled_to_the_table() -> None:
    y, a, b = book(20_000, 4)
    small = paired_differences(y, a, b, metrics={"brier": brier}, seed=1, max_rows=1000).iloc[0]
    gaps = (a - y) ** 2 - (b - y) ** 2
    reach = 1.96 * gaps.std() / np.sqrt(gaps.size)
    assert (small["upper"] - small["lower"]) / 2 == pytest.approx(reach, rel=0.2)


def test_a_model_does_not_differ_from_itself() -> None:
    y, a, _ = book(300, 5)
    table = paired_differences(y, a, a, seed=0, n_resamples=50)
    assert (table["difference"] == 0).all()
    assert (table["p_value"] == 1).all()


def test_a_clearly_better_model_is_found_better() -> None:
    y, a, b = book(3000, 6)
    table = paired_differences(y, a, b, metrics={"log_loss": log_loss}, seed=0, n_resamples=200)
    assert table["upper"].iloc[0] < 0
    assert table["p_value"].iloc[0] == pytest.approx(2 / 201)


def test_the_same_seed_gives_the_same_table() -> None:
    y, a, b = book(300, 7)
    first, second, other = (paired_differences(y, a, b, seed=seed, n_resamples=50) for seed in (1, 1, 2))
    assert first.equals(second)
    assert not first.equals(other)


def test_rare_events_do_not_stop_the_draws() -> None:
    y = np.array([1, 1] + [0] * 50)
    p = np.linspace(0.9, 0.1, 52)
    assert paired_differences(y, p, p**2, metrics={"ks": ks}, seed=0, n_resamples=50)["a"].iloc[0] == 1


def test_draws_too_small_for_the_events_are_refused() -> None:
    y = np.zeros(100_000, dtype=int)
    y[:2] = 1
    p = np.linspace(0, 1, y.size)
    with pytest.raises(DataError, match="max_rows"):
        paired_differences(y, p, p, seed=0, n_resamples=20, max_rows=10)


@pytest.mark.parametrize("max_rows", [1.5, 0, 1, True])
def test_rows_of_a_draw_are_a_whole_number_of_at_least_two(max_rows: float) -> None:
    y, a, b = book(100, 1)
    with pytest.raises(ConfigError, match="max_rows must be a whole number of at least 2"):
        paired_differences(y, a, b, seed=0, max_rows=max_rows)  # type: ignore[arg-type]


def test_who_swaps_and_how_they_turned_out() -> None:
    # Of 100 customers 10 are newly declined (6 events), 20 newly accepted (1 event).
    y = [0] * 60 + [1] * 6 + [0] * 4 + [1] + [0] * 19 + [1] * 10
    old = [0] * 70 + [1] * 30
    new = [0] * 60 + [1] * 10 + [0] * 20 + [1] * 10
    table = swap_set(y, old, new).set_index("move")
    assert table.loc["riskier", ["tier_a", "tier_b", "count", "event"]].tolist() == [0, 1, 10, 6]
    assert table.loc["safer", ["tier_a", "tier_b", "count", "event"]].tolist() == [1, 0, 20, 1]
    assert table.loc["riskier", "lower"] > table.loc["safer", "upper"]
    assert table["share"].sum() == pytest.approx(1)


def test_tiers_move_in_the_stated_order() -> None:
    table = swap_set([0, 1], ["green", "red"], ["amber", "green"], tiers=["green", "amber", "red"])
    assert table.set_index("tier_a")["move"].to_dict() == {"green": "riskier", "red": "safer"}


def test_ordered_tiers_bring_their_order() -> None:
    kind = pd.CategoricalDtype(["green", "amber", "red"], ordered=True)
    before, after = pd.Series(["red", "green"], dtype=kind, index=[7, 8]), pd.Series(["amber", "red"], dtype=kind)
    table = swap_set([1, 0], before, after).set_index("tier_a")
    assert table["move"].to_dict() == {"green": "riskier", "red": "safer"}
    assert table["event"].to_dict() == {"green": 0, "red": 1}


def test_without_events_the_swap_set_still_counts() -> None:
    assert swap_set([0, 0], [0, 1], [1, 1])["event"].tolist() == [0, 0]


def test_tiers_must_be_as_many_as_rows() -> None:
    with pytest.raises(DataError, match="tier_b has 1 rows where 2"):
        swap_set([0, 1], [0, 1], [1])


@pytest.fixture(scope="module")
def rows() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(8)
    X = pd.DataFrame(rng.normal(size=(1200, 12)), columns=[f"x{i}" for i in range(12)])
    return X, (X.sum(axis=1) / 3 + rng.normal(size=1200) > 1).astype(int)


def test_more_rows_learn_more(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    curve = learning_curve(
        LogisticRegression(C=100), X[:400], y[:400], X[400:], y[400:], seed=1, shares=(0.08, 1.0), metrics={"auc": auc}
    )
    by_share = curve.groupby("share")[["train", "test"]].mean()
    assert by_share.loc[1.0, "test"] > by_share.loc[0.08, "test"]
    assert by_share.loc[0.08, "train"] > by_share.loc[1.0, "train"]


def test_a_draw_keeps_the_event_rate_and_at_least_one_event(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    seen: list[np.ndarray] = []

    class Recorder(LogisticRegression):
        def fit(self, X: pd.DataFrame, y: np.ndarray) -> Recorder:
            seen.append(y)
            return super().fit(X, y)  # type: ignore[no-any-return]

    X, y = rows
    rare = pd.Series(np.r_[[1] * 4, [0] * 396])
    learning_curve(Recorder(), X[:400], rare, X[400:], y[400:], seed=1, shares=(0.01, 0.5), repeats=1)
    assert [int(labels.sum()) for labels in seen] == [1, 2]
    assert [labels.size for labels in seen] == [5, 200]


def test_the_estimator_handed_in_is_not_fitted(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    model = LogisticRegression()
    learning_curve(model, X[:400], y[:400], X[400:], y[400:], seed=1, shares=(1.0,), metrics={"auc": auc})
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("shares", [(), (0.0,), (1.5,)])
def test_shares_outside_their_range_are_refused(
    rows: tuple[pd.DataFrame, pd.Series], shares: tuple[float, ...]
) -> None:
    X, y = rows
    with pytest.raises(ConfigError, match="shares"):
        learning_curve(LogisticRegression(), X, y, X, y, seed=0, shares=shares)
