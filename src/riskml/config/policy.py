"""What a policy file may say: who does what for which customer, at what cost, within which limits.

A policy is a file of its own, because it changes without a new model. It is read once and checked strictly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator

from riskml.config.experiment import one_line, yaml_mapping
from riskml.config.panel import Name, Part, Text
from riskml.errors import ConfigError, did_you_mean, preview
from riskml.expressions import parse
from riskml.i18n import Language, Role, Titles, in_language, label

Channel = Literal["email", "phone", "visit", "sms"]
Kind = Literal[
    "credit_limit",
    "collateral",
    "prepayment",
    "payment_plan",
    "monitoring",
    "retention_offer",
    "after_sales",
    "contact",
    "education",
    "escalation",
]
OWN_FIELDS = ("customer", "action", "reason", "due", "company", "sender", "contact")  # of every message
OTHER = "other"  # the reason of customers whose reasons belong to no group


def _twice(names: Sequence[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


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
    """Where the money of a customer is found: numbers, or expressions over the book's columns."""

    exposure: Amount | None = Field(None, description="default: what would be owed")
    loss_given_default: Amount | None = Field(None, description="default: share of the exposure that is lost, 0 to 1")
    value: Amount | None = Field(
        None, description="what the relation is worth: all of it to churn, beside the debt else"
    )
    if_missing: Positive | None = Field(
        None, description="what a missing amount counts as; an error when left out, for a gap is not a debt of 0"
    )


class ReasonConfig(Part):
    """A group of columns that give one reason."""

    columns: tuple[Text, ...] = Field(min_length=1, description="names, or patterns such as invoices_*; case matters")
    title: Titles | None = Field(None, description="the reason in words: a text, or one by language (en, zh)")


class Treatment(Part):
    """Something that can be done for one customer."""

    kind: Kind
    title: Titles = Field(description="for those who do it, in a line: a text, or one by language")
    owner: Role
    deadline_days: int = Field(ge=0, le=366, description="calendar days from the as-of date")
    cost: Amount = Field(0.0, description="money for one customer: a number, or an expression over the book's columns")
    hours: float = Field(0.0, ge=0, le=10_000, description="of the owner, for one customer")
    effect: Share = Field(description="default: share of the expected loss avoided; churn: share of the leavers kept")
    keeps: Share = Field(0.0, description="default: share of the value, else lost with a defaulter, that is kept")
    strains: Share = Field(0.0, description="share of the value of those who would not have the event that it costs")
    incentive: Positive = Field(
        0.0, description="churn: what the offer costs where it is taken; who would have stayed always takes it"
    )
    only: Condition | None = Field(None, description="the customers it is for, as an expression")
    change: Literal["lowered", "frozen", "raised"] | None = Field(None, description="credit_limit: what becomes of it")
    allow_raise: bool = Field(False, description="credit_limit: that a raise for rising risk is meant")
    topic: Literal["financial_management", "compliance"] | None = Field(None, description="education: of what")
    channel: Channel | None = Field(None, description="how the customer hears of it, if at all")
    template: Text | None = Field(None, description="of the message; that of the customer's reason when left out")
    capacity: int | None = Field(None, ge=0, description="how many customers can have it")
    budget: Positive | None = Field(None, description="money for all customers who have it")

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Treatment:
        for name, kind in (("change", "credit_limit"), ("topic", "education")):
            if (self.kind == kind) != (getattr(self, name) is not None):
                raise ValueError(f"{name} is said for {kind}, and for nothing else")
        if self.allow_raise and self.change != "raised":
            raise ValueError("allow_raise belongs to a credit limit that is raised")
        if self.kind == "contact" and self.channel is None:
            raise ValueError("a contact needs its channel: " + ", ".join(get_args(Channel)))
        if self.template is not None and self.channel is None:
            raise ValueError("a template needs the channel that it is for")
        return self


class Rule(Part):
    """What is done for the customers of a tier, by their main reason."""

    tier: Text
    reasons: tuple[Text, ...] = Field((), description="those it is for; all that no other rule names when left out")
    must: tuple[Text, ...] = Field((), description="treatments that each of them gets, whatever it brings")
    may: tuple[Text, ...] = Field((), description="treatments of which one is chosen, where it pays within the limits")

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Rule:
        twice = _twice((*self.must, *self.may)) or _twice(self.reasons)
        if twice:
            raise ValueError(f"{twice!r} is named twice")
        return self


class Negotiation(Part):
    """Customers too valuable to be dismissed: with them one talks."""

    only: Condition = Field(description="who they are, as `value >= 5000`")
    never: tuple[Text, ...] = Field(
        min_length=1, description="treatments that they are spared, though a rule names them"
    )
    instead: tuple[Text, ...] = Field(
        min_length=1, description="treatments that they may have where a rule names one of those"
    )


class RoleLimit(Part):
    """What one role can do and spend."""

    hours: Positive | None = None
    budget: Positive | None = None


class Limits(Part):
    """What can be done and spent in all, from one as-of date to the next."""

    budget: Positive | None = None
    actions: int | None = Field(None, ge=0, description="customers' actions in all")
    roles: dict[Role, RoleLimit] = Field(default_factory=dict)


class HoldOut(Part):
    """Customers who get nothing but what must be done, by chance, so that it is known what the rest is worth."""

    share: float = Field(0.0, ge=0.0, lt=1.0, description="of the customers; the same ones from month to month")
    salt: str = Field("", description="change it to draw others")


class MessagesConfig(Part):
    """How customers are written and spoken to."""

    language: Language = "en"
    company: Titles = Field({"en": "our company", "zh": "本公司"}, description="who writes")
    sender: Titles = Field({"en": "your customer service", "zh": "客户服务部"}, description="who signs")
    contact: Titles = Field(
        {"en": "the number on your contract", "zh": "合同上的电话"}, description="where the customer reaches someone"
    )
    fields: tuple[Text, ...] = Field((), description="columns of the book that templates may show")
    templates: dict[Text, Text] = Field(
        default_factory=dict, description="own text of a template, as email/liquidity, instead of the kit's"
    )

    @model_validator(mode="after")
    def _fields_can_be_shown(self) -> MessagesConfig:
        for name in self.fields:
            if not name.isidentifier():
                raise ValueError(f"fields: a template cannot name {name!r}; give the column a plain name")
            if name in OWN_FIELDS:
                raise ValueError(f"fields: {name!r} is a field of every message already")
        if _twice(self.fields):
            raise ValueError(f"fields: {_twice(self.fields)!r} is named twice")
        return self


class FallbackRule(Part):
    """Without a model: who is in which tier, for which reason."""

    when: Condition
    tier: Text
    reason: Text
    probability: float = Field(ge=0.0, le=1.0, description="an officer's estimate; benefits are reckoned with it")


class Fallback(Part):
    """What stands for the score where no model exists yet: of the rules that hold, the first one counts."""

    rules: tuple[FallbackRule, ...] = Field(min_length=1)
    otherwise: float = Field(ge=0.0, le=1.0, description="the probability of all others, who are in the safest tier")


class Policy(Part):
    """One policy: what is done for the customers of a scored book."""

    name: Name
    title: Titles | None = Field(None, description="of the pack; that of the model when left out")
    task: Literal["default", "churn"]
    currency: str = ""
    tiers: tuple[Text, ...] = Field(min_length=1, description="those of the experiment, the safest first")
    tier_titles: dict[Text, Titles] = Field(default_factory=dict, description="the tiers in words, where names are not")
    hysteresis: float = Field(0.1, ge=0.0, le=10.0, description="how far past a border, as a share of its odds")
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
            raise ValueError(f"amounts: for task {self.task} they need {' and '.join(absent)}")
        share = self.amounts.loss_given_default
        if isinstance(share, float) and not 0 <= share <= 1:
            raise ValueError(f"amounts.loss_given_default is a share, 0 to 1; got {share:g}")
        for name in ("exposure", "value"):
            amount = getattr(self.amounts, name)
            if isinstance(amount, float) and not 0 <= amount < float("inf"):
                raise ValueError(f"amounts.{name} is an amount of at least 0; got {amount:g}")
        for name, one in self.treatments.items():
            if isinstance(one.cost, float) and not 0 <= one.cost < float("inf"):
                raise ValueError(f"treatments.{name}.cost is an amount of at least 0; got {one.cost:g}")
            if self.task == "churn" and one.keeps:
                raise ValueError(f"treatments.{name}.keeps: for task churn, effect says it all")
            if self.task == "default" and one.incentive:
                raise ValueError(f"treatments.{name}.incentive is for task churn; say it in cost")
        return self

    @model_validator(mode="after")
    def _reasons_do_not_overlap(self) -> Policy:
        if OTHER in self.reasons:
            raise ValueError(f"reasons.{OTHER} is the reason of all columns that no group names: leave it out")
        twice = _twice([column for reason in self.reasons.values() for column in reason.columns])
        if twice:
            raise ValueError(f"reasons: {twice!r} is named twice")
        return self

    @model_validator(mode="after")
    def _treatments_can_be_counted(self) -> Policy:
        if len(self.treatments) > 60:
            raise ValueError(f"treatments: at most 60 can be weighed against one another; got {len(self.treatments)}")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Policy:
        if _twice(self.tiers):
            raise ValueError(f"tiers: {_twice(self.tiers)!r} is named twice")
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
                raise ValueError(f"negotiation: {min(both)!r} cannot be spared and offered instead")
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
            if _twice(named):
                raise ValueError(f"rules: two of them are for tier {tier!r} and reason {_twice(named)!r}")
            if len(general) > 1:
                raise ValueError(f"rules: two of them are for all reasons of tier {tier!r}")
            absent = [reason for reason in groups if reason not in named]
            if absent and not general:
                raise ValueError(
                    f"rules: none is for tier {tier!r} and reason {preview(absent)}; "
                    "add one for the tier without reasons, with empty lists where nothing is done"
                )
        return self

    @model_validator(mode="after")
    def _no_limit_is_raised_for_rising_risk(self) -> Policy:
        raising = {name for name, one in self.treatments.items() if one.change == "raised" and not one.allow_raise}
        for place, rule in enumerate(self.rules):
            treatments = raising & {*rule.must, *rule.may}
            if treatments and rule.tier != self.tiers[0]:
                raise ValueError(
                    f"rules.{place}: {min(treatments)!r} raises the credit limit of customers of tier {rule.tier!r}; "
                    "if that is meant, say allow_raise: true in the treatment"
                )
        if self.negotiation and raising & {*self.negotiation.instead}:
            raise ValueError("negotiation.instead raises a credit limit; say allow_raise: true if that is meant")
        return self

    @model_validator(mode="after")
    def _no_must_is_beyond_its_own_limit(self) -> Policy:
        for name in {name for rule in self.rules for name in rule.must}:
            one, role = self.treatments[name], self.limits.roles.get(self.treatments[name].owner, RoleLimit())
            for limit, where in (
                (self.limits.budget, "limits.budget"),
                (role.budget, f"limits.roles.{one.owner}.budget"),
            ):
                if limit is not None and isinstance(one.cost, float) and one.cost > limit:
                    raise ValueError(
                        f"{where} is {limit:g}, and {name!r}, which must be done, costs {one.cost:g} a customer"
                    )
        return self

    def group_of(self, column: str) -> str:
        """Return the reason that a column gives: the first group with its name, or else with a pattern of it.

        >>> said = {"liquidity": {"columns": ["income_*"]}, "market": {"columns": ["income_of_branch"]}}
        >>> groups = {name: ReasonConfig.model_validate(one) for name, one in said.items()}
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
        """Return a tier in words: its name where the policy says none."""
        return in_language(self.tier_titles[name], language) if name in self.tier_titles else name

    def reason_title(self, name: str, language: Language) -> str:
        """Return a reason in words: its name where the policy says none."""
        title = self.reasons[name].title if name in self.reasons else None
        if title:
            return in_language(title, language)
        return label("reason", name, language) if name == OTHER else name

    def treatment_title(self, name: str, language: Language) -> str:
        """Return a treatment in words: its name where the policy does not know it any more."""
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
        When the file cannot be read, is no YAML mapping, or says something unknown or impossible.
    """
    path = Path(path)
    return policy_of(yaml_mapping(path, "policy"), where=str(path))


def policy_of(raw: Mapping[str, Any], *, where: str = "the policy") -> Policy:
    """Return the policy that plain values say.

    Raises
    ------
    ConfigError
        When it says something unknown or impossible; every such key is named.
    """
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(["the policy says something that is not understood", *map(one_line, error.errors())]),
            where=where,
            fix="correct the keys named above; docs/policy.md explains each",
        ) from None


def _known(names: Sequence[str], known: Sequence[str] | Mapping[str, Any], where: str, what: str) -> None:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {preview(known)}"
            raise ValueError(f"{where}: there is no {what} {name!r}; {hint}")


def policy_columns(policy: Policy) -> Iterator[str]:
    """Yield the columns of a book that a policy's expressions read; some may come twice."""
    amounts = (policy.amounts.exposure, policy.amounts.loss_given_default, policy.amounts.value)
    texts = [*amounts, *(one.cost for one in policy.treatments.values())]
    texts += [one.only for one in policy.treatments.values()]
    texts += [rule.when for rule in (policy.without_model.rules if policy.without_model else ())]
    if policy.negotiation:
        texts.append(policy.negotiation.only)
    for text in texts:
        if isinstance(text, str):
            yield from parse(text).columns
