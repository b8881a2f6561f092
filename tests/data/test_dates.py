"""Dates: every form that can be read in one way only is one, whatever the file."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.data.dates import as_of_dates, date_form
from riskml.data.sources.source import read_table
from riskml.errors import DataError


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2024-01-31", "2024-02-29"]),
        pd.to_datetime(["2024-01-31", "2024-02-29"]).tz_localize("Asia/Shanghai"),
        ["2024-01-31", "2024-02-29"],
        [" 2024-01-31 ", "2024-02-29 00:00:00"],
        [dt.date(2024, 1, 31), dt.date(2024, 2, 29)],
        [20240131, 20240229],
        [20240131.0, 20240229.0],
        ["20240131", "20240229"],
        pd.Categorical(["2024-01-31", "2024-02-29"]),
        ["2024年01月31日", "2024年2月29日"],
        ["20240131 10:00", "20240229 9:30"],
        ["31-Jan-24", "29 February 2024"],
        [45322, 45351],
        ["45322", "45351"],
        [1706659200, 1709164800],
        [1706659200000, 1709164800000],
        ["2024-01-31T23:30:00-05:00", "2024-02-29T00:10:00+08:00"],
    ],
)
def test_dates_are_read_in_every_unambiguous_form(values):
    found = as_of_dates(pd.Series(values, name="d"))
    assert found.dt.strftime("%F").tolist() == ["2024-01-31", "2024-02-29"]
    assert found.dt.tz is None


@pytest.mark.parametrize(
    "values", [["2024-01", "2024-02"], [202401, 202402], pd.period_range("2024-01", periods=2, freq="M")]
)
def test_a_month_is_its_first_day(values):
    assert as_of_dates(pd.Series(values)).dt.strftime("%F").tolist() == ["2024-01-01", "2024-02-01"]


@pytest.mark.parametrize("bad", ["31.01.2024", "2024-02-30", "soon", "20241301"])
def test_a_date_that_cannot_be_read_is_named_with_its_row(bad):
    column = pd.Series(["2024-01-31", bad], name="d", index=pd.RangeIndex(2, name="row"))
    with pytest.raises(DataError, match=f"1 as-of date cannot be read: '{bad}'") as caught:
        as_of_dates(column)
    assert caught.value.where == "column 'd', rows 1 (counted from 0)"


@pytest.mark.parametrize("kind", ["timestamp[us][pyarrow]", "timestamp[us, UTC][pyarrow]", "date32[day][pyarrow]"])
def test_dates_of_arrow_have_calendar_periods(kind):
    stamps = pd.Series(pd.to_datetime(["2024-01-31", "2024-02-29"]))
    stamps = stamps.dt.tz_localize("UTC") if "UTC" in kind else stamps
    found = as_of_dates(stamps.astype("timestamp[us][pyarrow]" if "date" in kind else kind).astype(kind))
    assert found.dt.to_period("M").astype(str).tolist() == ["2024-01", "2024-02"]


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2024-01-31", "2024-02-29"]),
        pd.period_range("2024-01", periods=2, freq="M"),
        [dt.date(2024, 1, 31), dt.date(2024, 2, 29)],
        ["2024-01-31", "2024/2/29"],
        ["2024-01-31 10:00", "2024-02-29T10:00:00Z"],
        ["2024-01", "2024-02"],
        ["31.01.2024", "29.02.24"],
        ["1/31/2024", "2/29/2024"],
        ["Jan-2024", "Feb-24"],
        ["31 Jan 2024", "29 February 2024"],
        ["January 31, 2024", "Feb 29, 2024"],
        [20240131, 20240229],
        [20240131.0, np.nan, 20240229.0],
        ["2023年08月09日", "2023年8月10日"],
        ["2023年8月", "2023年9月"],
        ["20231024 10:00", "20231025 11:30"],
        ["24-Oct-23", "25-Oct-23"],
    ],
)
def test_dates_are_known_by_their_form(values):
    assert date_form(pd.Series(values, name="x"))


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        ["2024", "2025"],
        ["1-2", "3-4"],
        ["12.5", "13.25"],
        ["2024-01-31", "later"],
        ["May", "June"],
        [20240131, 20249931],
        [20240131.5, 20240229.5],
        [202401, 202402],
        [np.nan, np.inf],
        [1.0, 2.0],
    ],
)
def test_other_values_are_not_dates(values):
    assert date_form(pd.Series(values, name="x")) is None


def test_months_written_as_numbers_are_dates_when_the_name_says_so():
    assert date_form(pd.Series([202401, 202402], name="vintage_month"))


@pytest.mark.parametrize(
    ("name", "values", "form"),
    [
        ("open_date", [45147, 45148], "days of Excel"),
        ("开户日期", [45147, 45148], "days of Excel"),
        ("created_at", [1700000000, 1700003600], "seconds since 1970"),
        ("timestamp", ["1700000000000", "1700003600000"], "milliseconds since 1970"),
    ],
)
def test_numbers_of_other_programs_are_dates_when_the_name_says_so(name, values, form):
    assert date_form(pd.Series(values, name=name)).startswith(form)
    assert date_form(pd.Series(values, name="amount")) is None


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_a_time_with_a_zone_is_on_the_same_day_from_text_and_from_parquet(unit, tmp_path):
    stamps = pd.Series(pd.to_datetime(["2024-01-31 23:30", "2024-02-01 00:10"])).dt.tz_localize("Asia/Shanghai")
    frame = pd.DataFrame({"d": stamps.dt.as_unit(unit)})
    frame.to_parquet(tmp_path / "d.parquet")
    frame.to_csv(tmp_path / "d.csv", index=False)
    days = [as_of_dates(read_table(tmp_path / name)["d"]).dt.date.tolist() for name in ("d.parquet", "d.csv")]
    assert days[0] == days[1] == [dt.date(2024, 1, 31), dt.date(2024, 2, 1)]
