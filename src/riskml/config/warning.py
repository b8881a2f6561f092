"""What a file of early-warning rules may say: indicators, how they become one alert per customer, and who is told how.

Rules are files of their own beside the experiments (``experiments/warnings/<experiment>.yaml``): they change without a
new model.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from riskml.config.experiment import one_line, yaml_mapping
from riskml.config.panel import Name, Part, Text
from riskml.errors import ConfigError
from riskml.expressions import Expression, parse
from riskml.i18n import ROLES, Language, Role, Titles

Level = Literal["amber", "red"]
LEVELS: tuple[Level, ...] = ("amber", "red")  # 1 and 2; 0 is calm
TIER = "tier_number"  # what expressions read for a tier's place, 0 being the lowest risk
POINTS = "warning_points"  # … and for the sum of the indicators' points; a book's own points are those of a scorecard
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_LOCAL = ("localhost", "127.0.0.1", "::1")


class AgainstConfig(Part):
    """The customer's own past that a value is held against."""

    last: int = Field(1, ge=1, le=24, description="how many as-of dates before this one count")
    by: Literal["latest", "mean", "min", "max"] = Field("latest", description="which of their values")


class PersistenceConfig(Part):
    """How often an indicator must have warned before it counts; today always has to be among them."""

    dates: int = Field(1, ge=1, le=24, description="on so many as-of dates …")
    of: int = Field(1, ge=1, le=24, description="… of so many last ones, this one included")

    @model_validator(mode="after")
    def _not_more_than_there_are(self) -> PersistenceConfig:
        if self.dates > self.of:
            raise ValueError(f"{self.dates} of the last {self.of} dates can never be")
        return self


class DueConfig(Part):
    """Days until somebody must have acted, by level."""

    amber: int = Field(14, ge=0, le=365)
    red: int = Field(5, ge=0, le=365)


class IndicatorConfig(Part):
    """One sign of trouble: a value, or its change, and the thresholds from which it warns."""

    title: Titles = Field(description="what is seen, for people: the cause in an alert; a text, or one by language")
    value: Text = Field(description=f"a column, or an expression over columns; {TIER} is the place of the tier")
    measure: Literal["level", "rise", "fall", "growth", "decline"] = Field(
        "level",
        description="level: the value; rise and fall: its difference from the past; growth and decline: that as a "
        "share of the past, unknown where the past is 0 or below",
    )
    worse: Literal["higher", "lower"] = Field("higher", description="of a level: which way trouble lies")
    against: AgainstConfig = Field(AgainstConfig(), description="of a change: the past it is a change from")
    where: Text | None = Field(None, description="a condition without which it does not warn")
    amber: float | None = Field(None, description="from here on it warns: the first level")
    red: float | None = Field(None, description="the second level")
    persistence: PersistenceConfig = PersistenceConfig()
    weight: float = Field(1.0, ge=0, le=1000, description="points at amber; twice as many at red")
    role: Role = Field(description="who owns an alert that this indicator causes")
    due_days: DueConfig | None = Field(None, description="that of the alerts when left out")
    plan: Titles = Field(description="the contingency plan: what the owner does first; a text, or one by language")

    @model_validator(mode="after")
    def _thresholds_make_sense(self) -> IndicatorConfig:
        if self.measure != "level" and self.worse == "lower":
            raise ValueError("worse: lower is for measure: level; for a change say fall or decline")
        if self.amber is None and self.red is None:
            raise ValueError("amber, red or both must say from where it warns")
        if self.amber is not None and self.red is not None:
            turned = self.red < self.amber if self.worse == "higher" else self.red > self.amber
            if turned:
                raise ValueError(f"red ({self.red:g}) must lie beyond amber ({self.amber:g})")
        return self

    @property
    def looks_back(self) -> int:
        """How many earlier as-of dates it reads."""
        return max(0 if self.measure == "level" else self.against.last, self.persistence.of - 1)


class EscalationConfig(Part):
    """What happens to an alert that nobody closed in time."""

    to: Text = Field(description="a role, or another name beneath delivery.mail.to")
    after_days: int = Field(0, ge=0, le=365, description="days overdue before it goes there")


class AlertConfig(Part):
    """How a customer's indicators become one alert."""

    amber: float | Text = Field(
        1.0, description="points from which a customer is alerted, or a condition over the indicators' levels (0, 1, 2)"
    )
    red: float | Text = Field(2.0, description="the same for the second level")
    priority: Text = Field(POINTS, description=f"expression over the book's columns and {POINTS}: who comes first")
    at_most: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the book newly alerted on one as-of date at the most, first things first",
    )
    cooldown_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="after an alert was closed, none is opened for so long, unless the customer went from amber to red",
    )
    due_days: DueConfig = DueConfig()
    escalation: EscalationConfig | None = None


class TableDelivery(Part):
    """Lists of open alerts as files, one for each role."""

    folder: Text = Field(description="relative to the rules file")
    formats: tuple[Literal["csv", "xlsx"], ...] = ("csv", "xlsx")


class MailDelivery(Part):
    """One mail per role and recipient with what is new."""

    host: Text
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none is for a server on this machine")
    user: str | None = Field(None, description="who logs in; nobody when left out")
    password_env: Variable = Field("RISKML_SMTP_PASSWORD", description="the variable that holds the password")
    ca_file: str | None = Field(None, description="certificates of an authority of your own (PEM)")
    sender: Address
    to: dict[Name, tuple[Address, ...]] = Field(min_length=1, description="addresses by role, and of the escalation")
    timeout_seconds: float = Field(20.0, gt=0, le=300)

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> MailDelivery:
        if self.security == "none" and self.user is not None and self.host not in _LOCAL:
            raise ValueError("security: none would send the password in clear; use starttls or tls")
        return self


class WebhookDelivery(Part):
    """What is new, as signed JSON by POST."""

    url: Text = Field(description="https; ${NAME} in it is taken from the environment")
    secret_env: Variable = Field("RISKML_WEBHOOK_SECRET", description="the variable that holds the signing secret")
    batch: int = Field(100, ge=1, le=1000, description="events in one request at the most")
    attempts: int = Field(5, ge=1, le=20, description="tries for one request in one run")
    timeout_seconds: float = Field(10.0, gt=0, le=300)

    @field_validator("url")
    @classmethod
    def _is_private(cls, value: str) -> str:
        parts = urlsplit(value)
        if "${" in value.split("/")[0]:
            return value  # checked when it is known
        check_url(value)
        if parts.username or parts.password:
            raise ValueError("a URL holds no password; put it into the environment and write ${NAME}")
        return value


def check_url(url: str) -> None:
    """Raise a ValueError, which does not show the URL, unless it is https, or http to this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in _LOCAL:
        return
    raise ValueError("the webhook's URL must begin with https:// (http:// reaches this machine alone)")


class DeliveryConfig(Part):
    """How people and systems learn of alerts."""

    table: TableDelivery | None = None
    mail: MailDelivery | None = None
    webhook: WebhookDelivery | None = None


class WarningRules(Part):
    """A file of early-warning rules."""

    name: Name = Field(description="lower case; a part of every alert's key: another name is another set of alerts")
    title: Titles
    language: Language = Field("en", description="in which people are told: of the lists and the mail")
    tiers: tuple[Text, ...] = Field((), description=f"the tiers' names, lowest risk first, where {TIER} is read")
    indicators: dict[Name, IndicatorConfig] = Field(min_length=1, max_length=30)
    alerts: AlertConfig = AlertConfig()
    delivery: DeliveryConfig = DeliveryConfig()

    @model_validator(mode="after")
    def _expressions_can_be_read(self) -> WarningRules:
        reads_tier = False
        for name, one in self.indicators.items():
            if name == POINTS:
                raise ValueError(f"indicators: no indicator may be called {POINTS}")
            for key, text in (("value", one.value), ("where", one.where)):
                if text is not None:
                    reads_tier |= TIER in _parsed(text, f"indicators.{name}.{key}").columns
        priority = _parsed(self.alerts.priority, "alerts.priority")
        if (reads_tier or TIER in priority.columns) and not self.tiers:
            raise ValueError(f"{TIER} is read, so tiers must name them, lowest risk first")
        for level in LEVELS:
            expression = getattr(self.alerts, level)
            if isinstance(expression, str):
                strange = {*_parsed(expression, f"alerts.{level}").columns} - {*self.indicators, POINTS}
                if strange:
                    raise ValueError(f"alerts.{level} reads {min(strange)!r}, which is no indicator")
        points = (self.alerts.amber, self.alerts.red)
        if all(isinstance(value, float) for value in points) and points[1] < points[0]:  # type: ignore[operator]
            raise ValueError("alerts.red must not lie below alerts.amber")
        if len(set(self.tiers)) != len(self.tiers):
            raise ValueError("tiers must have different names")
        return self

    @model_validator(mode="after")
    def _everybody_who_is_told_has_an_address(self) -> WarningRules:
        if self.delivery.mail is not None:
            roles = {one.role for one in self.indicators.values()} | (
                {self.alerts.escalation.to} if self.alerts.escalation else set()
            )
            absent = sorted(roles - {*self.delivery.mail.to})
            if absent:
                raise ValueError(f"delivery.mail.to has no address of {', '.join(absent)}")
        elif self.alerts.escalation is not None and self.alerts.escalation.to not in ROLES:
            raise ValueError(f"alerts.escalation.to: {self.alerts.escalation.to!r} is none of {', '.join(ROLES)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the book that the rules read."""
        texts = [text for one in self.indicators.values() for text in (one.value, one.where) if text is not None]
        names = [name for text in texts for name in parse(text).columns]
        names += [name for name in parse(self.alerts.priority).columns if name != POINTS]
        return tuple(dict.fromkeys("tier" if name == TIER else name for name in names))

    @property
    def looks_back(self) -> int:
        """How many earlier as-of dates the rules read."""
        return max(one.looks_back for one in self.indicators.values())

    def digest(self) -> str:
        """Return a fingerprint (12 hexadecimal digits) of all that decides on alerts; the delivery does not."""
        content = self.model_dump(mode="json", exclude={"delivery"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

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
        The YAML file; the folder of its table delivery is looked up beside it.

    Raises
    ------
    ConfigError
        When the file cannot be read, is no YAML mapping, or says something unknown or impossible.
    """
    path = Path(path)
    raw = yaml_mapping(path, "rules")
    try:
        rules = WarningRules.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(["the rules say something that is not understood", *map(one_line, error.errors())]),
            where=str(path),
            fix="correct the keys named above; docs/warning.md explains every key",
        ) from None
    table = rules.delivery.table
    if table is None:
        return rules
    folder = str((path.parent / Path(table.folder).expanduser()).resolve())
    delivery = rules.delivery.model_copy(update={"table": table.model_copy(update={"folder": folder})})
    return rules.model_copy(update={"delivery": delivery})
