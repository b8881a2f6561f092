"""From a model, a book and a policy to Monday's folder: scores, tiers, actions, alerts, lists, and the pack."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.i18n import Language
from riskml.policy.messages import messages
from riskml.portfolio import store as folders
from riskml.portfolio.meeting_pack import Pack, write_pack
from riskml.portfolio.model_health import Health
from riskml.portfolio.month import Month, Progress, month_digest, month_of, moves
from riskml.portfolio.pack_alerts import Warned
from riskml.portfolio.treatment_results import TreatmentResults
from riskml.portfolio.worklists import Spoken, role_lists, write_lists
from riskml.runtime.batch import harmless
from riskml.runtime.package import Artifact
from riskml.warning.daily import update
from riskml.warning.delivery.table import alerts_table
from riskml.warning.snapshot import read_book
from riskml.warning.store import Store


@dataclass(frozen=True)
class Asked:
    """What a month is made from."""

    model: Artifact
    policy: Policy
    rules: WarningRules | None = None  # without them no alerts are made
    language: Language = "en"
    health: Health | None = None  # what monitoring says of the model: for the pack
    brought: TreatmentResults | None = None  # what earlier actions brought: for the pack


@dataclass(frozen=True)
class Done:
    """A month that is done; ``new`` is False where it was done already from the same inputs, and nothing changed."""

    month: folders.StoredMonth
    new: bool


def manage(
    asked: Asked,
    customers: pd.DataFrame,
    as_of: dt.date,
    folder: Path,
    *,
    today: dt.date,
    progress: Progress = lambda what: None,
) -> Done:
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
    earlier = folders.before(folder, as_of)
    before = None if earlier is None else earlier.read("scores")
    month = month_of(
        asked.model, customers, as_of, asked.policy, before=before, language=asked.language, progress=progress
    )
    digest = month_digest(month, asked.policy, asked.rules)
    same = folders.done_already(folder, as_of, digest)
    if same is not None:
        return Done(same, new=False)
    progress("alerts")
    warned = _warned(asked.rules, month, folder, today, earlier)
    progress("files")
    state = _state(asked, month, warned, digest)
    write = _writer(asked, month, earlier, warned)
    return Done(folders.write_month(folder, state, write), new=True)


def _warned(
    rules: WarningRules | None, month: Month, folder: Path, today: dt.date, earlier: folders.StoredMonth | None
) -> Warned:
    """Record the day's alerts; return them with what happened since the month before."""
    if rules is None:
        return Warned()
    since = dt.date.min if earlier is None else earlier.as_of
    book = read_book(rules, month.book)  # before the store is there: of a book that is refused nothing is left
    with Store(folder / folders.ALERTS) as store:
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


def _state(asked: Asked, month: Month, warned: Warned, digest: str) -> dict[str, Any]:
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


def _writer(asked: Asked, month: Month, earlier: folders.StoredMonth | None, warned: Warned) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
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

    return write
