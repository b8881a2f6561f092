from __future__ import annotations

import numpy as np
import pytest

from riskml.errors import DataError
from riskml.metrics import approval_rate_ratio, calibration_within_groups, equal_opportunity

# 80 of 100 in group m are approved, 60 of 100 in group f.
APPROVED = [1] * 80 + [0] * 20 + [1] * 60 + [0] * 40
GROUP = ["m"] * 100 + ["f"] * 100


def test_the_ratio_of_approval_rates_and_its_interval() -> None:
    # Constants: statsmodels 0.14, confint_proportions_2indep(60, 100, 80, 100, compare="ratio", method="log").
    table = approval_rate_ratio(APPROVED, GROUP).set_index("group")
    assert table.loc["f", ["rate", "ratio", "lower", "upper"]].tolist() == pytest.approx(
        [0.6, 0.75, 0.6216771718143272, 0.904810447451975]
    )


def test_a_ratio_below_four_fifths_is_marked() -> None:
    table = approval_rate_ratio(APPROVED, GROUP).set_index("group")
    assert table["below_four_fifths"].to_dict() == {"f": True, "m": False}


def test_the_group_with_the_highest_rate_is_the_reference() -> None:
    table = approval_rate_ratio(APPROVED, GROUP).set_index("group")
    assert table.loc["m", ["ratio", "lower", "upper"]].tolist() == [1, 1, 1]


def test_a_reference_can_be_stated() -> None:
    table = approval_rate_ratio(APPROVED, GROUP, reference="f").set_index("group")
    assert table.loc["m", "ratio"] == pytest.approx(80 / 60)
    assert table.loc["f", "ratio"] == 1


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(DataError, match="'x' is not among"):
        approval_rate_ratio(APPROVED, GROUP, reference="x")


def test_a_group_nobody_of_which_is_approved_has_a_ratio_of_0_with_an_upper_end() -> None:
    table = approval_rate_ratio([1, 1, 1, 0] * 5 + [0] * 20, ["m"] * 20 + ["f"] * 20).set_index("group")
    assert table.loc["f", ["ratio", "lower"]].tolist() == [0, 0]
    assert 0 < table.loc["f", "upper"] < 1


def test_a_group_all_of_whose_few_customers_are_approved_is_not_known_for_sure() -> None:
    table = approval_rate_ratio([1, 1, 1], ["m", "m", "f"], reference="m").set_index("group")
    assert table.loc["f", "ratio"] == 1
    assert table.loc["f", "lower"] < 0.5


def test_without_any_approval_there_is_no_ratio() -> None:
    table = approval_rate_ratio([0, 0], ["m", "f"])
    assert table["ratio"].isna().all()
    assert table["rate"].tolist() == [0, 0]


def test_customers_of_an_unknown_group_are_a_group() -> None:
    assert approval_rate_ratio([1, 0, 1], ["m", None, "f"])["group"].tolist() == ["f", "m", "missing"]


def test_the_log_interval_covers_a_true_ratio_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    group, chance = np.repeat(["f", "m"], 400), np.repeat([0.4, 0.5], 400)
    covered = []
    for _ in range(300):
        row = approval_rate_ratio(rng.random(800) < chance, group, reference="m", level=0.9).iloc[0]
        covered.append(row["lower"] <= 0.8 <= row["upper"])
    assert 0.85 < np.mean(covered) < 0.95


def test_equal_opportunity_looks_at_good_customers_only() -> None:
    # Constants: statsmodels 0.14, confint_proportions_2indep(60, 100, 80, 100, compare="diff", method="newcomb").
    y = [0] * 200 + [1] * 50
    table = equal_opportunity(y, APPROVED + [1] * 50, GROUP + ["f"] * 50).set_index("group")
    assert table.loc["f", "count"] == 100
    assert table.loc["f", ["rate", "difference", "lower", "upper"]].tolist() == pytest.approx(
        [0.6, -0.2, -0.3185050993390346, -0.07311915999619883]
    )


def test_a_group_without_good_customers_has_no_rate() -> None:
    table = equal_opportunity([0, 0, 1], [1, 1, 1], ["m", "m", "f"]).set_index("group")
    assert np.isnan(table.loc["f", "rate"])
    assert table.loc["f", "count"] == 0
    assert table.loc["m", "difference"] == 0


def test_nobody_good_is_an_error() -> None:
    with pytest.raises(DataError, match="non-event"):
        equal_opportunity([1, 1], [1, 0], ["m", "f"])


def test_decisions_must_be_as_many_as_outcomes() -> None:
    with pytest.raises(DataError, match="approved has 1"):
        equal_opportunity([0, 1], [1], ["m", "f"])


def test_a_group_whose_risk_is_understated_is_found() -> None:
    rng = np.random.default_rng(4)
    group, p = rng.choice(["f", "m"], 20_000), rng.uniform(0.05, 0.4, 20_000)
    y = rng.random(20_000) < np.where(group == "f", p, 1.3 * p)
    table = calibration_within_groups(y, p, group)
    total = table[table["band"] == "portfolio"].set_index("group")
    assert total["calibrated"].to_dict() == {"f": True, "m": False}
    assert total.loc["m", "lower"] > total.loc["m", "mean_p"]


def test_the_bands_of_a_group_add_up_to_its_portfolio() -> None:
    rng = np.random.default_rng(5)
    group, p = rng.choice(["f", "m"], 1000), rng.uniform(size=1000)
    y = rng.random(1000) < p
    table = calibration_within_groups(y, p, group)
    for _, rows in table.groupby("group"):
        bands, total = rows[rows["band"] != "portfolio"], rows[rows["band"] == "portfolio"].iloc[0]
        assert bands["count"].sum() == total["count"]
        assert bands["event"].sum() == total["event"]
        assert (bands["mean_p"] * bands["count"]).sum() == pytest.approx(total["mean_p"] * total["count"])


def test_bands_are_the_same_in_every_group_and_empty_ones_left_out() -> None:
    table = calibration_within_groups([0, 1, 0, 1], [0.1, 0.1, 0.9, 0.9], ["m", "m", "f", "m"], n_bands=2)
    assert table[["group", "band"]].to_numpy().tolist() == [
        ["f", 2],
        ["f", "portfolio"],
        ["m", 1],
        ["m", 2],
        ["m", "portfolio"],
    ]
