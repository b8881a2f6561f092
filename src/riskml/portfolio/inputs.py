"""What the commands of a managed book read and write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from zipfile import BadZipFile

import pandas as pd

from riskml.config.policy import read_policy
from riskml.config.warning import read_rules
from riskml.data.portfolio import read_portfolio
from riskml.data.sources.source import read_table
from riskml.errors import InputError
from riskml.expressions import parse
from riskml.i18n import Language
from riskml.io import replacing
from riskml.portfolio.manage import MonthInputs
from riskml.portfolio.model_health import health_of, read_health
from riskml.portfolio.treatment_results import Feedback, TreatmentResults, feedback
from riskml.portfolio.worklists import decided
from riskml.runs.model_loading import load_model
from riskml.runs.months import PORTFOLIO, MonthStore
from riskml.runs.run import Run
from riskml.runtime.batch import harmless
from riskml.warning.replay import all_dates


def asked_for(
    model: Path,
    policy: Path,
    rules: Path | None,
    monitoring: Path | None,
    results: Path | None,
    language: str | None,
    as_of: dt.date,
) -> MonthInputs:
    """Read what a month is made from; of a run, its newest monitored month up to the day, where none is named."""
    said = read_policy(policy)
    spoken: Language = said.messages.language
    for known in get_args(Language):
        spoken = known if language == known else spoken
    if language is not None and language != spoken:
        raise InputError(f"the language {language!r} is not known", where="--language", fix="en or zh")
    return MonthInputs(
        model=load_model(model),
        policy=said,
        rules=None if rules is None else read_rules(rules),
        language=spoken,
        health=health_of(model, as_of) if monitoring is None else read_health(monitoring),
        brought=None if results is None else read_brought(results),
    )


def read_customers(model: Path, data: Path, customer: str | None) -> pd.DataFrame:
    """Read a book; customers go by the column that is named, else by the run's, else by row number."""
    if customer is None and (model / "run.json").is_file():
        customer = Run.open(model).experiment.data.id
    return read_portfolio(data, customer)


def scores_of_month(folder: Path) -> pd.DataFrame:
    """Return a month's scores as a CRM takes them."""
    month = MonthStore(folder.parent, PORTFOLIO).open(folder)
    planned = month.read("actions").groupby("customer", sort=False)["title"].agg("; ".join)
    scores = month.read("scores")
    said = month.state["model_version"] or month.state["model"]
    planned = planned.reindex(scores.index).fillna("")
    return scores.assign(action=planned, model_version=said, as_of=month.state["as_of"]).reset_index()


@dataclass(frozen=True)
class EventSource:
    """Where it is written what came back: outcomes or complaints."""

    file: Path  # .csv or .parquet, such as a table that `riskml crm pull` brought
    customer: str = "customer"  # the columns of who and when
    date: str = "date"
    where: str | None = None  # A condition over its columns: which rows count, such as ``status == "default"``

    def read(self, until: dt.date) -> pd.Series:
        """Return the days by customer, as text; a customer may have several."""
        table = read_table(str(self.file))
        if self.where is not None:
            condition = parse(self.where, where=f"the condition on {self.file}")
            table = table[condition.holds(table).to_numpy()].reset_index(drop=True)
        days = all_dates(table, self.customer, self.date, str(self.file))
        return days[days < pd.Timestamp(until) + pd.Timedelta(days=1)]


def feedback_of(
    folder: Path,
    policy: Path,
    events: EventSource,
    until: dt.date,
    window_days: int,
    *,
    decisions: Sequence[Path] = (),
    complaints: EventSource | None = None,
) -> Feedback:
    """Read outcomes, decisions and complaints, and join them to a managed book."""
    found = MonthStore(folder, PORTFOLIO).months()
    if not found:
        raise InputError("the folder holds no month", where=str(folder), fix="`riskml manage` makes them")
    index = found[0].read("scores").index
    days = _of_book(events.read(until), index)
    complained = None if complaints is None else _of_book(complaints.read(until), index)
    said = [one for one in map(_decisions, decisions) if len(one)]
    joined = pd.concat(said, ignore_index=True) if said else None
    if joined is not None and "customer" in joined:
        joined = joined.assign(customer=_like(joined["customer"], index))
    first = days.sort_values(kind="stable")
    return feedback(
        found,
        first[~first.index.duplicated()],
        read_policy(policy),
        until=until,
        window_days=window_days,
        decisions=joined,
        complaints=complained,
    )


def _of_book(days: pd.Series, index: pd.Index) -> pd.Series:
    named = days.set_axis(pd.Index(_like(days.index.to_series(), index)))
    return named[named.index.notna()]


def _like(customers: pd.Series, index: pd.Index) -> pd.Series:
    """Return customers as the book names them: a CSV may hold numbers where it has text, or the other way round."""
    if pd.api.types.is_numeric_dtype(index):
        return pd.to_numeric(customers, errors="coerce")
    return customers.astype(str)


def _decisions(file: Path) -> pd.DataFrame:
    """Return what a list says was done; a role's list may be empty, and may be the workbook that was filled in."""
    if file.suffix.lower() == ".xlsx":
        try:
            return decided(pd.read_excel(file))
        except (OSError, ValueError, BadZipFile) as error:
            raise InputError(f"the workbook cannot be read: {error}", where=str(file)) from None
    if file.suffix.lower() == ".csv" and file.is_file() and len(file.read_text("utf-8-sig").splitlines()) == 1:
        return pd.DataFrame()
    return decided(read_table(str(file)))


def read_brought(results: Path) -> TreatmentResults:
    """Return what earlier actions brought, from the folder of a feedback or its ``results.csv``."""
    folder = results if results.is_dir() else results.parent
    tables = []
    for name in ("results", "overrides", "reconsider"):
        file = folder / f"{name}.csv" if results.is_dir() or name != "results" else results
        try:
            tables.append(_with_instead(pd.read_csv(file)))
        except (OSError, ValueError) as error:
            raise InputError(
                f"what came of earlier actions cannot be read: {error}",
                where=str(file),
                fix="`riskml feedback` writes it; name its folder",
            ) from None
    lacking = [name for name in ("action", "avoided", "complaints", "verdict") if name not in tables[0]]
    if lacking:
        raise InputError(
            f"it has no column {lacking[0]!r}", where=str(results), fix="name the folder that `riskml feedback` wrote"
        )
    return TreatmentResults(*tables)


def _with_instead(table: pd.DataFrame) -> pd.DataFrame:
    if "instead" not in table:
        return table
    return table.assign(instead=table["instead"].astype(object).fillna(""))


def write_feedback(found: Feedback, folder: Path) -> Path:
    """Write ``labels.parquet``, ``results.csv``, ``overrides.csv`` and ``reconsider.csv``; return their folder."""
    with replacing(folder / "labels.parquet") as temporary:
        found.labels.to_parquet(temporary, index=False)
    for name in ("results", "overrides", "reconsider"):
        with replacing(folder / f"{name}.csv") as temporary:
            harmless(getattr(found, name)).to_csv(temporary, index=False)
    return folder
