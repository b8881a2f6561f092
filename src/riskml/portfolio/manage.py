"""From a model, a book and a policy to Monday's folder: scores, tiers, actions, alerts, lists, and the pack."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.i18n import Language
from riskml.policy.messages import messages
from riskml.portfolio.meeting_pack import Pack, Warned, write_pack
from riskml.portfolio.model_health import Health
from riskml.portfolio.month import Month, Progress, month_digest, month_of, moves
from riskml.portfolio.treatment_results import TreatmentResults
from riskml.portfolio.worklists import Spoken, role_lists, write_lists
from riskml.runs.months import PORTFOLIO, MonthStore, StoredMonth
from riskml.runtime.batch import harmless
from riskml.runtime.package import Artifact
from riskml.warning.daily import update
from riskml.warning.delivery.table import alerts_table
from riskml.warning.snapshot import read_book
from riskml.warning.store import Store


@dataclass(frozen=True)
class MonthInputs:
    """What a month is made from."""

    model: Artifact
    policy: Policy
    rules: WarningRules | None = None  # without them no alerts are made
    language: Language = "en"
    health: Health | None = None  # what monitoring says of the model: for the pack
    brought: TreatmentResults | None = None  # what earlier actions brought: for the pack


@dataclass(frozen=True)
class MonthResult:
    """A month that is done; ``new`` is False where it was done already from the same inputs, and nothing changed."""

    month: StoredMonth
    new: bool


def manage(
    asked: MonthInputs,
    customers: pd.DataFrame,
    as_of: dt.date,
    folder: Path,
    *,
    today: dt.date,
    progress: Progress = lambda what: None,
) -> MonthResult:
    """Make a month of a book.

    Whatever happens to the process, the month's folder is whole or not there, and each alert is there once: the same
    call again ends what was begun.

    Parameters
    ----------
    customers : DataFrame of shape (n, any)
        Index: the customer.
    as_of : date
        The day the book is of.
    folder : Path
        Of the managed book; the month before, and ``alerts.db``, are looked up in it.
    progress : callable
        Is told what begins.

    Raises
    ------
    InputError
        When the date lies before one that is done or after today, or was done from other inputs.
    """
    store = MonthStore(folder, PORTFOLIO)
    earlier = _previous(store, as_of)
    before = None if earlier is None else earlier.read("scores")
    month = month_of(
        asked.model, customers, as_of, asked.policy, before=before, language=asked.language, progress=progress
    )
    digest = month_digest(month, asked.policy, asked.rules)
    same = _same_month(store, as_of, digest)
    if same is not None:
        return MonthResult(same, new=False)
    progress("alerts")
    warned = _warned(asked.rules, month, folder, today, earlier)
    progress("files")
    stored = store.write(
        _state(asked, month, warned, digest),
        lambda target: _write_files(target, asked, month, earlier, warned),
        replace=False,
    )
    return MonthResult(stored, new=True)


def _previous(store: MonthStore, as_of: dt.date) -> StoredMonth | None:
    """Return the last month before a date; refuse a date before the newest month."""
    newest = store.newest()
    if newest is not None and newest.as_of > as_of:
        raise InputError(
            f"the as-of date {as_of} lies before {newest.as_of}, which is done",
            where=str(store.folder),
            fix="manage months in order; use another folder to look back",
        )
    return store.newest(upto=as_of - dt.timedelta(days=1))


def _same_month(store: MonthStore, as_of: dt.date, digest: str) -> StoredMonth | None:
    """Return the month of a date if it was made from the same inputs; refuse other inputs for the same date."""
    month = store.newest(upto=as_of)
    if month is None or month.as_of < as_of:
        return None
    if month.state["digest"] != digest:
        raise InputError(
            f"the as-of date {as_of} was done with another book, model, policy or rules",
            where=str(month.folder),
            fix="its actions are out already: give corrections with the next as-of date, or take another folder",
        )
    return month


def _warned(
    rules: WarningRules | None, month: Month, folder: Path, today: dt.date, earlier: StoredMonth | None
) -> Warned:
    """Record the day's alerts; return them with what happened since the month before."""
    if rules is None:
        return Warned()
    since = dt.date.min if earlier is None else earlier.as_of
    book = read_book(rules, month.book)  # before the store is there: of a book that is refused nothing is left
    with Store(folder / "alerts.db") as store:
        recorded = update(store, rules, book, month.as_of, today)
        alerts = store.alerts(rules.name)
        own = {alert.key for alert in alerts}
        happened: Counter[str] = Counter(
            event.what for event in store.events() if event.alert in own and since < event.on <= month.as_of
        )
    open_ = [alert for alert in alerts if alert.closed is None]
    closed = [alert for alert in alerts if alert.closed is not None and since < alert.closed <= month.as_of]
    tables = [alerts_table([asdict(alert) for alert in some]) for some in (open_, closed)]
    return Warned(rules, recorded.day.opened, tables[0], tables[1], happened)


def _state(asked: MonthInputs, month: Month, warned: Warned, digest: str) -> dict[str, Any]:
    scores, actions = month.scores, month.plan.actions
    return {
        "as_of": str(month.as_of),
        "digest": digest,
        "model": asked.model.name,
        "model_version": asked.model.version,
        "policy": asked.policy.name,
        "customers": len(scores),
        "expected_events": float(scores["probability"].sum()),
        "expected_loss": float(scores["expected_loss"].sum()),
        "tiers": {name: int((scores["tier"] == name).sum()) for name in asked.policy.tiers},
        "actions": len(actions),
        "cost": float(actions["cost"].sum()),
        "expected_benefit": float(actions["expected_benefit"].sum()),
        "left_out": len(month.plan.left_out),
        "alerts_opened": warned.opened,
        "alerts_open": len(warned.open),
    }


def _write_files(folder: Path, asked: MonthInputs, month: Month, earlier: StoredMonth | None, warned: Warned) -> None:
    plan, policy, language = month.plan, asked.policy, asked.language
    month.scores.to_parquet(folder / "scores.parquet")
    plan.actions.to_parquet(folder / "actions.parquet", index=False)
    plan.left_out.to_parquet(folder / "left_out.parquet", index=False)
    harmless(plan.limits).to_csv(folder / "limits.csv", index=False)
    moved = moves(month.scores, list(policy.tiers))
    moved.to_csv(folder / "migration.csv")
    written = messages(policy, plan.actions, month.book, language=language)
    written.to_parquet(folder / "messages.parquet", index=False)
    spoken = Spoken(policy, asked.rules, language)
    lists = role_lists(plan.actions, warned.open, written, month.as_of, spoken)
    write_lists(folder / "lists", lists, language)
    pack = Pack(
        model=asked.model,
        policy=policy,
        month=month,
        moved=moved,
        before=None if earlier is None else earlier.state,
        warned=warned,
        health=asked.health,
        brought=asked.brought,
        language=language,
    )
    write_pack(folder / "pack.html", pack)
