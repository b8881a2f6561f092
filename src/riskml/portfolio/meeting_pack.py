"""Risk committee report: one page on a month of a portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.display.format import count, number, percent, signed
from riskml.display.table import Cell, Head, Row, Table, frame_table, number_column, templates, text_cell, text_column
from riskml.i18n import Language, in_language, label, labels, text
from riskml.io import replacing
from riskml.policy.explain import limit_words
from riskml.portfolio.model_health import Health
from riskml.portfolio.month import REASONS, Month
from riskml.portfolio.treatment_results import TreatmentResults, why
from riskml.runtime.package import Artifact
from riskml.warning.delivery.table import alerts_table, cause_title, role_alerts, signs_text

_WATCHED, _RISERS, _FIRST_ALERTS = 20, 10, 10
_ALERT_EVENTS = ("opened", "raised", "acknowledged", "escalated", "closed")


@dataclass(frozen=True)
class MonthAlerts:
    """Early warning of a month; both tables are those of `riskml.warning.delivery.table.alerts_table`."""

    rules: WarningRules | None = None  # none where no rules are used
    opened: int = 0  # alerts opened in this month
    open: pd.DataFrame = field(default_factory=lambda: alerts_table([]))  # most urgent first
    closed: pd.DataFrame = field(default_factory=lambda: alerts_table([]))  # since the previous month
    events: Mapping[str, int] = field(default_factory=dict)  # how often each kind happened since the previous month


@dataclass(frozen=True)
class Pack:
    """Contents of the page."""

    model: Artifact
    policy: Policy
    month: Month
    moved: pd.DataFrame  # `riskml.portfolio.month.moves`
    before: Mapping[str, Any] | None  # state of the previous month
    alerts: MonthAlerts
    health: Health | None  # monitoring of the model
    results: TreatmentResults | None  # results of earlier actions
    language: Language

    def context(self) -> dict[str, Any]:
        """Return the variables of the page's template."""
        rose, month = self.before is not None, self.month
        title = self.policy.title
        return {
            "texts": self._texts,
            "language": "zh-CN" if self.language == "zh" else "en",
            "title": in_language(title, self.language) if title else self.model.title or self.model.name,
            "made": self._text(
                "made", as_of=month.as_of, model=self.model.name, version=self.model.version, policy=self.policy.name
            ),
            "tiles": self._tiles(),
            "tiers": self._tiers(),
            "moves": self._moves() if rose else None,
            "by_reason": self._by_reason() if rose else None,
            "risers": self._customers(_risers(month.scores)) if rose else None,
            "watch": self._customers(_watched(month.scores, self.policy)),
            **self._alerts(),
            "actions": self._actions(),
            "limits": self._limits(),
            "left_out": self._text("left_out", count=count(len(month.plan.left_out))),
            "results": self._results(),
            "done": self._overrides(),
            "reconsider": self._reconsider(),
            "health": self._health(),
            "monitored": self._monitored(),
            "roles": [
                (role, self._text("list_of", role=name), self._sizes(role))
                for role, name in labels("role", self.language).items()
            ],
        }

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return labels("meeting", self.language)

    def _text(self, key: str, **values: object) -> str:
        return text(f"meeting.{key}", self.language, **values)

    def _label(self, section: str, name: str) -> Any:
        """Return the function of a row that gives the label of a code."""
        return lambda row: label(section, row[name], self.language)

    def _tier(self, name: str) -> str:
        return self.policy.tier_title(name, self.language)

    def _reason(self, name: object) -> str:
        return self.policy.reason_title(str(name), self.language)

    def _treatment(self, name: str) -> str:
        return self.policy.treatment_title(name, self.language)

    def _money(self, key: str) -> str:
        currency = self.policy.currency
        return self._texts[key] + (self._text("money", currency=currency) if currency else "")

    def _tiles(self) -> list[tuple[str, str, str]]:
        """Return the name, the value and the previous value of the main figures."""
        scores, before, texts = self.month.scores, self.before or {}, self._texts
        figures = {
            "customers": (len(scores), "customers"),
            "expected_events": (scores["probability"].sum(), "expected_events"),
            "expected_loss": (scores["expected_loss"].sum(), "expected_loss"),
            "actions_count": (len(self.month.plan.actions), "actions"),
            "alerts_open": (len(self.alerts.open), "alerts_open"),
        }
        if self.policy.task == "churn":
            del figures["expected_loss"]
        return [
            (
                texts[name],
                count(round(value)),
                f"{texts['before']}{texts['colon']}{count(round(before[key]))}" if key in before else "",
            )
            for name, (value, key) in figures.items()
        ]

    def _tiers(self) -> Table:
        scores, texts = self.month.scores, self._texts
        loss = "expected_loss" if self.policy.task == "default" else "value"
        before = (self.before or {}).get("tiers", {})
        by_tier = scores.groupby("tier").agg(
            customers=("probability", "size"), probability=("probability", "mean"), loss=(loss, "sum")
        )
        by_tier = by_tier.reindex(list(self.policy.tiers)).rename_axis("tier").reset_index()
        by_tier = by_tier.fillna({"customers": 0, "loss": 0.0}).assign(before=by_tier["tier"].map(before))
        columns = [
            text_column(texts["tier"], lambda row: self._tier(row["tier"])),
            number_column(texts["customers"], "customers", count),
            number_column(texts["before"], "before", count),
            number_column(texts["share"], lambda row: row["customers"] / max(len(scores), 1), percent),
            number_column(texts["mean_probability"], "probability", percent),
            number_column(self._money(loss), "loss", count),
        ]
        return frame_table(by_tier, columns)

    def _moves(self) -> Table:
        texts = self._texts
        rows = [
            [text_cell(self._tier(before) if before else texts["new"]), *(Cell(count(value)) for value in line)]
            for before, line in zip(self.moved.index, self.moved.to_numpy(), strict=True)
        ]
        return Table([Head(texts["from"]), *(Head(self._tier(name), True) for name in self.policy.tiers)], rows)

    def _by_reason(self) -> Table:
        scores, texts = self.month.scores, self._texts
        order = {name: number for number, name in enumerate(self.policy.tiers)}
        riskier = scores[scores["tier"].map(order) > scores["previous_tier"].map(order)]
        counts = riskier.groupby("reason").size().sort_values(ascending=False, kind="stable")
        columns = [
            text_column(texts["reason"], lambda row: self._reason(row["reason"])),
            number_column(texts["customers"], "customers", count),
        ]
        return frame_table(counts.rename("customers").reset_index(), columns)

    def _customers(self, scores: pd.DataFrame) -> Table:
        texts, actions = self._texts, self.month.plan.actions
        own = actions[actions["customer"].isin(scores.index)]
        titles = own.groupby("customer", sort=False)["title"].agg(texts["semicolon"].join)
        names = [f"reason_{rank}" for rank in range(1, REASONS + 1)]
        columns = [
            text_column(texts["customer"], "customer"),
            text_column(texts["tier"], lambda row: self._tier(row["tier"])),
            number_column(texts["probability"], "probability", percent),
            number_column(texts["before"], "previous_probability", percent),
            text_column(texts["reason"], lambda row: self._reason(row["reason"])),
            text_column(texts["reasons"], lambda row: ", ".join(str(row[name]) for name in names if row[name])),
            text_column(texts["treatment"], lambda row: titles.get(row["customer"], "")),
        ]
        return frame_table(scores.rename_axis(index="customer").reset_index(), columns)

    def _actions(self) -> Table | None:
        actions, texts = self.month.plan.actions, self._texts
        if actions.empty:
            return None
        totals = {"number": ("customer", "size"), "cost": ("cost", "sum"), "benefit": ("expected_benefit", "sum")}
        grouped = actions.groupby(["owner", "title"], sort=False).agg(**totals).reset_index()
        grouped = grouped.sort_values(["owner", "benefit"], ascending=[True, False], kind="stable")
        columns = [
            text_column(texts["owner"], self._label("role", "owner")),
            text_column(texts["treatment"], "title"),
            number_column(texts["number"], "number", count),
            number_column(self._money("cost"), "cost", count),
            number_column(self._money("benefit"), "benefit", count),
        ]
        return frame_table(grouped, columns)

    def _limits(self) -> Table | None:
        limits, texts = self.month.plan.limits, self._texts
        if limits.empty:
            return None
        columns = [
            text_column(texts["limit"], lambda row: limit_words(self.policy, row["limit"], self.language)),
            number_column(texts["allowed"], "allowed", "{:,.0f}".format),
            number_column(texts["used"], lambda row: row["must"] + row["may"], "{:,.0f}".format),
            number_column(texts["left"], "left", "{:,.0f}".format),
            number_column(texts["price"], "price", "{:,.2f}".format),
        ]
        return frame_table(limits, columns)

    def _results(self) -> Table | None:
        if self.results is None or self.results.results.empty:
            return None
        results, texts = self.results.results, self._texts

        def percentage_points(name: str) -> Any:
            return lambda row: 100 * row[name]

        def compared(row: Row) -> str:
            return f"{count(row['compared'])} ({label('treatment', row['against'], self.language)})"

        def bounds(row: Row) -> str:
            return self._text("range", low=signed(100 * row["low"], 1), high=signed(100 * row["high"], 1))

        columns = [
            text_column(texts["treatment"], lambda row: self._treatment(row["action"])),
            number_column(texts["treated"], "treated", count),
            number_column(texts["compared"], compared, str),
            number_column(texts["avoided"], percentage_points("avoided"), lambda value: signed(value, 1)),
            number_column(texts["interval"], bounds, str),
            number_column(texts["assumed"], percentage_points("assumed"), lambda value: number(value, 1)),
        ]
        if results["complaints"].notna().any():
            columns.append(
                number_column(texts["complaints"], percentage_points("complaints"), lambda value: signed(value, 1))
            )
        return frame_table(results, [*columns, text_column(texts["verdict"], self._label("treatment", "verdict"))])

    def _overrides(self) -> Table | None:
        if self.results is None or self.results.overrides.empty:
            return None
        texts = self._texts
        columns = [
            text_column(texts["treatment"], lambda row: self._treatment(row["action"])),
            text_column(texts["status"], self._label("treatment", "status")),
            text_column(texts["instead"], lambda row: self._treatment(row["instead"])),
            number_column(texts["customers"], "customers", count),
            number_column(texts["events"], "event_rate", percent),
            number_column(texts["expected"], "expected", percent),
        ]
        return frame_table(self.results.overrides, columns)

    def _reconsider(self) -> Table | None:
        if self.results is None or self.results.reconsider.empty:
            return None
        columns = [
            text_column(self._texts["treatment"], lambda row: self._treatment(row["action"])),
            text_column(
                self._texts["why"], lambda row: why(row["finding"], row["found"], row["against"], self.language)
            ),
        ]
        return frame_table(self.results.reconsider, columns)

    def _health(self) -> Table | None:
        if self.health is None:
            return None
        texts, what = self._texts, "what_zh" if self.language == "zh" else "what"
        rows = [
            [
                text_cell(label("monitoring", finding["severity"], self.language)),
                text_cell(finding.get(what, finding["what"])),
                text_cell(self._step(finding["next_step"])),
            ]
            for finding in self.health.findings
        ]
        return Table([Head(texts["severity"]), Head(texts["finding"]), Head(texts["next"])], rows)

    def _monitored(self) -> str:
        if self.health is None:
            return ""
        return self._text("monitored", as_of=self.health.as_of or "–", step=self._step(self.health.next_step) or "–")

    def _step(self, step: str) -> str:
        return labels("monitoring", self.language).get(f"next_{step}", step)

    def _sizes(self, role: str) -> str:
        actions = int((self.month.plan.actions["owner"] == role).sum())
        return self._text("sizes", actions=count(actions), alerts=count(len(role_alerts(self.alerts.open, role))))

    def _alerts(self) -> dict[str, object]:
        """Return the variables of the template's part on early warning."""
        alerts, rules = self.alerts, self.alerts.rules
        if rules is None:
            lack = self._texts["no_rules"]
            return {"alerts": None, "alerts_lack": lack, "happened": [], "first": None, "closed": None}
        happened = [(name, alerts.events[name]) for name in _ALERT_EVENTS if name in alerts.events]
        return {
            "alerts": self._open_alerts(rules) if len(alerts.open) else None,
            "alerts_lack": self._texts["no_alerts"],
            "happened": [(label("alert", name, self.language), count(number)) for name, number in happened],
            "first": self._first_alerts(rules) if len(alerts.open) else None,
            "closed": self._closed_alerts(rules) if len(alerts.closed) else None,
        }

    def _open_alerts(self, rules: WarningRules) -> Table:
        texts, alerts = self._texts, self.alerts.open
        late = alerts.assign(late=[due < self.month.as_of for due in alerts["due"]])
        grouped = late.groupby(["level", "cause", "role"], sort=False).agg(
            number=("key", "size"), overdue=("late", "sum"), due=("due", "min")
        )
        grouped = grouped.reset_index().sort_values(["level", "number"], ascending=[False, False], kind="stable")
        columns = [
            text_column(texts["level"], self._label("alert", "level")),
            text_column(texts["cause"], lambda row: cause_title(rules, row["cause"], self.language)),
            text_column(texts["owner"], self._label("role", "role")),
            number_column(texts["number"], "number", count),
            number_column(texts["overdue"], "overdue", count),
            number_column(texts["due"], "due", str),
        ]
        return frame_table(grouped, columns)

    def _first_alerts(self, rules: WarningRules) -> Table:
        texts = self._texts

        def plan(row: Row) -> str:
            indicator = rules.indicators.get(row["cause"])
            return in_language(indicator.plan, self.language) if indicator else str(row["plan"])

        columns = [
            text_column(texts["customer"], "customer"),
            text_column(texts["level"], self._label("alert", "level")),
            text_column(texts["signs"], lambda row: signs_text(rules, row["signs"], self.language)),
            text_column(texts["owner"], self._label("role", "role")),
            number_column(texts["due"], "due", str),
            text_column(texts["plan"], plan),
        ]
        return frame_table(self.alerts.open.head(_FIRST_ALERTS), columns)

    def _closed_alerts(self, rules: WarningRules) -> Table:
        texts = self._texts
        grouped = self.alerts.closed.groupby(["cause", "outcome"]).agg(number=("key", "size")).reset_index()
        columns = [
            text_column(texts["cause"], lambda row: cause_title(rules, row["cause"], self.language)),
            text_column(texts["outcome"], self._label("alert", "outcome")),
            number_column(texts["number"], "number", count),
        ]
        return frame_table(grouped, columns)


def write_pack(path: Path, pack: Pack) -> None:
    """Write the page; its links go to the lists in ``lists/`` beside it."""
    page = templates().get_template("meeting_pack.html.j2").render(**pack.context())
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")


def _risers(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the customers whose probability rose most."""
    rise = scores["probability"] - scores["previous_probability"]
    # A frame without rows would take the rows of the assigned series.
    return scores.assign(rise=rise)[rise > 0].sort_values("rise", ascending=False, kind="stable").head(_RISERS)


def _watched(scores: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the customers of the riskiest tier by value at risk: probability times exposure, or value."""
    stake = scores["expected_loss"] if policy.task == "default" else scores["probability"] * scores["value"]
    stake = stake if stake.any() else scores["probability"]
    top = scores.assign(stake=stake)[scores["tier"] == policy.tiers[-1]]
    return top.sort_values("stake", ascending=False, kind="stable").head(_WATCHED)
