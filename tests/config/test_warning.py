"""Rules of early warning: read strictly, and refused with the key that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from riskml.config.warning import WarningRules, read_rules
from riskml.errors import ConfigError

PROJECT = Path(__file__).parents[2]
INDICATOR = {"title": "late", "value": "days_late", "amber": 10, "red": 30, "role": "finance", "plan": "call"}
MAIL = {"host": "mail.example.com", "sender": "riskml@example.com", "to": {"finance": ["ar@example.com"]}}


def refused(tmp_path: Path, **changes: Any) -> str:
    said = {"name": "small", "title": "Signs", "indicators": {"late": INDICATOR}, **changes}
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(said))
    with pytest.raises(ConfigError) as caught:
        read_rules(file)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["book_default", "credit_default", "crm_default", "telco_churn"])
def test_the_shipped_rules_are_understood_and_belong_to_an_experiment(name: str) -> None:
    rules = read_rules(PROJECT / "experiments" / "warnings" / f"{name}.yaml")
    experiment = yaml.safe_load((PROJECT / "experiments" / f"{name}.yaml").read_text())
    assert rules.name == name
    assert not rules.tiers or list(rules.tiers) == [tier["name"] for tier in experiment["tiers"]]


def test_rules_written_out_are_the_same_rules(tmp_path: Path) -> None:
    rules = read_rules(PROJECT / "experiments" / "warnings" / "book_default.yaml")
    again = tmp_path / "again.yaml"
    again.write_text(rules.to_yaml())
    assert read_rules(again).digest() == rules.digest()


def test_the_digest_knows_thresholds_and_not_the_delivery() -> None:
    said = {"name": "small", "title": "Signs", "indicators": {"late": INDICATOR}}
    rules = WarningRules.model_validate(said)
    told = WarningRules.model_validate({**said, "delivery": {"mail": MAIL}})
    stricter = WarningRules.model_validate({**said, "indicators": {"late": {**INDICATOR, "amber": 9}}})
    assert told.digest() == rules.digest()
    assert stricter.digest() != rules.digest()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": "boss"}, "indicators.late.role"),
        ({"amber": 40}, "red (30) must lie beyond amber (40)"),
        ({"amber": None, "red": None}, "set amber, red or both"),
        ({"value": "__import__('os')"}, "indicators.late.value"),
        ({"where": "segment =! 'key'"}, "indicators.late.where"),
        ({"measure": "rise", "worse": "lower"}, "use fall or decline for a change"),
        ({"persistence": {"dates": 3, "of": 2}}, "must not exceed of (2)"),
        ({"value": "tier_number"}, "needs tiers"),
        ({"threshold": 1}, "indicators.late.threshold: unknown key"),
    ],
)
def test_an_indicator_that_makes_no_sense(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    assert told in refused(tmp_path, indicators={"late": {**INDICATOR, **change}})


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        ({"amber": "latte >= 1"}, "reads 'latte', which is not an indicator"),
        ({"amber": 3, "red": 2}, "alerts.red must not lie below alerts.amber"),
        ({"at_most": 0}, "alerts.at_most"),
        ({"escalation": {"to": "the boss"}}, "'the boss' is none of sales, finance, service, risk"),
    ],
)
def test_a_combination_that_makes_no_sense(tmp_path: Path, alerts: dict[str, Any], told: str) -> None:
    assert told in refused(tmp_path, alerts=alerts)


def test_a_role_without_an_address_is_refused_before_an_alert_is_lost(tmp_path: Path) -> None:
    mail = {**MAIL, "to": {"risk": ["risk@example.com"]}}
    assert "delivery.mail.to has no address for finance" in refused(tmp_path, delivery={"mail": mail})


@pytest.mark.parametrize(
    ("delivery", "told"),
    [
        ({"mail": {**MAIL, "security": "none", "user": "ann"}}, "would send the password unencrypted"),
        ({"mail": {**MAIL, "sender": "a@b.c>\nBcc: all@example.com"}}, "delivery.mail.sender"),
        ({"mail": {**MAIL, "password": "hunter2"}}, "delivery.mail.password: unknown key"),
        ({"webhook": {"url": "http://hooks.example.com/x"}}, "must begin with https://"),
        ({"webhook": {"url": "https://ann:pw@hooks.example.com/x"}}, "the URL holds a password"),
    ],
)
def test_a_delivery_that_would_give_secrets_away(tmp_path: Path, delivery: dict[str, Any], told: str) -> None:
    assert told in refused(tmp_path, delivery=delivery)


def test_the_folder_of_the_tables_is_found_beside_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "warnings" / "rules.yaml"
    file.parent.mkdir()
    said = {"name": "small", "title": "Signs", "indicators": {"late": INDICATOR}}
    file.write_text(yaml.safe_dump({**said, "delivery": {"table": {"folder": "../lists"}}}))
    table = read_rules(file).delivery.table
    assert table is not None
    assert table.folder == str(tmp_path / "lists")
