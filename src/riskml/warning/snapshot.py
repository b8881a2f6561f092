"""The book of an as-of date as the rules read it: who is in it, and one value for each indicator."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.warning import TIER, WarningRules
from riskml.data.sources.digest import content_hash
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.expressions import parse


@dataclass(frozen=True)
class Reading:
    """What is kept of an as-of date, for later ones to be held against."""

    as_of: dt.date
    values: pd.DataFrame  # the value of each indicator, before any change is taken; NaN where it is not known
    levels: pd.DataFrame  # what each indicator said by itself: 0 calm, 1 amber, 2 red

    def to_bytes(self) -> bytes:
        """Return the reading as a Parquet file."""
        levels = self.levels.add_prefix("level:")
        file = io.BytesIO()
        pd.concat([self.values, levels], axis=1).to_parquet(file, compression="zstd")
        return file.getvalue()

    @classmethod
    def from_bytes(cls, as_of: dt.date, content: bytes) -> Reading:
        """Read what ``to_bytes`` wrote."""
        both = pd.read_parquet(io.BytesIO(content))
        names = [name for name in both.columns if not name.startswith("level:")]
        levels = both[[f"level:{name}" for name in names]]
        return cls(as_of, both[names], levels.set_axis(names, axis=1))


def read_book(rules: WarningRules, frame: pd.DataFrame, customer: str = "customer") -> pd.DataFrame:
    """Return the columns of a scored book that the rules read, by customer.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        One row per customer, who is named by the index of this name, or else by the column.
    customer : str
        Its name.

    Returns
    -------
    DataFrame of shape (n, read)
        Index: the customers as text, in order. With ``tier_number`` where the rules read it.

    Raises
    ------
    DataError
        When there is nobody, somebody has no name or stands there twice, or a tier is not one of the rules' tiers.
    ConfigError
        When a column that the rules read is absent.
    """
    names = _names(frame, customer)
    absent = [name for name in rules.columns if name not in frame.columns]
    if absent:
        known = [str(name) for name in frame.columns]
        raise ConfigError(
            f"the rules read {preview(absent)}, which the book does not have",
            where=f"rules {rules.name}",
            fix=did_you_mean(absent[0], known) or f"the book has {preview(known)}",
        )
    book = frame[list(rules.columns)].set_axis(names, axis=0)
    if rules.tiers and "tier" in book.columns:
        book = book.assign(**{TIER: _places(book["tier"], rules.tiers)})
    return book if names.is_monotonic_increasing else book.sort_index()


def _names(frame: pd.DataFrame, customer: str) -> pd.Index:
    if frame.empty:
        raise DataError("the book has no rows", fix="export it again, with its customers")
    if frame.index.name != customer and customer not in frame.columns:
        raise DataError(
            f"the book does not say who its customers are: it has no column {customer!r}",
            fix=did_you_mean(customer, [str(name) for name in frame.columns]) or "name the column with --customer",
        )
    customers = pd.Series(frame.index if frame.index.name == customer else frame[customer].to_numpy())
    if customers.isna().any():
        raise DataError(f"{int(customers.isna().sum())} rows have no customer", where=f"column {customer!r}")
    if pd.api.types.is_float_dtype(customers.dtype) and (customers == customers.round()).all():
        customers = customers.astype(np.int64)  # an integer that was read beside an empty cell
    names = pd.Index(customers.astype(str), name="customer")
    if not names.is_unique:
        twice = names[names.duplicated()]
        raise DataError(
            f"{len(twice)} rows name a customer who is there already, the first is {twice[0]!r}",
            where=f"column {customer!r}",
            fix="a book has one row per customer; choose one as-of date",
        )
    return names


def _places(tiers: pd.Series, order: tuple[str, ...]) -> pd.Series:
    places = tiers.astype(object).map({name: float(place) for place, name in enumerate(order)})
    strange = places.isna() & tiers.notna()
    if strange.any():
        raise DataError(
            f"the tier {str(tiers[strange].iloc[0])!r} is not one of the rules' tiers {', '.join(order)}",
            where="column 'tier'",
            fix="name the tiers of the model in the rules, lowest risk first",
        )
    return places.astype(np.float64)


def book_digest(book: pd.DataFrame) -> str:
    """Return a fingerprint (64 hexadecimal digits) of a book that `read_book` returned: other content, other digits."""
    return content_hash(book.reset_index())


def values(rules: WarningRules, book: pd.DataFrame) -> pd.DataFrame:
    """Return the value of each indicator on a day, shape (customers, indicators); NaN where it is not known."""
    columns = {
        name: _finite(parse(one.value, where=_where(rules, name)).amounts(book))
        for name, one in rules.indicators.items()
    }
    return pd.DataFrame(columns, index=book.index)


def _finite(amounts: pd.Series) -> np.ndarray:
    array = amounts.to_numpy(np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _where(rules: WarningRules, name: str) -> str:
    return f"rules {rules.name}, indicators.{name}"


def alert_key(rule: str, customer: str, opened: dt.date) -> str:
    """Return the name of an alert: 20 hexadecimal digits that follow from whose it is, the rules and its first day.

    Examples
    --------
    >>> alert_key("book", "C1", dt.date(2024, 1, 1)) == alert_key("book", "C1", dt.date(2024, 1, 1))
    True
    """
    return hashlib.sha256(f"{rule}\n{opened}\n{customer}".encode()).hexdigest()[:20]
