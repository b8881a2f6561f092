"""Inputs of the alert commands: portfolio files, channels, roles and officers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError, DataError, InputError
from riskml.i18n import ROLES
from riskml.warning.delivery.channel import Channel
from riskml.warning.replay import Outcomes, event_dates, outcomes_of_panel, panel_portfolios


def read_files(files: Sequence[Path], as_of: dt.date, customer: str) -> pd.DataFrame:
    """Return a portfolio from one or several files, such as features and scores, joined by customer."""
    portfolio: pd.DataFrame | None = None
    for file in files:
        frame = read_table(file)
        if customer not in frame.columns:
            raise DataError(f"there is no column {customer!r}", where=str(file), fix="name the column with --customer")
        _check_date(frame, as_of, file)
        frame = frame.assign(**{customer: frame[customer].astype(str)})
        if portfolio is None:
            portfolio = frame
            continue
        unmatched = set(portfolio[customer]) ^ set(frame[customer])
        if unmatched:
            raise DataError(
                f"{len(unmatched)} customers are in only one of the files, such as {min(unmatched)!r}",
                where=f"{files[0]} and {file}",
                fix="name files of the same portfolio",
            )
        new = [customer, *(name for name in frame.columns if name not in portfolio.columns)]
        portfolio = portfolio.merge(frame[new], on=customer, how="left")  # duplicates are refused by `rule_columns`
    if portfolio is None:
        raise InputError("no file", where="--book")
    return portfolio


def _check_date(frame: pd.DataFrame, as_of: dt.date, file: Path) -> None:
    if "as_of" not in frame.columns:
        return
    other = [day for day in pd.to_datetime(frame["as_of"], errors="coerce").dt.date.unique() if day != as_of]
    if other:
        raise DataError(
            f"the portfolio is of {other[0]}, not of {as_of}",
            where=f"{file}, column 'as_of'",
            fix="set --as-of to the date of the portfolio, or name the portfolio of that date",
        )


def channels(rules: WarningRules, clock: Callable[[], float], only: str | None = None) -> list[Channel]:
    """Return the channels of the rules, with their secrets from the environment."""
    from riskml.warning.delivery.mail import Mail
    from riskml.warning.delivery.webhook import Webhook

    mail, webhook = rules.delivery.mail, rules.delivery.webhook
    configured = {"table", *(name for name, delivery in (("mail", mail), ("webhook", webhook)) if delivery is not None)}
    if only is not None and only not in configured:
        raise ConfigError(f"the rules have no delivery {only!r}", where="--only", fix="add it below delivery")
    selected: list[Channel] = []
    if mail is not None and only in (None, "mail"):
        selected.append(Mail(mail, rules))
    if webhook is not None and only in (None, "webhook"):
        selected.append(Webhook(webhook, clock))
    return selected


def known_role(name: str) -> str:
    """Return a role, if it exists."""
    if name not in ROLES:
        raise InputError(f"unknown role {name!r}", where="--role", fix=f"use one of {', '.join(ROLES)}")
    return name


def officers(pairs: Sequence[str]) -> dict[str, int]:
    """Return the number of officers by role, from texts such as ``risk=3``."""
    numbers: dict[str, int] = {}
    for pair in pairs:
        role, _, number = pair.partition("=")
        if role not in ROLES or not number.isdecimal() or int(number) < 1:
            raise InputError(
                f"expected a role and a number, got {pair!r}", where="--officers", fix="for example --officers risk=3"
            )
        numbers[role] = int(number)
    return numbers


def outcomes(panel: Path, events: Path | None, customer: str, date: str, until: dt.date | None) -> Outcomes:
    """Return the outcomes of a table of events, or else those of the panel."""
    if events is not None:
        return event_dates(read_table(events), customer, date, until, str(events))
    return outcomes_of_panel(panel_portfolios(panel))
