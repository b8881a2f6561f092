"""The leakage report: each kind of leak is planted and found, and a clean panel gives no reason to act."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.panel import PanelConfig
from riskml.features.coverage import Coverage
from riskml.features.leakage import leakage_report
from riskml.features.panel_store import build

DATES = pd.to_datetime(["2021-01-01", "2021-04-01", "2021-07-01", "2021-10-01"])
EACH = 1500


def clean(seed=0, each=EACH, columns=6):
    """Return a panel of customers who come and go; the outcome follows from two columns and chance."""
    draw = np.random.default_rng(seed)
    parts = []
    for step, date in enumerate(DATES):
        customer = np.sort(draw.choice(np.arange(step * each // 5, step * each // 5 + 2 * each), each, replace=False))
        values = draw.normal(size=(each, columns))
        part = pd.DataFrame(values, columns=[f"x{i}" for i in range(columns)])
        part["industry"] = draw.choice(["steel", "paper", "glass"], each)
        part.loc[draw.random(each) < 0.1, "x1"] = np.nan
        chance = 1 / (1 + np.exp(2.0 - values[:, 0] - 0.5 * values[:, 1]))
        part["outcome"] = (draw.random(each) < chance).astype(int)
        part.insert(0, "customer", customer)
        part.insert(1, "as_of", date)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def config(recorded=None, **outcome):
    table = {"role": "purchases", "source": "orders.csv", "time": "day", "amount": "amount", "recorded": recorded}
    return PanelConfig.model_validate(
        {
            "tables": {"orders": table},
            "as_of": [str(date.date()) for date in DATES],
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 90, **outcome},
            "windows": [30, 90],
        }
    )


def covered(share=0.0, delay=0, begins=15000):
    days = pd.DataFrame({"day": [begins], "records": [1000], "nobody": 0, "strangers": 0, "repeats": 0})
    late = int(1000 * share)
    return Coverage({"orders": days.assign(late=late, delay=late * delay)})


def report(frame, panel=None, coverage=None, **said):
    return leakage_report(frame, panel or config(), coverage or covered(), **said)


def about(found, check, column):
    """Return severity and finding of the only line on a column."""
    lines = found[(found["check"] == check) & (found["column"] == column)]
    assert len(lines) == 1, found
    return lines["severity"].iloc[0], lines["finding"].iloc[0]


def test_a_clean_panel_gives_no_reason_to_act_or_watch():
    found = report(clean())
    assert list(found.columns) == ["check", "column", "finding", "severity", "figure"]
    assert set(found["severity"]) == {"info"}


@pytest.mark.parametrize("seed", range(1, 4))
def test_chance_is_no_leak(seed):
    assert "act" not in set(report(clean(seed, each=200))["severity"])


def test_the_gravest_comes_first():
    frame = clean()
    frame["x2"] = frame["outcome"]
    frame.loc[frame["as_of"] == DATES[2], "x3"] = np.nan
    severities = report(frame)["severity"].tolist()
    assert severities == sorted(severities, key=["act", "watch", "info"].index)
    assert severities[0] == "act"


def test_the_frame_is_left_as_it_was_and_the_report_is_the_same_again():
    frame = clean()
    before = frame.copy()
    pd.testing.assert_frame_equal(report(frame, seed=3), report(frame, seed=3))
    pd.testing.assert_frame_equal(frame, before)


# -- recorded after the fact


def test_a_table_that_does_not_say_when_it_was_recorded_cannot_be_told():
    severity, finding = about(report(clean()), "recorded after the fact", "orders")
    assert (severity, finding.split(":")[0]) == ("info", "unknown")


@pytest.mark.parametrize(
    ("share", "delay", "severity"),
    [
        (0.3, 3, "info"),
        (0.3, 60, "watch"),
        (0.3, 400, "watch"),
        (0.9, 400, "act"),
        (0.01, 400, "info"),
        (0.0, 0, "info"),
    ],
)
def test_records_that_became_known_late_are_told_by_share_and_days(share, delay, severity):
    found = report(clean(), config("recorded"), covered(share, delay))
    told, finding = about(found, "recorded after the fact", "orders")
    assert told == severity
    assert finding.startswith(f"{share:.1%} of the records were recorded later, by {delay} days")


# -- targets in disguise


def test_a_column_that_is_nearly_the_outcome_is_found():
    frame = clean()
    draw = np.random.default_rng(1)
    frame["x3"] = frame["outcome"] * 5 + draw.normal(size=len(frame))
    found = report(frame)
    assert about(found, "target in disguise", "x3")[0] == "act"
    assert set(found.loc[found["check"] == "target in disguise", "column"]) == {"x3"}


def test_a_column_that_is_missing_where_the_event_comes_is_found():
    frame = clean()
    frame.loc[frame["outcome"] == 1, "x3"] = np.nan
    assert about(report(frame), "target in disguise", "x3")[0] == "act"


def test_a_level_that_is_the_outcome_is_found():
    frame = clean()
    frame["industry"] = frame["industry"].where(frame["outcome"] == 0, "wound up")
    assert about(report(frame), "target in disguise", "industry")[0] == "act"


def test_a_leak_at_one_date_alone_is_found_and_dated():
    frame = clean()
    at = frame["as_of"] == DATES[2]
    frame.loc[at, "x3"] = frame.loc[at, "outcome"] + np.random.default_rng(1).normal(0, 0.1, at.sum())
    severity, finding = about(report(frame), "target in disguise", "x3")
    assert severity == "act"
    assert "on 2021-07-01" in finding
    assert "1 of 4 as-of dates" in finding


def test_a_column_that_ranks_very_well_is_to_be_watched():
    frame = clean()
    frame["x3"] = frame["outcome"] * 2.0 + np.random.default_rng(1).normal(size=len(frame))
    assert about(report(frame), "target in disguise", "x3")[0] == "watch"


# -- ids and order


def test_customers_numbered_by_their_outcome_are_found():
    frame = clean()
    draw = np.random.default_rng(2)
    frame["customer"] = (frame["outcome"] * 2000 + draw.permutation(len(frame))).to_numpy()
    assert about(report(frame), "order", "customer")[0] == "act"


def test_names_of_customers_that_end_with_a_number_are_looked_at_too():
    frame = clean()
    draw = np.random.default_rng(2)
    frame["customer"] = [f"C{number:06d}" for number in frame["outcome"] * 2000 + draw.permutation(len(frame))]
    assert about(report(frame), "order", "customer")[0] == "act"


def test_names_without_numbers_are_let_be():
    frame = clean()
    frame["customer"] = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in frame["customer"]]
    assert "act" not in set(report(frame)["severity"])


def test_numbers_given_out_over_time_are_told():
    frame = clean()
    frame["customer"] += 5000 * (frame["as_of"].rank(method="dense").astype(int) - 1)
    found = report(frame)
    assert about(found, "order", "customer")[0] == "info"
    assert "shows when a customer was first seen" in about(found, "order", "customer")[1]


def test_rows_sorted_by_the_outcome_are_found():
    frame = clean().sort_values(["as_of", "outcome"], kind="stable")
    assert about(report(frame), "order", "(rows)")[0] == "act"


def test_a_feature_that_names_customers_is_found():
    frame = clean()
    frame["contract_id"] = [f"k{number}" for number in np.random.default_rng(0).permutation(len(frame))]
    assert about(report(frame), "order", "contract_id")[0] == "act"


# -- training and test


def parts(frame, test):
    return pd.Series(np.where(test, "test", "train"), index=frame.index)


def test_customers_of_a_random_test_who_are_in_training_are_found():
    frame = clean()
    part = parts(frame, np.random.default_rng(0).random(len(frame)) < 0.3)
    severity, finding = about(report(frame, part=part), "train and test", "test")
    assert severity == "act"
    assert "split by customer or time" in finding


def test_a_test_of_other_customers_is_clean():
    frame = clean()
    part = parts(frame, frame["customer"] % 4 == 0)
    assert "train and test" not in set(report(frame, part=part)["check"])


def test_out_of_time_the_same_customers_are_as_they_are_in_use():
    frame = clean()
    found = report(frame, config(days=60), part=parts(frame, frame["as_of"] == DATES[3]))
    assert about(found, "train and test", "test")[0] == "info"
    share = (
        frame.loc[frame["as_of"] == DATES[3], "customer"].isin(frame.loc[frame["as_of"] < DATES[3], "customer"]).mean()
    )
    assert found.set_index("check").loc["train and test", "figure"] == pytest.approx(share)


def test_outcomes_of_training_that_reach_into_the_test_are_told():
    frame = clean()
    found = report(frame, config(days=90, gap=30), part=parts(frame, frame["as_of"] == DATES[3]))
    lines = found[found["check"] == "train and test"]
    assert lines["severity"].tolist() == ["watch", "info"]
    assert "reach to 2021-10-29, past the first date of test, 2021-10-01" in lines["finding"].iloc[0]


def test_rows_that_are_there_twice_are_found():
    frame = pd.concat([clean(), clean().head(3)], ignore_index=True)
    assert about(report(frame), "train and test", "customer") == (
        "act", "3 rows repeat the customer and as-of date of another: they may be in training and in test",
    )  # fmt: skip


# -- drifting definitions


def test_a_change_of_unit_is_found_and_dated():
    frame = clean()
    frame["x3"] = np.exp(frame["x3"])
    frame.loc[frame["as_of"] >= DATES[2], "x3"] *= 100
    severity, finding = about(report(frame), "drifting definition", "x3")
    assert severity == "act"
    assert "on 2021-07-01" in finding


def test_a_window_that_reaches_back_before_its_table_is_told_and_no_reason_to_act():
    frame = clean()
    frame["orders_count_30d"] = np.random.default_rng(1).normal(size=len(frame))
    frame.loc[frame["as_of"] == DATES[0], "orders_count_30d"] -= 5.0
    begins = (DATES[0] - pd.Timestamp(0)).days - 20
    severity, finding = about(report(frame, coverage=covered(begins=begins)), "drifting definition", "orders_count_30d")
    assert severity == "watch"
    assert finding.endswith(f"its table begins within its window until {DATES[0] + pd.Timedelta(days=10):%Y-%m-%d}")
    begins -= 10
    assert about(report(frame, coverage=covered(begins=begins)), "drifting definition", "orders_count_30d")[0] == "act"


def test_values_that_miss_until_the_window_is_whole_are_no_reason_to_act():
    frame = clean()
    frame["orders_mean_30d"] = np.where(frame["as_of"] == DATES[0], np.nan, np.arange(len(frame)) % 97)
    begins = (DATES[0] - pd.Timestamp(0)).days - 20
    severity, finding = about(report(frame, coverage=covered(begins=begins)), "drifting definition", "orders_mean_30d")
    assert (severity, "its table begins within" in finding) == ("watch", True)


def test_a_season_is_to_be_watched():
    frame = clean()
    frame.loc[frame["as_of"] == DATES[3], "x3"] += 0.7
    assert about(report(frame), "drifting definition", "x3")[0] == "watch"


def test_an_age_in_a_closed_book_tells_the_date_and_is_to_be_watched():
    frame = clean()
    frame["x3"] += 3.0 * frame["as_of"].rank(method="dense")
    severity, finding = about(report(frame), "drifting definition", "x3")
    assert severity == "watch"
    assert "it tells the date" in finding


@pytest.mark.parametrize(("share", "severity"), [(1.0, "act"), (0.5, "watch")])
def test_values_that_go_missing_at_a_date_are_found(share, severity):
    frame = clean()
    gone = (frame["as_of"] == DATES[1]) & (np.random.default_rng(0).random(len(frame)) < share)
    frame.loc[gone, "x3"] = np.nan
    told, finding = about(report(frame), "drifting definition", "x3")
    assert told == severity
    assert "on 2021-04-01" in finding
    assert finding.endswith("jumps at 1 other date")


def test_a_level_that_appears_or_vanishes_is_found():
    frame = clean()
    later = (frame["as_of"] >= DATES[2]) & (frame["industry"] == "steel") & (frame["customer"] % 5 == 0)
    frame.loc[later, "industry"] = "iron"
    severity, finding = about(report(frame), "drifting definition", "industry")
    assert severity == "watch"
    assert "'iron'" in finding
    assert "appears on 2021-07-01" in finding


def test_a_level_of_few_rows_may_come_and_go():
    frame = clean()
    frame.loc[frame.index[:5], "industry"] = "tin"
    assert "drifting definition" not in set(report(frame)["check"])


@pytest.mark.parametrize(("kept", "severity"), [(0.5, "watch"), (0.0, "act")])
def test_an_event_rate_that_jumps_is_found(kept, severity):
    frame = clean()
    at = (frame["as_of"] == DATES[3]) & (np.random.default_rng(0).random(len(frame)) >= kept)
    frame.loc[at, "outcome"] = 0
    told, finding = about(report(frame), "drifting definition", "outcome")
    assert told == severity
    assert "on 2021-10-01" in finding


# -- as a whole


def test_one_as_of_date_or_an_outcome_without_events_is_reported_on_too():
    frame = clean()
    assert "act" not in set(report(frame[frame["as_of"] == DATES[0]])["severity"])
    assert "act" not in set(report(frame.assign(outcome=0))["severity"])


def test_columns_without_values_are_let_be():
    frame = clean().assign(x2=np.nan, x3=None)
    assert set(report(frame)["severity"]) == {"info"}


def test_a_panel_that_was_built_is_reported_on(panel_of, tmp_path):
    draw = np.random.default_rng(0)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(draw.integers(0, 700, 6000), unit="D")
    orders = list(
        zip(draw.integers(0, 400, 6000).tolist(), days.astype(str), draw.gamma(2, 20, 6000).tolist(), strict=True)
    )
    outcome = {"rule": "no_purchase", "table": "orders", "days": 30}
    asked = panel_of(
        {"orders": ("purchases", "customer day amount", orders)},
        outcome=outcome,
        windows=[90],
        as_of=["2021-05-01", "2021-08-01"],
    )
    built = build(asked, tmp_path / "panel")
    found = leakage_report(built.frame().sort_values(["as_of", "customer"]), asked, built.coverage)
    assert "act" not in set(found["severity"])
    assert "recorded after the fact" in set(found["check"])
