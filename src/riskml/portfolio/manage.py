"""Monthly cycle of a portfolio: scores, tiers, actions, alerts, worklists and the risk committee report."""

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
from riskml.portfolio.meeting_pack import MonthAlerts, Pack, write_pack
from riskml.portfolio.model_health import Health
from riskml.portfolio.month import Month, Progress, month_digest, month_of, moves
from riskml.portfolio.treatment_results import TreatmentResults
from riskml.portfolio.worklists import role_lists, write_lists
from riskml.runs.months import PORTFOLIO, MonthStore, StoredMonth
from riskml.runtime.batch import harmless
from riskml.runtime.package import Artifact
from riskml.warning.daily import update
from riskml.warning.delivery.table import alerts_table
from riskml.warning.snapshot import rule_columns
from riskml.warning.store import Store


@dataclass(frozen=True)
class MonthInputs:
    """Inputs of a month."""

    model: Artifact
    policy: Policy
    rules: WarningRules | None = None  # without them there are no alerts
    language: Language = "en"
    health: Health | None = None  # monitoring of the model, for the report
    results: TreatmentResults | None = None  # results of earlier actions, for the report


@dataclass(frozen=True)
class MonthResult:
    """A complete month; ``new`` is False where it existed already, made from the same inputs."""

    month: StoredMonth
    new: bool


def manage(
    inputs: MonthInputs,
    customers: pd.DataFrame,
    as_of: dt.date,
    folder: Path,
    *,
    today: dt.date,
    progress: Progress = lambda what: None,
) -> MonthResult:
    """Make a month of a portfolio.

    An interrupted call can be repeated: the month's folder is complete or absent, and each alert is recorded once.

    Parameters
    ----------
    customers : DataFrame of shape (n, any)
        Index: the customer.
    as_of : date
        The date of the portfolio.
    folder : Path
        Folder of all months, with the previous month and ``alerts.db``.
    progress : callable
        Called with the name of each step.

    Raises
    ------
    InputError
        When the date is before the newest month or after today, or its month was made from other inputs.
    """
    store = MonthStore(folder, PORTFOLIO)
    earlier = _previous(store, as_of)
    before = None if earlier is None else earlier.read("scores")
    month = month_of(
        inputs.model, customers, as_of, inputs.policy, before=before, language=inputs.language, progress=progress
    )
    digest = month_digest(month, inputs.policy, inputs.rules)
    same = _same_month(store, as_of, digest)
    if same is not None:
        return MonthResult(same, new=False)
    progress("alerts")
    alerts = _record_alerts(inputs.rules, month, folder, today, earlier)
    progress("files")
    stored = store.write(
        _state(inputs, month, alerts, digest),
        lambda target: _write_files(target, inputs, month, earlier, alerts),
        replace=False,
    )
    return MonthResult(stored, new=True)


def _previous(store: MonthStore, as_of: dt.date) -> StoredMonth | None:
    """Return the last month before a date; refuse a date before the newest month."""
    newest = store.newest()
    if newest is not None and newest.as_of > as_of:
        raise InputError(
            f"the as-of date {as_of} is before the newest month, {newest.as_of}",
            where=str(store.folder),
            fix="manage months in order; use another folder for an earlier date",
        )
    return store.newest(upto=as_of - dt.timedelta(days=1))


def _same_month(store: MonthStore, as_of: dt.date, digest: str) -> StoredMonth | None:
    """Return the month of a date if it was made from the same inputs; refuse other inputs for the same date."""
    month = store.newest(upto=as_of)
    if month is None or month.as_of < as_of:
        return None
    if month.state["digest"] != digest:
        raise InputError(
            f"the month {as_of} was made from another portfolio, model, policy or rules",
            where=str(month.folder),
            fix="its actions are already assigned: correct them with the next month, or use another folder",
        )
    return month


def _record_alerts(
    rules: WarningRules | None, month: Month, folder: Path, today: dt.date, earlier: StoredMonth | None
) -> MonthAlerts:
    """Record the month's alerts; return them with the events since the previous month."""
    if rules is None:
        return MonthAlerts()
    since = dt.date.min if earlier is None else earlier.as_of
    portfolio = rule_columns(
        rules, month.portfolio
    )  # before the store is made: a wrong portfolio leaves nothing behind
    with Store(folder / "alerts.db") as store:
        recorded = update(store, rules, portfolio, month.as_of, today)
        alerts = store.alerts(rules.name)
        own = {alert.key for alert in alerts}
        events: Counter[str] = Counter(
            event.what for event in store.events() if event.alert in own and since < event.on <= month.as_of
        )
    opened = [alert for alert in alerts if alert.closed is None]
    closed = [alert for alert in alerts if alert.closed is not None and since < alert.closed <= month.as_of]
    tables = [alerts_table([asdict(alert) for alert in some]) for some in (opened, closed)]
    return MonthAlerts(rules, recorded.day.opened, tables[0], tables[1], events)


def _state(inputs: MonthInputs, month: Month, alerts: MonthAlerts, digest: str) -> dict[str, Any]:
    """Return the content of ``month.json``."""
    scores, actions = month.scores, month.plan.actions
    return {
        "as_of": str(month.as_of),
        "digest": digest,
        "model": inputs.model.name,
        "model_version": inputs.model.version,
        "policy": inputs.policy.name,
        "customers": len(scores),
        "expected_events": float(scores["probability"].sum()),
        "expected_loss": float(scores["expected_loss"].sum()),
        "tiers": {name: int((scores["tier"] == name).sum()) for name in inputs.policy.tiers},
        "actions": len(actions),
        "cost": float(actions["cost"].sum()),
        "expected_benefit": float(actions["expected_benefit"].sum()),
        "left_out": len(month.plan.left_out),
        "alerts_opened": alerts.opened,
        "alerts_open": len(alerts.open),
    }


def _write_files(
    folder: Path, inputs: MonthInputs, month: Month, earlier: StoredMonth | None, alerts: MonthAlerts
) -> None:
    plan, policy, language = month.plan, inputs.policy, inputs.language
    month.scores.to_parquet(folder / "scores.parquet")
    plan.actions.to_parquet(folder / "actions.parquet", index=False)
    plan.left_out.to_parquet(folder / "left_out.parquet", index=False)
    harmless(plan.limits).to_csv(folder / "limits.csv", index=False)
    moved = moves(month.scores, list(policy.tiers))
    harmless(moved.reset_index()).to_csv(folder / "migration.csv", index=False)
    letters = messages(policy, plan.actions, month.portfolio, language=language)
    letters.to_parquet(folder / "messages.parquet", index=False)
    lists = role_lists(plan.actions, alerts.open, letters, month.as_of, policy, inputs.rules, language)
    write_lists(folder / "lists", lists, language)
    pack = Pack(
        model=inputs.model,
        policy=policy,
        month=month,
        moved=moved,
        before=None if earlier is None else earlier.state,
        alerts=alerts,
        health=inputs.health,
        results=inputs.results,
        language=language,
    )
    write_pack(folder / "pack.html", pack)
