"""Policy file: treatments, rules by tier and reason, costs and limits.

A policy is a separate file because it changes without a new model. It is read once and checked strictly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from riskml.config.base import Name, Part, Text, first_duplicate, read_yaml, validated
from riskml.errors import ConfigError, did_you_mean, preview
from riskml.expressions import parse
from riskml.i18n import Language, Role, Titles, in_language, label

Channel = Literal["email", "phone", "visit", "sms"]
Kind = Literal[
    "credit_limit", "collateral", "prepayment", "payment_plan", "monitoring", "retention_offer", "after_sales",
    "contact", "education", "escalation",
]  # fmt: skip
OWN_FIELDS = ("customer", "action", "reason", "due", "company", "sender", "contact")  # of every message
OTHER = "other"  # the reason of columns that no group names


def _is_expression(text: str) -> str:
    try:
        return parse(text).text
    except ConfigError as error:
        raise ValueError(error.what) from None


Condition = Annotated[str, AfterValidator(_is_expression)]
Amount = float | Condition
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class AmountsConfig(Part):
    """Amounts of a customer: numbers, or expressions over the portfolio's columns."""

    exposure: Amount | None = Field(None, description="default: exposure at default")
    loss_given_default: Amount | None = Field(None, description="default: share of the exposure that is lost, 0 to 1")
    value: Amount | None = Field(None, description="value of the relation (default: besides the debt)")
    if_missing: Positive | None = Field(None, description="value of a missing amount (default: an error)")


class ReasonConfig(Part):
    """A group of columns that give one reason."""

    columns: tuple[Text, ...] = Field(min_length=1, description="names or patterns such as invoices_*; case-sensitive")
    title: Titles | None = Field(None, description="the reason in words: a text, or one by language (en, zh)")


class Treatment(Part):
    """A treatment of one customer."""

    kind: Kind
    title: Titles = Field(description="a line for its owner: a text, or one by language")
    owner: Role
    deadline_days: int = Field(ge=0, le=366, description="calendar days from the as-of date")
    cost: Amount = Field(0.0, description="cost per customer: a number, or an expression over the portfolio's columns")
    hours: float = Field(0.0, ge=0, le=10_000, description="hours of the owner per customer")
    effect: Share = Field(description="default: share of the expected loss avoided; churn: share of leavers retained")
    keeps: Share = Field(0.0, description="default: share of a defaulter's value, otherwise lost, that is kept")
    strains: Share = Field(0.0, description="share of the value of customers without the event that it costs")
    incentive: Positive = Field(
        0.0, description="churn: cost of an accepted offer; customers who would stay always accept it"
    )
    only: Condition | None = Field(None, description="condition on its customers")
    change: Literal["lowered", "frozen", "raised"] | None = Field(None, description="credit_limit: the change")
    allow_raise: bool = Field(False, description="credit_limit: allow a raise in a riskier tier")
    topic: Literal["financial_management", "compliance"] | None = Field(None, description="education: the topic")
    channel: Channel | None = Field(None, description="channel of the message to the customer, if any")
    template: Text | None = Field(None, description="template of the message (default: that of the customer's reason)")
    capacity: int | None = Field(None, ge=0, description="maximum number of customers")
    budget: Positive | None = Field(None, description="money for all its customers")

    @model_validator(mode="after")
    def _has_the_keys_of_its_kind(self) -> Treatment:
        for name, kind in (("change", "credit_limit"), ("topic", "education")):
            if (self.kind == kind) != (getattr(self, name) is not None):
                raise ValueError(f"{name} is required for {kind} and not allowed otherwise")
        if self.allow_raise and self.change != "raised":
            raise ValueError("allow_raise is only for a credit limit that is raised")
        if self.kind == "contact" and self.channel is None:
            raise ValueError("a contact needs a channel: " + ", ".join(get_args(Channel)))
        if self.template is not None and self.channel is None:
            raise ValueError("a template needs a channel")
        return self


class Rule(Part):
    """Treatments for the customers of a tier, by their main reason."""

    tier: Text
    reasons: tuple[Text, ...] = Field((), description="reasons (default: all that no other rule of the tier names)")
    must: tuple[Text, ...] = Field((), description="mandatory treatments of each customer, whatever their benefit")
    may: tuple[Text, ...] = Field((), description="optional treatments: at most one, by benefit within the limits")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Rule:
        duplicate = first_duplicate((*self.must, *self.may)) or first_duplicate(self.reasons)
        if duplicate:
            raise ValueError(f"{duplicate!r} is named twice")
        return self


class Negotiation(Part):
    """Exceptions for customers who are too valuable to lose."""

    only: Condition = Field(description="condition on these customers, such as `value >= 5000`")
    never: tuple[Text, ...] = Field(min_length=1, description="treatments of rules that they do not get")
    instead: tuple[Text, ...] = Field(min_length=1, description="optional treatments that replace them")


class RoleLimit(Part):
    """Limits of one role."""

    hours: Positive | None = None
    budget: Positive | None = None


class Limits(Part):
    """Limits of all treatments from one as-of date to the next."""

    budget: Positive | None = None
    actions: int | None = Field(None, ge=0, description="maximum number of actions")
    roles: dict[Role, RoleLimit] = Field(default_factory=dict)


class HoldOut(Part):
    """Control group: a random share of customers who get mandatory treatments only, to measure the effect."""

    share: float = Field(0.0, ge=0.0, lt=1.0, description="share of the customers, the same from month to month")
    salt: str = Field("", description="change it to draw other customers")


class MessagesConfig(Part):
    """Messages to customers."""

    language: Language = "en"
    company: Titles = Field({"en": "our company", "zh": "本公司"}, description="the company")
    sender: Titles = Field({"en": "your customer service", "zh": "客户服务部"}, description="the signature")
    contact: Titles = Field(
        {"en": "the number on your contract", "zh": "合同上的电话"}, description="contact details for the customer"
    )
    fields: tuple[Text, ...] = Field((), description="columns of the portfolio that templates may show")
    templates: dict[Text, Text] = Field(
        default_factory=dict, description="custom texts by template, such as email/liquidity"
    )

    @model_validator(mode="after")
    def _fields_are_valid(self) -> MessagesConfig:
        for name in self.fields:
            if not name.isidentifier():
                raise ValueError(f"fields: a template cannot name {name!r}; rename the column")
            if name in OWN_FIELDS:
                raise ValueError(f"fields: {name!r} is a field of every message already")
        if first_duplicate(self.fields):
            raise ValueError(f"fields: {first_duplicate(self.fields)!r} is named twice")
        return self


class FallbackRule(Part):
    """Tier, reason and probability of customers without a model."""

    when: Condition
    tier: Text
    reason: Text
    probability: float = Field(ge=0.0, le=1.0, description="an officer's estimate, used for benefits")


class Fallback(Part):
    """Rules that replace the score where no model exists yet: the first that holds counts."""

    rules: tuple[FallbackRule, ...] = Field(min_length=1)
    otherwise: float = Field(ge=0.0, le=1.0, description="the probability of all others, who are in the safest tier")


class Policy(Part):
    """Treatments of the customers of a scored portfolio."""

    name: Name
    title: Titles | None = Field(None, description="title of the meeting pack (default: that of the model)")
    task: Literal["default", "churn"]
    currency: str = ""
    tiers: tuple[Text, ...] = Field(min_length=1, description="those of the experiment, the safest first")
    tier_titles: dict[Text, Titles] = Field(default_factory=dict, description="titles of tiers (default: their names)")
    hysteresis: float = Field(0.1, ge=0.0, le=10.0, description="margin at a tier's bound, as a share of its odds")
    amounts: AmountsConfig
    reasons: dict[Name, ReasonConfig] = Field(default_factory=dict)
    treatments: dict[Name, Treatment]
    rules: tuple[Rule, ...] = Field(min_length=1)
    negotiation: Negotiation | None = None
    limits: Limits = Limits()
    hold_out: HoldOut = HoldOut()
    messages: MessagesConfig = MessagesConfig()
    without_model: Fallback | None = None

    @model_validator(mode="after")
    def _amounts_are_those_of_the_task(self) -> Policy:
        needed = ("exposure", "loss_given_default") if self.task == "default" else ("value",)
        absent = [name for name in needed if getattr(self.amounts, name) is None]
        if absent:
            raise ValueError(f"amounts: task {self.task} needs {' and '.join(absent)}")
        share = self.amounts.loss_given_default
        if isinstance(share, float) and not 0 <= share <= 1:
            raise ValueError(f"amounts.loss_given_default is a share, 0 to 1; got {share:g}")
        for name in ("exposure", "value"):
            amount = getattr(self.amounts, name)
            if isinstance(amount, float) and not 0 <= amount < float("inf"):
                raise ValueError(f"amounts.{name} is an amount of at least 0; got {amount:g}")
        for name, treatment in self.treatments.items():
            if isinstance(treatment.cost, float) and not 0 <= treatment.cost < float("inf"):
                raise ValueError(f"treatments.{name}.cost is an amount of at least 0; got {treatment.cost:g}")
            if self.task == "churn" and treatment.keeps:
                raise ValueError(f"treatments.{name}.keeps: not for task churn; use effect")
            if self.task == "default" and treatment.incentive:
                raise ValueError(f"treatments.{name}.incentive is for task churn; use cost")
        return self

    @model_validator(mode="after")
    def _reasons_do_not_overlap(self) -> Policy:
        if OTHER in self.reasons:
            raise ValueError(f"reasons.{OTHER} is the reason of all columns that no group names: remove it")
        duplicate = first_duplicate([column for reason in self.reasons.values() for column in reason.columns])
        if duplicate:
            raise ValueError(f"reasons: {duplicate!r} is named twice")
        return self

    @model_validator(mode="after")
    def _treatments_are_at_most_60(self) -> Policy:
        if len(self.treatments) > 60:
            raise ValueError(f"treatments: at most 60 are allowed; got {len(self.treatments)}")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Policy:
        if first_duplicate(self.tiers):
            raise ValueError(f"tiers: {first_duplicate(self.tiers)!r} is named twice")
        _known([*self.tier_titles], self.tiers, "tier_titles", "tier")
        groups = [*self.reasons, OTHER]
        for place, rule in enumerate(self.rules):
            _known([rule.tier], self.tiers, f"rules.{place}", "tier")
            _known(rule.reasons, groups, f"rules.{place}", "reason")
            _known((*rule.must, *rule.may), self.treatments, f"rules.{place}", "treatment")
        if self.negotiation:
            named = (*self.negotiation.never, *self.negotiation.instead)
            _known(named, self.treatments, "negotiation", "treatment")
            both = set(self.negotiation.never) & set(self.negotiation.instead)
            if both:
                raise ValueError(f"negotiation: {min(both)!r} cannot be in never and in instead")
        for place, fallback in enumerate(self.without_model.rules if self.without_model else ()):
            _known([fallback.tier], self.tiers, f"without_model.rules.{place}", "tier")
            _known([fallback.reason], groups, f"without_model.rules.{place}", "reason")
        return self

    @model_validator(mode="after")
    def _rules_cover_all_customers_once(self) -> Policy:
        groups = [*self.reasons, OTHER]
        for tier in self.tiers:
            named = [reason for rule in self.rules if rule.tier == tier for reason in rule.reasons]
            general = [rule for rule in self.rules if rule.tier == tier and not rule.reasons]
            if first_duplicate(named):
                raise ValueError(f"rules: two of them are for tier {tier!r} and reason {first_duplicate(named)!r}")
            if len(general) > 1:
                raise ValueError(f"rules: two of them are for all reasons of tier {tier!r}")
            absent = [reason for reason in groups if reason not in named]
            if absent and not general:
                raise ValueError(
                    f"rules: none is for tier {tier!r} and reason {preview(absent)}; "
                    "add one for the tier without reasons, with empty lists for no treatment"
                )
        return self

    @model_validator(mode="after")
    def _no_limit_is_raised_for_rising_risk(self) -> Policy:
        treatments = self.treatments.items()
        raising = {name for name, one in treatments if one.change == "raised" and not one.allow_raise}
        for place, rule in enumerate(self.rules):
            raised = raising & {*rule.must, *rule.may}
            if raised and rule.tier != self.tiers[0]:
                raise ValueError(
                    f"rules.{place}: {min(raised)!r} raises the credit limit of customers of tier {rule.tier!r}; "
                    "set allow_raise: true in the treatment to allow it"
                )
        if self.negotiation and raising & {*self.negotiation.instead}:
            raise ValueError("negotiation.instead raises a credit limit; set allow_raise: true to allow it")
        return self

    @model_validator(mode="after")
    def _no_must_is_beyond_its_own_limit(self) -> Policy:
        for name in {name for rule in self.rules for name in rule.must}:
            treatment, role = self.treatments[name], self.limits.roles.get(self.treatments[name].owner, RoleLimit())
            for limit, where in (
                (self.limits.budget, "limits.budget"),
                (role.budget, f"limits.roles.{treatment.owner}.budget"),
            ):
                if limit is not None and isinstance(treatment.cost, float) and treatment.cost > limit:
                    cost = f"the mandatory {name!r} costs {treatment.cost:g} per customer"
                    raise ValueError(f"{where} is {limit:g}; {cost}")
        return self

    def group_of(self, column: str) -> str:
        """Return the reason that a column gives: the first group with its name, or else with a pattern that matches.

        >>> spec = {"liquidity": {"columns": ["income_*"]}, "market": {"columns": ["income_of_branch"]}}
        >>> groups = {name: ReasonConfig.model_validate(group) for name, group in spec.items()}
        >>> policy = Policy.model_construct(reasons=groups)
        >>> policy.group_of("income_now"), policy.group_of("income_of_branch"), policy.group_of("age")
        ('liquidity', 'market', 'other')
        """
        for name, reason in self.reasons.items():
            if column in reason.columns:
                return name
        for name, reason in self.reasons.items():
            if any(fnmatchcase(column, pattern) for pattern in reason.columns):
                return name
        return OTHER

    def rule_of(self, tier: str, reason: str) -> int:
        """Return the place of the rule for a tier and a reason."""
        for place, rule in enumerate(self.rules):
            if rule.tier == tier and reason in rule.reasons:
                return place
        return next(place for place, rule in enumerate(self.rules) if rule.tier == tier and not rule.reasons)

    def tier_title(self, name: str, language: Language) -> str:
        """Return the title of a tier, or its name."""
        return in_language(self.tier_titles[name], language) if name in self.tier_titles else name

    def reason_title(self, name: str, language: Language) -> str:
        """Return the title of a reason, or its name."""
        title = self.reasons[name].title if name in self.reasons else None
        if title:
            return in_language(title, language)
        return label("reason", name, language) if name == OTHER else name

    def treatment_title(self, name: str, language: Language) -> str:
        """Return the title of a treatment, or its name where the policy has dropped it."""
        return in_language(self.treatments[name].title, language) if name in self.treatments else name

    def check_tiers(self, names: Sequence[str]) -> None:
        """Raise a ConfigError when the policy is not for the tiers of an experiment, the safest first."""
        if tuple(names) != self.tiers:
            raise ConfigError(
                f"the policy {self.name!r} is for the tiers {preview(self.tiers)}, and the experiment has "
                f"{preview(names)}",
                where="tiers",
                fix="name the same tiers in both files, the safest first",
            )


def read_policy(path: str | Path) -> Policy:
    """Read and check a policy file.

    Parameters
    ----------
    path : path
        The YAML file.

    Raises
    ------
    ConfigError
        When the file cannot be read, is not a YAML mapping, or has an unknown key or an invalid value.
    """
    path = Path(path)
    return policy_of(read_yaml(path, "policy"), where=str(path))


def policy_of(spec: Mapping[str, Any], *, where: str = "the policy") -> Policy:
    """Return the policy of a mapping, as a policy file holds it.

    Raises
    ------
    ConfigError
        When keys are unknown or values invalid; all of them are listed.
    """
    return validated(Policy, spec, "policy", where=where, fix="correct these keys; docs/policy.md explains them")


def _known(names: Sequence[str], known: Sequence[str] | Mapping[str, Any], where: str, what: str) -> None:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {preview(known)}"
            raise ValueError(f"{where}: there is no {what} {name!r}; {hint}")
