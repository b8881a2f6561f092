"""Early-warning rules: indicators, alerts and their delivery.

Rules are separate files (``experiments/warnings/<experiment>.yaml``) because they change without a new model.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, StringConstraints, field_validator, model_validator

from riskml.config.base import Name, Part, Text, first_duplicate, read_yaml, validated
from riskml.errors import ConfigError
from riskml.expressions import Expression, parse
from riskml.i18n import ROLES, Language, Role, Titles

Level = Literal["amber", "red"]
LEVELS: tuple[Level, ...] = ("amber", "red")  # 1 and 2; 0 is no warning
TIER = "tier_number"  # in expressions: the position of the tier, 0 for the lowest risk
POINTS = "warning_points"  # in expressions: the sum of the indicators' points
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_LOCAL = ("localhost", "127.0.0.1", "::1")


class AgainstConfig(Part):
    """The customer's own past with which a value is compared."""

    last: int = Field(1, ge=1, le=24, description="number of earlier as-of dates")
    by: Literal["latest", "mean", "min", "max"] = Field("latest", description="aggregate of their values")


class PersistenceConfig(Part):
    """As-of dates on which an indicator must have warned, the current one among them."""

    dates: int = Field(1, ge=1, le=24, description="number of as-of dates with a warning …")
    of: int = Field(1, ge=1, le=24, description="… among the last ones, the current one included")

    @model_validator(mode="after")
    def _dates_are_within_of(self) -> PersistenceConfig:
        if self.dates > self.of:
            raise ValueError(f"dates ({self.dates}) must not exceed of ({self.of})")
        return self


class DueConfig(Part):
    """Days until an alert is due, by level."""

    amber: int = Field(14, ge=0, le=365)
    red: int = Field(5, ge=0, le=365)


class IndicatorConfig(Part):
    """One indicator: a value or its change, and the thresholds from which it warns."""

    title: Titles = Field(description="the cause of an alert in words: a text, or one by language")
    value: Text = Field(description=f"a column, or an expression over columns; {TIER} is the position of the tier")
    measure: Literal["level", "rise", "fall", "growth", "decline"] = Field(
        "level",
        description="level: the value; rise and fall: its difference from the past; growth and decline: that as a "
        "share of the past, unknown where the past is 0 or below",
    )
    worse: Literal["higher", "lower"] = Field("higher", description="level: the direction of more risk")
    against: AgainstConfig = Field(AgainstConfig(), description="changes: the past to compare with")
    where: Text | None = Field(None, description="condition of a warning")
    amber: float | None = Field(None, description="threshold of the first level")
    red: float | None = Field(None, description="threshold of the second level")
    persistence: PersistenceConfig = PersistenceConfig()
    weight: float = Field(1.0, ge=0, le=1000, description="points at amber; twice as many at red")
    role: Role = Field(description="owner of an alert that this indicator causes")
    due_days: DueConfig | None = Field(None, description="days until it is due (default: those of the alerts)")
    plan: Titles = Field(description="contingency plan, the owner's first steps: a text, or one by language")

    @model_validator(mode="after")
    def _thresholds_make_sense(self) -> IndicatorConfig:
        if self.measure != "level" and self.worse == "lower":
            raise ValueError("worse: lower is for measure: level; use fall or decline for a change")
        if self.amber is None and self.red is None:
            raise ValueError("set amber, red or both")
        if self.amber is not None and self.red is not None:
            turned = self.red < self.amber if self.worse == "higher" else self.red > self.amber
            if turned:
                raise ValueError(f"red ({self.red:g}) must lie beyond amber ({self.amber:g})")
        return self

    @property
    def looks_back(self) -> int:
        """Number of earlier as-of dates that it reads."""
        return max(0 if self.measure == "level" else self.against.last, self.persistence.of - 1)


class EscalationConfig(Part):
    """Escalation of overdue alerts."""

    to: Text = Field(description="a role, or another name below delivery.mail.to")
    after_days: int = Field(0, ge=0, le=365, description="days overdue before the escalation")


class AlertConfig(Part):
    """Alerts: one per customer, from all indicators."""

    amber: float | Text = Field(
        1.0, description="threshold of the points, or a condition over the indicators' levels (0, 1, 2)"
    )
    red: float | Text = Field(2.0, description="the same for the second level")
    priority: Text = Field(POINTS, description=f"expression over columns and {POINTS}: higher values come first")
    at_most: float | None = Field(
        None, gt=0, le=1, description="maximum share of customers with a new alert on one as-of date, by priority"
    )
    cooldown_days: int = Field(
        30, ge=0, le=3650, description="days without a new alert after one was closed, except from amber to red"
    )
    due_days: DueConfig = DueConfig()
    escalation: EscalationConfig | None = None


class TableDelivery(Part):
    """Lists of open alerts as files, one per role."""

    folder: Text = Field(description="relative to the rules file")
    formats: tuple[Literal["csv", "xlsx"], ...] = ("csv", "xlsx")


class MailDelivery(Part):
    """E-mail with new alerts, one per role and recipient."""

    host: Text
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none is for a server on this machine")
    user: str | None = Field(None, description="user of the server (default: no login)")
    password_env: Variable = Field("RISKML_SMTP_PASSWORD", description="environment variable with the password")
    ca_file: str | None = Field(None, description="certificates of a private authority (PEM)")
    sender: Address
    to: dict[Name, tuple[Address, ...]] = Field(min_length=1, description="addresses by role, and of the escalation")
    timeout_seconds: float = Field(20.0, gt=0, le=300)

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> MailDelivery:
        if self.security == "none" and self.user is not None and self.host not in _LOCAL:
            raise ValueError("security: none would send the password unencrypted; use starttls or tls")
        return self


class WebhookDelivery(Part):
    """Webhook with new alerts as signed JSON."""

    url: Text = Field(description="https URL; ${NAME} is read from the environment")
    secret_env: Variable = Field("RISKML_WEBHOOK_SECRET", description="environment variable with the signing secret")
    batch: int = Field(100, ge=1, le=1000, description="maximum number of events in one request")
    attempts: int = Field(5, ge=1, le=20, description="maximum number of attempts of one request in one run")
    timeout_seconds: float = Field(10.0, gt=0, le=300)

    @field_validator("url")
    @classmethod
    def _is_private(cls, value: str) -> str:
        parts = urlsplit(value)
        if "${" in value.split("/")[0]:
            return value  # checked when the variable is known
        check_url(value)
        if parts.username or parts.password:
            raise ValueError("the URL holds a password; put it into the environment and write ${NAME}")
        return value


def check_url(url: str) -> None:
    """Raise a ValueError, which does not show the URL, unless it is https, or http to this machine."""
    parts = urlsplit(url)
    if not (parts.hostname in _LOCAL if parts.scheme == "http" else parts.scheme == "https" and parts.hostname):
        raise ValueError("the webhook's URL must begin with https:// (http:// is for this machine only)")


class DeliveryConfig(Part):
    """Channels of delivery."""

    table: TableDelivery | None = None
    mail: MailDelivery | None = None
    webhook: WebhookDelivery | None = None


class WarningRules(Part):
    """A file of early-warning rules."""

    name: Name = Field(description="lower case; part of every alert's key: another name is another set of alerts")
    title: Titles
    language: Language = Field("en", description="language of the lists and the mail")
    tiers: tuple[Text, ...] = Field((), description=f"names of the tiers, lowest risk first, for {TIER}")
    indicators: dict[Name, IndicatorConfig] = Field(min_length=1, max_length=30)
    alerts: AlertConfig = AlertConfig()
    delivery: DeliveryConfig = DeliveryConfig()

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> WarningRules:
        reads_tier = False
        for name, indicator in self.indicators.items():
            if name == POINTS:
                raise ValueError(f"indicators: {POINTS} is reserved")
            for key, text in (("value", indicator.value), ("where", indicator.where)):
                if text is not None:
                    reads_tier |= TIER in _parsed(text, f"indicators.{name}.{key}").columns
        priority = _parsed(self.alerts.priority, "alerts.priority")
        if (reads_tier or TIER in priority.columns) and not self.tiers:
            raise ValueError(f"{TIER} needs tiers: their names, lowest risk first")
        for level in LEVELS:
            points_or_condition = getattr(self.alerts, level)
            if isinstance(points_or_condition, str):
                unknown = {*_parsed(points_or_condition, f"alerts.{level}").columns} - {*self.indicators, POINTS}
                if unknown:
                    raise ValueError(f"alerts.{level} reads {min(unknown)!r}, which is not an indicator")
        points = (self.alerts.amber, self.alerts.red)
        if all(isinstance(value, float) for value in points) and points[1] < points[0]:  # type: ignore[operator]
            raise ValueError("alerts.red must not lie below alerts.amber")
        if first_duplicate(self.tiers):
            raise ValueError("tiers must have different names")
        return self

    @model_validator(mode="after")
    def _every_recipient_has_an_address(self) -> WarningRules:
        escalation = self.alerts.escalation
        if self.delivery.mail is not None:
            recipients = {indicator.role for indicator in self.indicators.values()}
            absent = sorted((recipients | ({escalation.to} if escalation else set())) - {*self.delivery.mail.to})
            if absent:
                raise ValueError(f"delivery.mail.to has no address for {', '.join(absent)}")
        elif escalation is not None and escalation.to not in ROLES:
            raise ValueError(f"alerts.escalation.to: {escalation.to!r} is none of {', '.join(ROLES)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rules read."""
        texts = [text for one in self.indicators.values() for text in (one.value, one.where) if text is not None]
        names = [name for text in texts for name in parse(text).columns]
        names += [name for name in parse(self.alerts.priority).columns if name != POINTS]
        return tuple(dict.fromkeys("tier" if name == TIER else name for name in names))

    @property
    def looks_back(self) -> int:
        """Number of earlier as-of dates that the rules read."""
        return max(indicator.looks_back for indicator in self.indicators.values())

    def digest(self) -> str:
        """Return a digest (12 hexadecimal digits) of the rules without their delivery."""
        spec = self.model_dump(mode="json", exclude={"delivery"})
        return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """Return the rules with every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _parsed(text: str, where: str) -> Expression:
    try:
        return parse(text)
    except ConfigError as error:
        raise ValueError(f"{where}: {error.what}" + (f"; {error.fix}" if error.fix else "")) from None


def read_rules(path: str | Path) -> WarningRules:
    """Read and check a file of early-warning rules.

    Parameters
    ----------
    path : path
        The YAML file; the folder of its table delivery is relative to it.

    Raises
    ------
    ConfigError
        When the file cannot be read, is not a YAML mapping, or has an unknown key or an invalid value.
    """
    path = Path(path)
    fix = "correct these keys; docs/warning.md explains them"
    rules = validated(WarningRules, read_yaml(path, "rules"), "rules file", where=str(path), fix=fix)
    table = rules.delivery.table
    if table is None:
        return rules
    folder = str((path.parent / Path(table.folder).expanduser()).resolve())
    delivery = rules.delivery.model_copy(update={"table": table.model_copy(update={"folder": folder})})
    return rules.model_copy(update={"delivery": delivery})
