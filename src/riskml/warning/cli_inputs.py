"""What the commands are handed: files of a book, dates, channels, officers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError, DataError, InputError
from riskml.i18n import ROLES
from riskml.warning.delivery.channel import Channel
from riskml.warning.replay import Outcomes, event_dates, outcomes_of_panel, panel_books


def read_books(files: Sequence[Path], as_of: dt.date, customer: str) -> pd.DataFrame:
    """Return a book that lies in several files, such as features and scores, by customer."""
    book: pd.DataFrame | None = None
    for file in files:
        frame = read_table(file)
        if customer not in frame.columns:
            raise DataError(f"there is no column {customer!r}", where=str(file), fix="name the column with --customer")
        _refuse_other_days(frame, as_of, file)
        frame = frame.assign(**{customer: frame[customer].astype(str)})
        if book is None:
            book = frame
            continue
        alone = set(book[customer]) ^ set(frame[customer])
        if alone:
            raise DataError(
                f"{len(alone)} customers are in one file and not in the other, the first is {min(alone)!r}",
                where=f"{files[0]} and {file}",
                fix="hand in files of the same book",
            )
        new = [customer, *(name for name in frame.columns if name not in book.columns)]
        # Whoever is there twice is refused when the book is read.
        book = book.merge(frame[new], on=customer, how="left")
    if book is None:
        raise InputError("no book was handed in", where="--book")
    return book


def _refuse_other_days(frame: pd.DataFrame, as_of: dt.date, file: Path) -> None:
    if "as_of" not in frame.columns:
        return
    days = pd.to_datetime(frame["as_of"], errors="coerce").dt.date.unique()
    strange = [one for one in days if one != as_of]
    if strange:
        raise DataError(
            f"the book is of {strange[0]}, not of {as_of}",
            where=f"{file}, column 'as_of'",
            fix="say the book's own day with --as-of, or hand in the book of that day",
        )


def channels(rules: WarningRules, clock: Callable[[], float], only: str | None = None) -> list[Channel]:
    """Return the channels that the rules name, their secrets read from the environment."""
    from riskml.warning.delivery.mail import Mail
    from riskml.warning.delivery.webhook import Webhook

    delivery = rules.delivery
    made: dict[str, Callable[[], Channel]] = {}
    if delivery.mail is not None:
        mail = delivery.mail
        made["mail"] = lambda: Mail(mail, rules)
    if delivery.webhook is not None:
        webhook = delivery.webhook
        made["webhook"] = lambda: Webhook(webhook, clock)
    if only is not None and only not in (*made, "table"):
        raise ConfigError(f"the rules have no delivery {only!r}", where="--only", fix="add it beneath delivery")
    return [build() for name, build in made.items() if only in (None, name)]


def known_role(name: str) -> str:
    """Return a role that an option names."""
    if name not in ROLES:
        raise InputError(f"there is no role {name!r}", where="--role", fix=f"it is one of {', '.join(ROLES)}")
    return name


def officers(pairs: Sequence[str]) -> dict[str, int]:
    """Return the number of officers by role, from words such as ``risk=3``."""
    numbers: dict[str, int] = {}
    for one in pairs:
        role, _, number = one.partition("=")
        if role not in ROLES or not number.isdecimal() or int(number) < 1:
            raise InputError(f"{one!r} is not understood", where="--officers", fix="write it like --officers risk=3")
        numbers[role] = int(number)
    return numbers


def outcomes(panel: Path, events: Path | None, customer: str, date: str, until: dt.date | None) -> Outcomes:
    """Return what became of the customers: from a table of events, or else from the panel's own outcome."""
    if events is not None:
        return event_dates(read_table(events), customer, date, until, str(events))
    return outcomes_of_panel(panel_books(panel))


def books(panel: Path, score: Callable[[pd.DataFrame], pd.DataFrame] | None) -> Iterator[tuple[dt.date, pd.DataFrame]]:
    """Yield the books of a panel, scored where a model is given."""
    return panel_books(panel, score)
