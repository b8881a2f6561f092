"""Signed, retried, told apart by a key."""

from __future__ import annotations

import json

import httpx
import pytest
from pydantic import SecretStr

from riskml.config.warning import WarningRules, WebhookDelivery
from riskml.errors import InputError
from riskml.warning.daily import update
from riskml.warning.delivery.webhook import Webhook, signature
from riskml.warning.outbox import Sent, send
from riskml.warning.store import Store

from ..conftest import JANUARY, TODAY, Hook, book_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKML_WEBHOOK_SECRET", SECRET)


@pytest.fixture
def filled(store: Store, rules: WarningRules) -> Store:
    update(store, rules, book_of(**{f"客户{n}": (12, 0.1) for n in range(5)}), JANUARY, TODAY)
    return store


def sent(store: Store, hook: Hook, pauses: list[float] | None = None, **said: object) -> Sent:
    told = WebhookDelivery.model_validate({"url": hook.url, **said})
    waited = pauses if pauses is not None else []
    return send(store, "small", Webhook(told, lambda: NOW, waited.append), lambda: NOW)


def test_events_come_in_batches_each_signed_with_its_time_and_key(filled: Store, hook: Hook) -> None:
    assert sent(filled, hook, batch=2).parcels == 3
    assert len(hook.events()) == len(set(hook.events())) == 5
    for headers, body in hook.requests:
        assert headers["idempotency-key"] == headers["webhook-id"] == json.loads(body)["id"]
        assert headers["webhook-timestamp"] == str(int(NOW))
        expected = signature(SecretStr(SECRET), headers["webhook-id"], int(NOW), body)
        assert headers["webhook-signature"] == expected
    assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 3


def test_another_secret_body_time_or_id_makes_another_signature() -> None:
    made = {
        signature(SecretStr(SECRET), "a", 1, b"x"),
        signature(SecretStr("another secret text"), "a", 1, b"x"),
        signature(SecretStr(SECRET), "b", 1, b"x"),
        signature(SecretStr(SECRET), "a", 2, b"x"),
        signature(SecretStr(SECRET), "a", 1, b"y"),
    }
    assert len(made) == 5


def test_5xx_429_and_408_are_tried_again_with_the_same_key_after_growing_pauses(filled: Store, hook: Hook) -> None:
    hook.answers = [500, 429, 408]
    pauses: list[float] = []
    assert sent(filled, hook, pauses).waiting == 0
    assert len(hook.requests) == 1
    assert len(pauses) == 3
    assert pauses[2] > 1.5


def test_what_is_not_taken_is_kept_for_the_next_send(filled: Store, hook: Hook) -> None:
    hook.answers = [503] * 3
    first = sent(filled, hook, attempts=3, batch=2)
    assert (first.parcels, first.waiting) == (0, 3)
    assert "the webhook failed 3 times: status 503" in first.troubles[0]
    assert sent(filled, hook, batch=2).waiting == 0
    assert len(set(hook.events())) == 5


def test_a_refusal_is_not_tried_again_at_once(filled: Store, hook: Hook) -> None:
    hook.answers = [401]
    pauses: list[float] = []
    found = sent(filled, hook, pauses)
    assert (pauses, found.waiting) == ([], 1)
    assert "status 401" in found.troubles[0]


def test_a_redirect_is_a_refusal_and_is_not_followed(filled: Store, hook: Hook) -> None:
    hook.answers = [302]
    assert "status 302" in sent(filled, hook).troubles[0]
    assert not hook.requests


def test_no_message_and_no_store_shows_the_url_or_the_secret(
    filled: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise httpx.ConnectError(f"cannot connect to {hook.url}")

    monkeypatch.setattr(httpx.Client, "post", away)
    channel = Webhook(WebhookDelivery(url=hook.url, attempts=2), lambda: NOW, lambda _: None)
    found = send(filled, "small", channel, lambda: NOW)
    kept = "".join(path.read_bytes().decode("latin-1") for path in filled.path.parent.iterdir())
    for shown in (*found.troubles, repr(channel), repr(vars(channel)), kept):
        assert "verysecrettoken" not in shown.replace(repr(channel._delivery), "")
        assert SECRET not in shown


def test_a_url_from_the_environment_is_private_as_well(
    filled: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", hook.url)
    channel = Webhook(WebhookDelivery(url="${HOOK}"), lambda: NOW)
    assert "verysecrettoken" not in repr(vars(channel))
    assert send(filled, "small", channel, lambda: NOW).events == 5
    monkeypatch.setenv("HOOK", "http://elsewhere.example.com/")
    with pytest.raises(InputError, match="must begin with https://"):
        Webhook(WebhookDelivery(url="${HOOK}"), lambda: NOW)
    monkeypatch.delenv("HOOK")
    with pytest.raises(InputError, match="no variable 'HOOK'"):
        Webhook(WebhookDelivery(url="${HOOK}"), lambda: NOW)


@pytest.mark.parametrize(
    ("value", "told"), [("", "no variable"), ("short", "fewer than 16"), ("whsec_?", "not base64")]
)
def test_a_secret_that_is_missing_short_or_damaged(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("RISKML_WEBHOOK_SECRET", value)
    with pytest.raises(InputError, match=told):
        Webhook(WebhookDelivery(url="https://hooks.example.com/x"), lambda: NOW)
