"""Dates in columns: the forms in which files write them, and their values."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.data.key_columns import refuse_blanks, row_names
from riskml.errors import DataError, preview
from riskml.runtime.frame import levels

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*"
_CLOCK = r"(?P<clock>[ T]?\d{1,2}:\d{2}.*)?"
# Year, month and day in this order or with the month as a word: forms that can be read in one way only.
_READABLE = (
    rf"(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{{1,2}})(?:[-/.](?P<d>\d{{1,2}}){_CLOCK})?",  # 2024-01-31, 2024/1/31 12:00
    rf"(?P<y>(?:19|20)\d\d) ?年 ?(?P<m>\d{{1,2}}) ?月(?: ?(?P<d>\d{{1,2}}) ?[日号])?{_CLOCK}",  # 2023年8月9日
    r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?:(?P<d>\d\d)(?P<clock>[ T]\d{1,2}:\d{2}.*)?)?",  # 20240131, 20240131 10:00
    rf"(?:(?P<d>\d{{1,2}})[- ])?{_MONTH}[- ,]+(?P<y>(?:19|20)?\d\d)",  # 31-Jan-24, Jan 2024
    rf"{_MONTH} +(?P<d>\d{{1,2}}),? +(?P<y>(?:19|20)\d\d)",  # January 31, 2024
)
_READERS = tuple(re.compile(form, re.IGNORECASE) for form in _READABLE)
_ZONE = re.compile(r" ?(Z|UTC|[+-]\d\d(:?\d\d)?)$", re.IGNORECASE)
# The order of day and month is not known: 31.01.2024, 1/31/24.
_AMBIGUOUS = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.](19|20)?\d\d([ T]\d{1,2}:\d{2}.*)?")
_DATE_NAME = re.compile(
    r"(date|month|period|vintage|quarter|day|time|_at$|_dt$|日期|时间|日$|年月|月份)", re.IGNORECASE
)
_EPOCH_NAME = re.compile(r"(date|time|epoch|stamp|_at$|_ts$|created|updated|opened|日期|时间)", re.IGNORECASE)
_EXCEL_DAYS = range(30_000, 60_001)  # 1982 to 2064, counted from 1899-12-30
_EPOCH_SECONDS = range(631_152_000, 2_524_608_000)  # 1990 to 2050
_MOST = 1000  # distinct values examined: enough to tell a form


def date_form(values: pd.Series) -> str | None:
    """Return the form in which a column holds dates, or None.

    Examples
    --------
    >>> date_form(pd.Series(["2024-01-31", "2024-02-29"]))
    'text such as 2024-01-31'
    """
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if pd.api.types.is_datetime64_any_dtype(values.dtype) or kind in {"datetime", "datetime64", "date", "period"}:
        return "dates"
    distinct = values.dropna().drop_duplicates().head(_MOST)
    if len(distinct) < 2:
        return None
    if kind in {"integer", "floating"}:
        return _number_form(distinct.to_numpy(dtype=np.float64), str(values.name))
    texts = [str(value).strip() for value in distinct]
    if all(text.isdigit() and len(text) not in (6, 8) for text in texts):
        return _number_form(np.array(texts, dtype=np.float64), str(values.name))
    if all(_AMBIGUOUS.fullmatch(text) or any(form.fullmatch(text) for form in _READERS) for text in texts):
        return None if all(text.isdigit() for text in texts) else f"text such as {texts[0]}"
    return None


def _number_form(numbers: NDArray[np.float64], name: str) -> str | None:
    """Return how whole numbers stand for dates, as their range and the column's name show, or None."""
    if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
        return None
    example = int(numbers[0])
    if numbers.min() >= _EPOCH_SECONDS.start and _EPOCH_NAME.search(name):
        for factor, unit in ((1, "seconds"), (1000, "milliseconds")):
            if _within(numbers / factor, _EPOCH_SECONDS):
                return f"{unit} since 1970 such as {example}"
    if _within(numbers, _EXCEL_DAYS) and _DATE_NAME.search(name):
        return f"days of Excel such as {example}"
    if numbers.min() > 19_000_000:
        years, months, days = numbers // 10_000, numbers // 100 % 100, numbers % 100
    elif _DATE_NAME.search(name):
        years, months, days = numbers // 100, numbers % 100, np.ones_like(numbers)
    else:
        return None
    fits = (years >= 1900) & (years <= 2100) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    return f"whole numbers such as {example}" if fits.all() else None


def _within(numbers: NDArray[np.float64], limits: range) -> bool:
    return bool((numbers >= limits.start).all() and (numbers < limits.stop).all())


def as_of_dates(column: pd.Series) -> pd.Series:
    """Return the as-of dates as timestamps without time zone; a timestamp with a zone is on the day of that zone.

    Text is read in every form that leaves no doubt about day and month; whole numbers are days of Excel, seconds or
    milliseconds since 1970, years and months (202401) or dates (20240131).

    Examples
    --------
    >>> as_of_dates(pd.Series(["2023年8月9日", "31-Jan-24"])).dt.date.astype(str).tolist()
    ['2023-08-09', '2024-01-31']
    """
    refuse_blanks(column, "the as-of date", "fill in the dates, or remove the rows")
    if isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind == "M":
        column = pd.to_datetime(column.astype(object))  # Arrow's dates have no calendar periods
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        dates = column
    elif isinstance(column.dtype, pd.PeriodDtype):
        dates = column.dt.start_time
    else:
        texts = pd.Series(levels(column), index=column.index, name=column.name).str.strip()
        dates = _parsed(texts)
        lost = dates.isna()
        if lost.any():
            count = int(lost.sum())
            raise DataError(
                f"{count} as-of {'date' if count == 1 else 'dates'} cannot be read: {preview(texts[lost].unique(), 3)}",
                where=f"column {column.name!r}, {row_names(column.index[lost])}",
                fix="write dates as YYYY-MM-DD",
            )
    return dates.dt.tz_localize(None) if dates.dt.tz is not None else dates


def _parsed(texts: pd.Series) -> pd.Series:
    """Return dates without zone; missing where the text is no date, or is one in doubt."""
    distinct = pd.Series(texts.unique(), dtype=object)
    if distinct.str.fullmatch(r"\d{5}|\d{9,13}").all():
        numbers = distinct.astype(np.float64)
        if _within(np.asarray(numbers, dtype=np.float64), _EXCEL_DAYS):
            dates = pd.to_datetime(numbers, unit="D", origin="1899-12-30")
        else:
            milliseconds = numbers.where(numbers >= 1e11, numbers * 1000)
            dates = pd.to_datetime(milliseconds, unit="ms", errors="coerce")
    else:
        dates = pd.to_datetime(distinct.map(_iso), format="ISO8601", errors="coerce")
    return texts.map(dict(zip(distinct, dates, strict=True))).astype("datetime64[us]")


def _iso(text: str) -> str:
    """Return a date in ISO 8601, or the text where it has none of the known forms."""
    for form in _READERS:
        match = form.fullmatch(text)
        if match:
            parts = match.groupdict()
            year = parts["y"] if len(parts["y"]) == 4 else f"20{parts['y']}"
            month = int(parts["m"]) if "m" in parts else _MONTHS.index(parts["month"].lower()) + 1
            clock = _ZONE.sub("", (parts.get("clock") or "").strip(" T"))
            clock = f"T{clock if clock[2:3] == ':' else '0' + clock}" if clock else ""
            return f"{year}-{month:02d}-{int(parts['d'] or 1):02d}{clock}"
    return text
