"""Rules, policies, mappings and settings: files that officers and administrators write by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from riskml.config.policy import read_policy
from riskml.crm.settings import read_settings
from tests.hostile.bases import mapping, policy, rules
from tests.hostile.case import SECRET, Case

SCORED = "customer,probability,tier\nc1,0.7,high\nc2,0.1,low\n"
UPDATE = ["alerts", "update", "r.yaml", "--book", "s.csv", "--as-of", "2026-01-31", "--store", "a.db"]
_WRONG = {
    "a date that is none": "2024-13-45", "code": "!!python/object/apply:os.system ['touch pwned']", "not a number": ".nan",
    "infinite": ".inf", "deep nesting": "[" * 3000 + "]" * 3000, "5,000 digits": "9" * 5000, "a nested list": "[[1]]",
}  # fmt: skip
_RULES = (
    "name", "indicators", "indicators.i1.amber", "indicators.i1.weight", "indicators.i1.role", "alerts.amber", "alerts.at_most",
    "alerts.cooldown_days", "delivery.mail.port", "delivery.webhook.batch",
)  # fmt: skip
_POLICY = ("name", "tiers", "hysteresis", "amounts.loss_given_default", "treatments", "rules", "negotiation.only")
_MAPPING = ("system", "timezone", "tables", "tables.customers", "tables.customers.columns", "scores")
_SETTINGS = {
    "a date that is none": f"client_id: 2024-13-45\nclient_secret: {SECRET}\n",
    "not closed": f"client_id: [x\nclient_secret: {SECRET}\n",
    "a list": f"[{SECRET}]",
    "an unknown key": f"client_id: x\npassword: {SECRET}\n",
    "a number too few": f"client_id: ''\nclient_secret: {SECRET}\nrefresh_token: {SECRET}\n",
    "a list as secret": f"client_id: x\nclient_secret: [{SECRET}]\nrefresh_token: {SECRET}\n",
    "plain http": f"client_id: x\nclient_secret: {SECRET}\nrefresh_token: x\naccounts_url: 'http://u:{SECRET}@example.com'\n",
    "code": "client_id: !!python/object/apply:os.system ['touch pwned']\n",
    "no UTF-8": b"client_id: \xff\nclient_secret: HUNTER2\n",
    "NUL": f"client_id: \0\nclient_secret: {SECRET}\n",
    "an alias bomb": "a: &a [x]\n" + "".join(f"b{i}: &b{i} [{f'*b{i - 1},' * 9 if i else '*a'}]\n" for i in range(9)),
}  # fmt: skip


def _settings(folder: Path) -> object:
    return read_settings("zoho", {}, folder / "s.yaml")


def _private(folder: Path) -> None:
    (folder / "s.yaml").chmod(0o600)


def _policy(folder: Path) -> object:
    return read_policy(folder / "p.yaml")


def cases() -> Iterator[Case]:
    """Return the cases."""

    def of(
        kind: str, keys: tuple[str, ...], text: Callable[[str, str], str], call: object, file: str
    ) -> Iterator[Case]:
        for key in keys:
            for name, value in _WRONG.items():
                files = {file: text(key, value), "s.csv": SCORED}
                yield Case("settings", f"{kind}, {key}: {name}", call, files)  # type: ignore[arg-type]

    yield from of("rules", _RULES, rules, UPDATE, "r.yaml")
    yield from of("policy", _POLICY, policy, _policy, "p.yaml")
    yield from of("mapping", _MAPPING, mapping, ["crm", "pull", "m.yaml", "o"], "m.yaml")
    for name, content in _SETTINGS.items():
        yield Case("settings", f"settings: {name}", _settings, {"s.yaml": content}, prepare=_private)
    yield Case(
        "settings", "settings: for all to read", _settings, {"s.yaml": f"client_secret: {SECRET}"}, message="chmod 600"
    )
