"""What the commands of a managed book read and write."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import get_args

import pandas as pd

from riskml.book import load_model, read_book
from riskml.data.sources import read_table
from riskml.errors import InputError
from riskml.files import read_json, replacing
from riskml.languages import Language
from riskml.managing.feedback import Feedback, feedback
from riskml.managing.folder import months
from riskml.managing.manage import Asked
from riskml.policy_config import read_policy
from riskml.run import Run
from riskml.runtime.answers import harmless
from riskml.warning.past import event_dates
from riskml.warning_config import read_rules


def asked_for(
    model: Path, policy: Path, rules: Path | None, monitoring: Path | None, results: Path | None, language: str | None
) -> Asked:
    """Read what a month is made from.

    Raises
    ------
    InputError
        When a file is not there, or is not what it should be.
    """
    said = read_policy(policy)
    spoken: Language = said.messages.language
    for known in get_args(Language):
        spoken = known if language == known else spoken
    if language is not None and language != spoken:
        raise InputError(f"the language {language!r} is not known", where="--language", mend="en or zh")
    return Asked(
        model=load_model(model),
        policy=said,
        rules=None if rules is None else read_rules(rules),
        language=spoken,
        health=tuple(_findings(monitoring)) if monitoring is not None else (),
        results=read_table(str(results)) if results is not None else None,
    )


def _findings(file: Path) -> list[dict[str, str]]:
    try:
        found = read_json(file)["findings"]
        return [{name: str(one[name]) for name in ("severity", "what", "next_step")} for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"it holds no findings of a monitoring: {error!r}", where=str(file), mend="name a monitoring.json"
        ) from None


def read_customers(model: Path, data: Path, customer: str | None) -> pd.DataFrame:
    """Read a book; customers go by the column that is named, else by the run's, else by row number."""
    if customer is None and (model / "run.json").is_file():
        customer = Run.open(model).experiment.data.id
    return read_book(data, customer)


def feedback_of(
    folder: Path,
    policy: Path,
    events: Path,
    until: dt.date,
    window_days: int,
    customer: str,
    date: str,
    decisions: Path | None,
) -> Feedback:
    """Read outcomes and decisions, and join them to a managed book."""
    known = event_dates(read_table(str(events)), customer, date, until, str(events)).dates
    found = months(folder)
    if not found:
        raise InputError("the folder holds no month", where=str(folder), mend="`riskml manage` makes them")
    index = found[0].read("scores").index
    if pd.api.types.is_numeric_dtype(index):  # a CSV of events may hold numbers where the book does, or text
        known.index = pd.Index(pd.to_numeric(known.index.to_series(), errors="coerce"))
    else:
        known.index = known.index.astype(str)
    known = known[known.index.notna()]
    said = None if decisions is None else read_table(str(decisions))
    return feedback(found, known, read_policy(policy), until=until, window_days=window_days, decisions=said)


def write_feedback(found: Feedback, folder: Path) -> Path:
    """Write ``labels.parquet``, ``results.csv``, ``overrides.csv`` and ``reconsider.csv``; return their folder."""
    with replacing(folder / "labels.parquet") as temporary:
        found.labels.to_parquet(temporary, index=False)
    for name in ("results", "overrides", "reconsider"):
        with replacing(folder / f"{name}.csv") as temporary:
            harmless(getattr(found, name)).to_csv(temporary, index=False)
    return folder
