"""A panel over its as-of dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.panel import PanelConfig
from riskml.features.coverage import Coverage
from riskml.report import plots
from riskml.scorecard import OptimalBinner
from riskml.validation.time_stability import missing_over_time, records_over_time, strength_over_time


@pytest.fixture
def panel():
    """Return features, outcome and dates: "fades" tells the outcome at the first date, and nothing at the second."""
    rng = np.random.default_rng(7)
    dates = pd.Series(np.repeat(pd.to_datetime(["2021-01-01", "2021-07-01"]), 1000))
    y = pd.Series(rng.random(2000) < 0.3).astype(int)
    told = np.where(np.arange(2000) < 1000, y, 0)
    frame = pd.DataFrame({"fades": told + rng.normal(size=2000), "holds": y + rng.normal(size=2000), "late": 1.0})
    frame.loc[:499, "late"] = np.nan
    return frame, y, dates


@pytest.fixture
def asked():
    """Return a panel of purchases and contacts, looked at on 2021-04-01, drawn on 2021-06-15."""
    orders = {"role": "purchases", "source": "orders.csv", "time": "day", "amount": "amount"}
    calls = {"role": "contacts", "source": "calls.csv", "time": "day"}
    return PanelConfig.model_validate(
        {
            "tables": {"orders": orders, "calls": calls},
            "as_of": ["2021-04-01"],
            "windows": [60],
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 30},
            "until": "2021-06-15",
        }
    )


def by_day(**records):
    days = pd.Series(pd.to_datetime([day.removeprefix("d").replace("_", "-") for day in records]))
    return pd.DataFrame({"day": (days - pd.Timestamp(0)).dt.days, "records": list(records.values())})


def test_the_records_of_whole_months_are_told_as_a_share_of_the_fullest(asked):
    orders = by_day(d2020_12_31=50, d2021_02_01=3, d2021_02_28=1, d2021_04_30=8, d2021_06_01=2, d2099_01_01=9)
    found = records_over_time(Coverage({"orders": orders, "calls": by_day(d2021_05_05=4)}), asked)
    assert [month.strftime("%Y-%m") for month in found.columns] == [
        "2021-01",
        "2021-02",
        "2021-03",
        "2021-04",
        "2021-05",
    ]
    assert found.loc["orders"].tolist() == [0, 0.5, 0, 1, 0], "before the window, in a month begun, and in the future"
    assert found.loc["calls"].tolist() == [0, 0, 0, 0, 1]
    assert "orders: 0% to 100%" in plots.records_over_time(found).alt


def test_a_table_without_records_in_these_months_is_empty(asked):
    found = records_over_time(Coverage({"orders": by_day(d2021_05_05=4), "calls": by_day(d2019_05_05=4)}), asked)
    assert found.loc["calls"].tolist() == [0, 0, 0, 0, 0]


def test_low_event_rates_are_told_apart_on_the_axis():
    told = pd.DataFrame({"as_of": ["2021-01-01", "2021-07-01"], "kept": [9000, 9000], "events": [90, 150]})
    picture = plots.events_over_time(told.assign(censored=False))
    picture.draw_without_rendering()
    shown = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert len(set(shown)) == len(shown)


def test_a_column_that_begins_late_is_missing_before(panel):
    frame, _, dates = panel
    found = missing_over_time(frame, dates)
    assert found.index.tolist() == ["late"]
    assert found.loc["late"].tolist() == [0.5, 0.0]


def test_a_column_that_fades_loses_its_strength(panel):
    frame, y, dates = panel
    binner = OptimalBinner().fit(frame[["fades", "holds"]][:1000], y[:1000])
    found = strength_over_time(frame, y, dates, binner)
    assert found.loc["fades"].iloc[1] < 0.1 < found.loc["fades"].iloc[0]
    assert found.loc["holds"].min() > 0.4


def test_on_the_training_rows_the_strength_is_the_information_value(panel):
    frame, y, dates = panel
    binner = OptimalBinner(smoothing=0.0).fit(frame[["holds"]][:1000], y[:1000])
    found = strength_over_time(frame[:1000], y[:1000], dates[:1000], binner)
    assert found.loc["holds"].iloc[0] == pytest.approx(binner.summary_.set_index("column").loc["holds", "iv"], rel=1e-6)


def test_a_date_with_too_few_events_is_left_out(panel):
    frame, y, dates = panel
    y = y.where(dates < "2021-07-01", 0)
    binner = OptimalBinner().fit(frame[["holds"]][:1000], y[:1000])
    assert strength_over_time(frame, y, dates, binner).shape == (1, 1)


def test_the_pictures_say_in_words_what_they_show(panel):
    frame, y, dates = panel
    binner = OptimalBinner().fit(frame[["holds"]][:1000], y[:1000])
    assert "late: 0.0% to 50.0%" in plots.missing_over_time(missing_over_time(frame, dates)).alt
    assert "holds: " in plots.strength_over_time(strength_over_time(frame, y, dates, binner)).alt
    told = pd.DataFrame({"as_of": ["2021-01-01", "2021-07-01"], "kept": [100, 0], "events": [25, 0]})
    assert plots.events_over_time(told.assign(censored=[False, True])).alt.endswith("2021-01-01: 25.0%.")


def test_an_empty_panel_has_pictures_that_say_so(panel):
    nothing = pd.DataFrame(columns=["as_of", "kept", "events", "censored"])
    assert plots.events_over_time(nothing).png()
    assert plots.missing_over_time(pd.DataFrame()).png()
