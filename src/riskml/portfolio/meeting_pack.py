"""The pack for the risk meeting: a month of a book on one page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.display.format import count, number, percent, signed
from riskml.display.table import Cell, Head, Table, templates, text_cell
from riskml.i18n import ROLES, Language, in_language, label, labels, text
from riskml.io import replacing
from riskml.policy.explain import limit_words
from riskml.portfolio.model_health import Health
from riskml.portfolio.month import REASONS, Month
from riskml.portfolio.treatment_results import TreatmentResults, why
from riskml.runtime.package import Artifact
from riskml.warning.delivery.table import alerts_table, role_alerts
from riskml.warning.format import cause_words, signs_words

_FIRST = 10
_HAPPENED = ("opened", "raised", "acknowledged", "escalated", "closed")


@dataclass(frozen=True)
class Warned:
    """What early warning has to tell of a month."""

    rules: WarningRules | None = None  # none where no rules were handed in
    opened: int = 0  # alerts that the month opened
    # as of `riskml.warning.delivery.table.alerts_table`: open ones, the first to look at in front; and those that were
    # closed since the month before
    open: pd.DataFrame = field(default_factory=lambda: alerts_table([]))
    closed: pd.DataFrame = field(default_factory=lambda: alerts_table([]))
    happened: Mapping[str, int] = field(default_factory=dict)  # how often what happened since the month before


def alerts_context(warned: Warned, as_of: dt.date, language: Language) -> dict[str, object]:
    """Return what the page's template shows of alerts."""
    said = labels("meeting", language)
    if warned.rules is None:
        return {"alerts": None, "alerts_lack": said["no_rules"], "happened": [], "first": None, "closed": None}
    rules, open_ = warned.rules, warned.open
    return {
        "alerts": _open(rules, open_, as_of, language) if len(open_) else None,
        "alerts_lack": said["no_alerts"],
        "happened": [
            (label("alert", name, language), count(warned.happened[name]))
            for name in _HAPPENED
            if name in warned.happened
        ],
        "first": _first(rules, open_.head(_FIRST), language) if len(open_) else None,
        "closed": _closed(rules, warned.closed, language) if len(warned.closed) else None,
    }


def _open(rules: WarningRules, alerts: pd.DataFrame, as_of: dt.date, language: Language) -> Table:
    said = labels("meeting", language)
    late = alerts.assign(late=[due < as_of for due in alerts["due"]])
    grouped = late.groupby(["level", "cause", "role"], sort=False).agg(
        number=("key", "size"), overdue=("late", "sum"), due=("due", "min")
    )
    grouped = grouped.reset_index().sort_values(["level", "number"], ascending=[False, False], kind="stable")
    rows = [
        [
            text_cell(label("alert", row["level"], language)),
            text_cell(cause_words(rules, row["cause"], language)),
            text_cell(label("role", row["role"], language)),
            Cell(count(row["number"])),
            Cell(count(row["overdue"])),
            text_cell(row["due"]),
        ]
        for row in grouped.to_dict("records")
    ]
    heads = [Head(said[name]) for name in ("level", "cause", "owner")]
    return Table([*heads, Head(said["number"], True), Head(said["overdue"], True), Head(said["due"], True)], rows)


def _first(rules: WarningRules, alerts: pd.DataFrame, language: Language) -> Table:
    said = labels("meeting", language)
    rows = []
    for row in alerts.to_dict("records"):
        one = rules.indicators.get(row["cause"])
        told = [
            *(row["customer"], label("alert", row["level"], language), signs_words(rules, row["signs"], language)),
            *(label("role", row["role"], language), row["due"]),
            in_language(one.plan, language) if one else row["plan"],
        ]
        rows.append([text_cell(value) for value in told])
    heads = ("customer", "level", "signs", "owner", "due", "plan")
    return Table([Head(said[name], numeric=name == "due") for name in heads], rows)


def _closed(rules: WarningRules, alerts: pd.DataFrame, language: Language) -> Table:
    said = labels("meeting", language)
    grouped = alerts.groupby(["cause", "outcome"]).agg(number=("key", "size")).reset_index()
    rows = [
        [
            text_cell(cause_words(rules, row["cause"], language)),
            text_cell(label("alert", row["outcome"], language)),
            Cell(count(row["number"])),
        ]
        for row in grouped.to_dict("records")
    ]
    return Table([Head(said["cause"]), Head(said["outcome"]), Head(said["number"], True)], rows)


_WATCHED, _RISERS = 20, 10


@dataclass(frozen=True)
class Pack:
    """What the page tells of."""

    model: Artifact
    policy: Policy
    month: Month
    moved: pd.DataFrame  # as of `riskml.portfolio.month.moves`
    before: Mapping[str, Any] | None  # state of the month before
    warned: Warned  # what early warning has to tell
    health: Health | None  # what monitoring says of the model
    brought: TreatmentResults | None  # what earlier actions brought
    language: Language


def write_pack(path: Path, pack: Pack) -> None:
    """Write the page; links go to the lists in ``lists/`` beside it."""
    page = templates().get_template("meeting_pack.html.j2").render(**pack_context(pack))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")


def pack_context(pack: Pack) -> dict[str, Any]:
    """Return what the page's template shows."""
    said, scores = labels("meeting", pack.language), pack.month.scores
    return {
        "said": said,
        "language": "zh-CN" if pack.language == "zh" else "en",
        "title": in_language(pack.policy.title, pack.language)
        if pack.policy.title
        else pack.model.title or pack.model.name,
        "made": said["made"].format(
            as_of=pack.month.as_of, model=pack.model.name, version=pack.model.version, policy=pack.policy.name
        ),
        "tiles": _tiles(pack),
        "tiers": _tiers(pack),
        "moves": _moves(pack) if pack.before else None,
        "by_reason": _by_reason(pack) if pack.before else None,
        "risers": _customers(pack, _risers(scores)) if pack.before else None,
        "watch": _customers(pack, _watched(scores, pack.policy)),
        **alerts_context(pack.warned, pack.month.as_of, pack.language),
        "actions": _actions(pack),
        "limits": _limits(pack),
        "left_out": said["left_out"].format(count=count(len(pack.month.plan.left_out))),
        "results": _results(pack),
        "done": _done(pack),
        "reconsider": _reconsider(pack),
        "health": _health(pack),
        "monitored": _monitored(pack),
        "roles": [
            (role, said["list_of"].format(role=label("role", role, pack.language)), _sizes(pack, role))
            for role in ROLES
        ],
    }


def _tiles(pack: Pack) -> list[tuple[str, str, str]]:
    """Return what, its figure, and that of the month before."""
    scores, before, said = pack.month.scores, pack.before or {}, labels("meeting", pack.language)
    figures = [
        ("customers", len(scores), "customers"),
        ("expected_events", scores["probability"].sum(), "expected_events"),
        ("expected_loss", scores["expected_loss"].sum(), "expected_loss"),
        ("actions_count", len(pack.month.plan.actions), "actions"),
        ("alerts_open", len(pack.warned.open), "alerts_open"),
    ]
    if pack.policy.task == "churn":
        figures = [figure for figure in figures if figure[0] != "expected_loss"]
    return [
        (
            said[name],
            count(round(value)),
            f"{said['before']}{said['colon']}{count(round(before[key]))}" if key in before else "",
        )
        for name, value, key in figures
    ]


def _tiers(pack: Pack) -> Table:
    said, scores = labels("meeting", pack.language), pack.month.scores
    loss = "expected_loss" if pack.policy.task == "default" else "value"
    rows = []
    for name in pack.policy.tiers:
        own = scores[scores["tier"] == name]
        before = (pack.before or {}).get("tiers", {}).get(name)
        rows.append(
            [
                text_cell(pack.policy.tier_title(name, pack.language)),
                Cell(count(len(own))),
                Cell("–" if before is None else count(before)),
                Cell(percent(len(own) / max(len(scores), 1))),
                Cell(percent(own["probability"].mean()) if len(own) else "–"),
                Cell(count(round(float(own[loss].sum())))),
            ]
        )
    heads = ["customers", "before", "share", "mean_probability", loss]
    titles = [_with_currency(pack, said[name]) if name == loss else said[name] for name in heads]
    return Table([Head(said["tier"]), *(Head(title, numeric=True) for title in titles)], rows)


def _moves(pack: Pack) -> Table:
    said = labels("meeting", pack.language)
    rows = [
        [
            text_cell(pack.policy.tier_title(before, pack.language) if before else said["new"]),
            *(Cell(count(value)) for value in line),
        ]
        for before, line in zip(pack.moved.index, pack.moved.to_numpy(), strict=True)
    ]
    tiers = [pack.policy.tier_title(name, pack.language) for name in pack.policy.tiers]
    return Table([Head(said["from"]), *(Head(name, numeric=True) for name in tiers)], rows)


def _riskier(pack: Pack) -> pd.DataFrame:
    places = {name: place for place, name in enumerate(pack.policy.tiers)}
    scores = pack.month.scores
    return scores[scores["tier"].map(places) > scores["previous_tier"].map(places)]


def _by_reason(pack: Pack) -> Table:
    said = labels("meeting", pack.language)
    found = _riskier(pack).groupby("reason").size().sort_values(ascending=False, kind="stable")
    rows = [
        [text_cell(pack.policy.reason_title(str(name), pack.language)), Cell(count(number))]
        for name, number in found.items()
    ]
    return Table([Head(said["reason"]), Head(said["customers"], numeric=True)], rows)


def _risers(scores: pd.DataFrame) -> pd.DataFrame:
    rise = scores["probability"] - scores["previous_probability"]
    # A frame without rows would take the rows of what is assigned to it.
    return scores.assign(rise=rise)[rise > 0].sort_values("rise", ascending=False, kind="stable").head(_RISERS)


def _watched(scores: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the customers of the highest tier by what is at stake: probability times exposure, or value."""
    stake = scores["expected_loss"] if policy.task == "default" else scores["probability"] * scores["value"]
    stake = stake if stake.any() else scores["probability"]
    top = scores.assign(stake=stake)[scores["tier"] == policy.tiers[-1]]
    return top.sort_values("stake", ascending=False, kind="stable").head(_WATCHED)


def _customers(pack: Pack, some: pd.DataFrame) -> Table:
    said, actions = labels("meeting", pack.language), pack.month.plan.actions
    mine = actions[actions["customer"].isin(some.index)]
    done = mine.groupby("customer", sort=False)["title"].agg(said["semicolon"].join)
    columns = [f"reason_{rank}" for rank in range(1, REASONS + 1)]
    rows = []
    for customer, row in some.iterrows():
        told = ", ".join(str(row[name]) for name in columns if row[name])
        before = row["previous_probability"]
        rows.append(
            [
                text_cell(customer),
                text_cell(pack.policy.tier_title(row["tier"], pack.language)),
                Cell(percent(row["probability"])),
                Cell("–" if pd.isna(before) else percent(before)),
                text_cell(pack.policy.reason_title(str(row["reason"]), pack.language)),
                text_cell(told),
                text_cell(done.get(customer, "")),
            ]
        )
    heads = [Head(said["customer"]), Head(said["tier"]), Head(said["probability"], numeric=True)]
    heads += [Head(said["before"], numeric=True), Head(said["reason"]), Head(said["reasons"]), Head(said["treatment"])]
    return Table(heads, rows)


def _with_currency(pack: Pack, title: str) -> str:
    currency = pack.policy.currency
    return title + (text("meeting.money", pack.language, currency=currency) if currency else "")


def _actions(pack: Pack) -> Table | None:
    actions, said = pack.month.plan.actions, labels("meeting", pack.language)
    if actions.empty:
        return None
    named = {"number": ("customer", "size"), "cost": ("cost", "sum"), "benefit": ("expected_benefit", "sum")}
    grouped = actions.groupby(["owner", "title"], sort=False).agg(**named).reset_index()
    grouped = grouped.sort_values(["owner", "benefit"], ascending=[True, False], kind="stable")
    rows = [
        [
            text_cell(label("role", row["owner"], pack.language)),
            text_cell(row["title"]),
            *(Cell(count(round(float(value)))) for value in (row["number"], row["cost"], row["benefit"])),
        ]
        for row in grouped.to_dict("records")
    ]
    heads = [Head(said["owner"]), Head(said["treatment"]), Head(said["number"], numeric=True)]
    heads += [Head(_with_currency(pack, said[name]), numeric=True) for name in ("cost", "benefit")]
    return Table(heads, rows)


def _limits(pack: Pack) -> Table | None:
    limits, said = pack.month.plan.limits, labels("meeting", pack.language)
    if limits.empty:
        return None
    rows = [
        [
            text_cell(limit_words(pack.policy, row["limit"], pack.language)),
            *(Cell(f"{value:,.0f}") for value in (row["allowed"], row["must"] + row["may"], row["left"])),
            Cell(f"{row['price']:,.2f}"),
        ]
        for row in limits.to_dict("records")
    ]
    names = ("allowed", "used", "left", "price")
    return Table([Head(said["limit"]), *(Head(said[name], numeric=True) for name in names)], rows)


def _results(pack: Pack) -> Table | None:
    if pack.brought is None or pack.brought.results.empty:
        return None
    said, found = labels("meeting", pack.language), labels("treatment", pack.language)
    results = pack.brought.results
    complaints = results["complaints"].notna().any()
    rows = []
    for row in results.to_dict("records"):
        against = found.get(row["against"], row["against"])
        cells = [
            text_cell(pack.policy.treatment_title(row["action"], pack.language)),
            Cell(count(row["treated"])),
            Cell(f"{count(row['compared'])} ({against})"),
            Cell(signed(100 * row["avoided"], 1)),
            Cell(said["range"].format(low=signed(100 * row["low"], 1), high=signed(100 * row["high"], 1))),
            Cell(number(100 * row["assumed"], 1)),
        ]
        cells += [Cell(signed(100 * row["complaints"], 1))] if complaints else []
        rows.append([*cells, text_cell(found.get(row["verdict"], row["verdict"]))])
    names = ["treated", "compared", "avoided", "interval", "assumed", *(["complaints"] if complaints else [])]
    return Table([Head(said["treatment"]), *(Head(said[name], True) for name in names), Head(said["verdict"])], rows)


def _done(pack: Pack) -> Table | None:
    if pack.brought is None or pack.brought.overrides.empty:
        return None
    said, found, policy = labels("meeting", pack.language), labels("treatment", pack.language), pack.policy
    rows = [
        [
            text_cell(policy.treatment_title(row["action"], pack.language)),
            text_cell(found.get(row["status"], row["status"])),
            text_cell(policy.treatment_title(row["instead"], pack.language)),
            Cell(count(row["customers"])),
            Cell(percent(row["event_rate"])),
            Cell(percent(row["expected"])),
        ]
        for row in pack.brought.overrides.to_dict("records")
    ]
    heads = [Head(said[name]) for name in ("treatment", "status", "instead")]
    return Table([*heads, *(Head(said[name], True) for name in ("customers", "events", "expected"))], rows)


def _reconsider(pack: Pack) -> Table | None:
    if pack.brought is None or pack.brought.reconsider.empty:
        return None
    said = labels("meeting", pack.language)
    rows = [
        [
            text_cell(pack.policy.treatment_title(row["action"], pack.language)),
            text_cell(why(row["finding"], row["found"], row["against"], pack.language)),
        ]
        for row in pack.brought.reconsider.to_dict("records")
    ]
    return Table([Head(said["treatment"]), Head(said["why"])], rows)


def _health(pack: Pack) -> Table | None:
    if pack.health is None:
        return None
    said, words = labels("meeting", pack.language), labels("monitoring", pack.language)
    what = "what_zh" if pack.language == "zh" else "what"
    rows = [
        [
            text_cell(words.get(one["severity"], one["severity"])),
            text_cell(one.get(what, one["what"])),
            text_cell(_step(one["next_step"], words)),
        ]
        for one in pack.health.findings
    ]
    return Table([Head(said["severity"]), Head(said["finding"]), Head(said["next"])], rows)


def _monitored(pack: Pack) -> str:
    if pack.health is None:
        return ""
    step = _step(pack.health.next_step, labels("monitoring", pack.language))
    return text("meeting.monitored", pack.language, as_of=pack.health.as_of or "–", step=step or "–")


def _step(step: str, words: Mapping[str, str]) -> str:
    return words.get(f"next_{step}", step)


def _sizes(pack: Pack, role: str) -> str:
    actions = int((pack.month.plan.actions["owner"] == role).sum())
    warned = len(role_alerts(pack.warned.open, role))
    return text("meeting.sizes", pack.language, actions=count(actions), alerts=count(warned))
