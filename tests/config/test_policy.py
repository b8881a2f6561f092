"""What a policy file may say, and what is told to who says something else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from riskml.config.experiment import read_experiment
from riskml.config.policy import Policy, policy_of, read_policy
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError
from riskml.expressions import parse
from riskml.features.catalog import catalog
from riskml.policy.messages import Writer

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
POLICIES = sorted((EXPERIMENTS / "policies").glob("*.yaml"))


@pytest.fixture
def said() -> dict[str, Any]:
    """Return a policy of churn in as few words as may be."""
    offer = {"kind": "retention_offer", "title": "t", "owner": "sales", "deadline_days": 7, "cost": 5, "effect": 0.3}
    limit = {
        "kind": "credit_limit",
        "title": "t",
        "owner": "risk",
        "deadline_days": 7,
        "effect": 0.1,
        "change": "raised",
    }
    return {
        "name": "p",
        "task": "churn",
        "tiers": ["low", "high"],
        "amounts": {"value": 100},
        "reasons": {"price": {"columns": ["fee", "bill_*"]}},
        "treatments": {"offer": offer, "more": limit},
        "rules": [{"tier": "low"}, {"tier": "high", "may": ["offer"]}],
        "limits": {"roles": {"sales": {"hours": 10}}},
    }


def changed(said: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Set a key, given with dots, or take it out when the value is None."""
    *parts, last = key.split(".")
    place: Any = said
    for part in parts:
        place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return said


@pytest.mark.parametrize("file", POLICIES, ids=lambda file: file.stem)
def test_each_policy_of_the_kit_is_for_the_tiers_and_task_of_its_experiment(file):
    policy, experiment = read_policy(file), read_experiment(EXPERIMENTS / file.name)
    policy.check_tiers([tier.name for tier in experiment.tiers])
    assert policy.task == experiment.task
    for language in ("en", "zh"):
        Writer(policy, language).check()


def expression_columns(policy):
    """Yield the columns that a policy's expressions read."""
    texts = [policy.amounts.exposure, policy.amounts.loss_given_default, policy.amounts.value]
    texts += [text for treatment in policy.treatments.values() for text in (treatment.cost, treatment.only)]
    texts += [rule.when for rule in (policy.without_model.rules if policy.without_model else ())]
    texts += [policy.negotiation.only] if policy.negotiation else []
    for text in texts:
        if isinstance(text, str):
            yield from parse(text).columns


@pytest.mark.parametrize("file", POLICIES, ids=lambda file: file.stem)
def test_each_policy_of_the_kit_reads_columns_that_its_table_has(file):
    policy, experiment = read_policy(file), read_experiment(EXPERIMENTS / file.name)
    if experiment.panel is None:
        columns = set(read_table(experiment.data.source).columns)
    else:
        columns = {row["column"] for row in catalog(experiment.panel).descriptions()}
    made = {"exposure", "value", "expected_loss", "probability"}
    assert set(expression_columns(policy)) <= columns | made
    for name, reason in policy.reasons.items():
        for pattern in reason.columns:
            assert any(policy.group_of(column) == name for column in columns if fnmatchcase(column, pattern)), pattern


def test_the_smallest_policy_can_be_read(said):
    assert policy_of(said).rule_of("high", "price") == 1


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("rules.1.tier", "hihg", "did you mean 'high'"),
        ("rules.1.may", ["ofer"], "did you mean 'offer'"),
        ("rules.1.reasons", ["prise"], "did you mean 'price'"),
        ("rules.1.reasons", ["price"], "none is for tier 'high' and reason 'other'"),
        ("rules", [{"tier": "low"}], "none is for tier 'high'"),
        ("rules", [{"tier": "low"}, {"tier": "high"}, {"tier": "high"}], "two of them are for all reasons"),
        ("rules.0.reasons", ["price", "price"], "named twice"),
        (
            "rules",
            [
                {"tier": "low"},
                {"tier": "high"},
                {"tier": "high", "reasons": ["price"]},
                {"tier": "high", "reasons": ["price"]},
            ],
            "two of them are for tier 'high' and reason 'price'",
        ),
        ("rules.1.must", ["offer"], "named twice"),
        ("tiers", ["low", "high", "low"], "named twice"),
        ("treatments.offer.owner", "marketing", "sales"),
        ("limits.roles.marketing", {"hours": 3}, "sales"),
        ("treatments.offer.effect", 1.5, "less than or equal to 1"),
        ("treatments.offer.cost", -1, "at least 0"),
        ("treatments.offer.cost", "income +", "cannot be read"),
        ("treatments.offer.only", "exec('x')", "unknown function"),
        ("treatments.offer.keeps", 0.1, "use effect"),
        ("treatments.offer.template", "t", "needs a channel"),
        ("treatments.offer.change", "lowered", "credit_limit"),
        ("treatments.offer.kind", "contact", "needs a channel"),
        ("treatments.offer.kind", "education", "topic is required for education"),
        ("treatments.offer.surprise", 1, "unknown key"),
        ("reasons.other", {"columns": ["x"]}, "remove it"),
        ("reasons.service", {"columns": ["fee"]}, "'fee' is named twice"),
        ("amounts.value", None, "task churn needs value"),
        ("task", "default", "needs exposure and loss_given_default"),
        ("rules.1.may", ["more"], "raises the credit limit"),
        ("limits.budget", -1, "greater than or equal to 0"),
        ("messages.fields", ["a b"], "rename the column"),
        ("messages.fields", ["due"], "already"),
        ("negotiation", {"only": "value > 9", "never": ["offer"], "instead": ["offer"]}, "in never and in instead"),
        ("negotiation", {"only": "value > 9", "never": ["offer"], "instead": ["x"]}, "no treatment 'x'"),
        (
            "without_model",
            {"rules": [{"when": "a > 1", "tier": "x", "reason": "price", "probability": 0.1}], "otherwise": 0},
            "no tier",
        ),
        ("hold_out", {"share": 1.0}, "less than 1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(said, key, value, told):
    with pytest.raises(ConfigError, match=told):
        policy_of(changed(said, key, value))


def test_what_must_be_done_is_not_dearer_than_its_budget(said):
    said["rules"][1] = {"tier": "high", "must": ["offer"]}
    with pytest.raises(ConfigError, match=r"limits.budget is 4.*costs 5"):
        policy_of(changed(said, "limits.budget", 4))
    said["limits"] = {"roles": {"sales": {"budget": 3}}}
    with pytest.raises(ConfigError, match="roles.sales.budget is 3"):
        policy_of(said)


def test_a_limit_is_raised_for_the_safest_or_where_it_is_meant(said):
    assert policy_of(changed(said, "rules.0.may", ["more"]))
    changed(said, "treatments.more.allow_raise", True)
    assert policy_of(changed(said, "rules.1.may", ["more"]))


def test_a_policy_for_other_tiers_is_told(said):
    with pytest.raises(ConfigError, match="same tiers"):
        policy_of(said).check_tiers(["low", "medium", "high"])


def test_a_file_that_says_a_key_twice_is_refused_with_the_line(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("name: a\ntask: churn\nname: b\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="(?s)duplicate key 'name'.*line 3"):
        read_policy(file)


@pytest.mark.parametrize("text", ["- a\n", "a: [", ""])
def test_a_file_that_is_no_policy_is_refused(tmp_path, text):
    file = tmp_path / "p.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="policy file"):
        read_policy(file)


def test_a_policy_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        read_policy(tmp_path / "none.yaml")


def test_a_policy_survives_being_written_and_read():
    policy = read_policy(POLICIES[0])
    assert Policy.model_validate(yaml.safe_load(yaml.safe_dump(policy.model_dump(mode="json")))) == policy
