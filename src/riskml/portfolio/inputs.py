"""Inputs and outputs of the commands on portfolios: files of models, customers, events and decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from riskml.config.policy import read_policy
from riskml.config.warning import read_rules
from riskml.data.portfolio import read_portfolio
from riskml.data.sources.source import read_table
from riskml.errors import InputError
from riskml.expressions import parse
from riskml.i18n import LANGUAGES
from riskml.io import replacing
from riskml.portfolio.manage import MonthInputs
from riskml.portfolio.model_health import health_of, read_health
from riskml.portfolio.treatment_results import Feedback, TreatmentResults, feedback
from riskml.portfolio.worklists import read_decisions
from riskml.runs.model_loading import load_model
from riskml.runs.months import PORTFOLIO, MonthStore
from riskml.runs.run import Run
from riskml.runtime.batch import harmless
from riskml.warning.replay import all_dates

_RESULTS = ("results", "overrides", "reconsider")


def read_inputs(
    model: Path,
    policy: Path,
    rules: Path | None,
    monitoring: Path | None,
    results: Path | None,
    language: str | None,
    as_of: dt.date,
) -> MonthInputs:
    """Read the inputs of a month; the default of ``monitoring`` is the run's newest monitored month up to the date."""
    settings = read_policy(policy)
    known = [name for name in LANGUAGES if name == (language or settings.messages.language)]
    if not known:
        raise InputError(f"unknown language {language!r}", where="--language", fix="en or zh")
    return MonthInputs(
        model=load_model(model),
        policy=settings,
        rules=None if rules is None else read_rules(rules),
        language=known[0],
        health=health_of(model, as_of) if monitoring is None else read_health(monitoring),
        results=None if results is None else read_results(results),
    )


def read_customers(model: Path, data: Path, customer: str | None) -> pd.DataFrame:
    """Read a portfolio; the default ID column is that of the model's run, else customers have row numbers."""
    if customer is None and (model / "run.json").is_file():
        customer = Run.open(model).experiment.data.id
    return read_portfolio(data, customer)


def scores_of_month(folder: Path) -> pd.DataFrame:
    """Return a month's scores with the actions of each customer, for a CRM."""
    month = MonthStore(folder.parent, PORTFOLIO).open(folder)
    titles = month.read("actions").groupby("customer", sort=False)["title"].agg("; ".join)
    scores, version = month.read("scores"), month.state["model_version"] or month.state["model"]
    actions = titles.reindex(scores.index).fillna("")
    return scores.assign(action=actions, model_version=version, as_of=month.state["as_of"]).reset_index()


@dataclass(frozen=True)
class EventSource:
    """File of events: outcomes or complaints."""

    file: Path  # .csv or .parquet, such as a table of `riskml crm pull`
    customer: str = "customer"  # customer ID column
    date: str = "date"  # column of the event's date
    where: str | None = None  # condition over its columns, such as ``status == "default"``

    def read(self, until: dt.date) -> pd.Series:
        """Return the dates of events by customer, as text; a customer may have several."""
        table = read_table(str(self.file))
        if self.where is not None:
            condition = parse(self.where, where=f"the condition on {self.file}")
            table = table[condition.holds(table).to_numpy()].reset_index(drop=True)
        dates = all_dates(table, self.customer, self.date, str(self.file))
        return dates[dates < pd.Timestamp(until) + pd.Timedelta(days=1)]


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
    """Read outcomes, decisions and complaints, and join them to the months of a portfolio."""
    months = MonthStore(folder, PORTFOLIO).months()
    if not months:
        raise InputError("the folder has no month", where=str(folder), fix="`riskml manage` writes months")
    index = months[0].read("scores").index
    dates = _by_customer(events.read(until), index).sort_values(kind="stable")
    lists = [table for table in map(_read_decisions, decisions) if len(table)]
    decided = pd.concat(lists, ignore_index=True) if lists else None
    if decided is not None and "customer" in decided:
        decided = decided.assign(customer=_like(decided["customer"], index))
    return feedback(
        months,
        dates[~dates.index.duplicated()],
        read_policy(policy),
        until=until,
        window_days=window_days,
        decisions=decided,
        complaints=None if complaints is None else _by_customer(complaints.read(until), index),
    )


def _by_customer(dates: pd.Series, index: pd.Index) -> pd.Series:
    by_customer = dates.set_axis(pd.Index(_like(dates.index.to_series(), index)))
    return by_customer[by_customer.index.notna()]


def _like(customers: pd.Series, index: pd.Index) -> pd.Series:
    """Return customer IDs with the type of an index: a CSV file may hold numbers in place of text, or the reverse."""
    if pd.api.types.is_numeric_dtype(index):
        return pd.to_numeric(customers, errors="coerce")
    return customers.astype(str)


def _read_decisions(file: Path) -> pd.DataFrame:
    """Read officers' decisions from a role's list: the workbook or a CSV file, which may be empty."""
    if file.suffix.lower() == ".xlsx":
        try:
            return read_decisions(pd.read_excel(file, engine="openpyxl"))
        except (OSError, ValueError, BadZipFile) as error:
            raise InputError(f"the workbook cannot be read: {error}", where=str(file)) from None
    if file.suffix.lower() == ".csv" and file.is_file() and len(file.read_text("utf-8-sig").splitlines()) == 1:
        return pd.DataFrame()
    return read_decisions(read_table(str(file)))


def read_results(path: Path) -> TreatmentResults:
    """Read the results of earlier actions from the folder of a feedback, or its ``results.csv``."""
    folder = path if path.is_dir() else path.parent
    tables = []
    for name in _RESULTS:
        file = path if name == "results" and not path.is_dir() else folder / f"{name}.csv"
        try:
            table = pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the results of earlier actions cannot be read: {error}",
                where=str(file),
                fix="name a folder written by `riskml feedback`",
            ) from None
        if "instead" in table:
            table = table.assign(instead=table["instead"].astype(object).fillna(""))
        tables.append(table)
    lacking = [name for name in ("action", "avoided", "complaints", "verdict") if name not in tables[0]]
    if lacking:
        raise InputError(f"no column {lacking[0]!r}", where=str(path), fix="name a folder written by `riskml feedback`")
    return TreatmentResults(*tables)


def write_feedback(result: Feedback, folder: Path) -> Path:
    """Write ``labels.parquet``, ``results.csv``, ``overrides.csv`` and ``reconsider.csv``; return their folder."""
    with replacing(folder / "labels.parquet") as temporary:
        result.labels.to_parquet(temporary, index=False)
    for name in _RESULTS:
        with replacing(folder / f"{name}.csv") as temporary:
            harmless(getattr(result, name)).to_csv(temporary, index=False)
    return folder
