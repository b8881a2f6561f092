"""A panel over its as-of dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.over_time import missing_over_time, strength_over_time
from riskml.report import plots
from riskml.scorecard import OptimalBinner


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
