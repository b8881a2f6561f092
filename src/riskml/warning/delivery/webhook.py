"""Webhook: alerts as signed JSON by POST, per the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks: the signature is HMAC-SHA256 over ``id.timestamp.body``. The ID
is also the ``Idempotency-Key``; it is the same for every attempt, with a new timestamp and signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random
from tenacity.nap import sleep

from riskml.config.warning import WebhookDelivery, check_url
from riskml.errors import InputError
from riskml.io import environment_variable
from riskml.warning.delivery.channel import DeliveryError, Notice, Parcel

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TEMPORARY = {408, 425, 429}  # and 5xx


class _LaterError(Exception):
    """A temporary error; the message has no URL."""


class Webhook:
    """A `Channel` to a URL."""

    name = "webhook"

    def __init__(
        self, delivery: WebhookDelivery, clock: Callable[[], float], pause: Callable[[float], None] = sleep
    ) -> None:
        self._delivery, self._clock, self._pause = delivery, clock, pause
        self._secret = _signing_secret(delivery.secret_env)
        where = "delivery.webhook.url"
        url = _VARIABLE.sub(lambda match: environment_variable(match[1], where), delivery.url)
        try:
            check_url(url)
        except ValueError as error:
            raise InputError(str(error), where=where) from None
        self._url, self._host = SecretStr(url), urlsplit(url).hostname or ""

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return the notices in parcels of ``batch``, in order."""
        size = self._delivery.batch
        return [Parcel.of(self.name, self.name, notices[at : at + size]) for at in range(0, len(notices), size)]

    def deliver(self, parcel: Parcel, at: float) -> None:
        """POST a parcel, with retries after a timeout, a broken connection, 408, 425, 429 or 5xx."""
        body = json.dumps(
            {"type": "riskml.alerts", "id": parcel.key, "events": json.loads(parcel.payload())},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        retrying = Retrying(
            stop=stop_after_attempt(self._delivery.attempts),
            wait=wait_exponential(multiplier=0.5, max=30) + wait_random(0, 1),
            retry=retry_if_exception_type(_LaterError),
            sleep=self._pause,
        )
        try:
            with httpx.Client(timeout=self._delivery.timeout_seconds, follow_redirects=False) as client:
                retrying(self._post, client, parcel.key, body)
        except RetryError as error:
            raise DeliveryError(
                f"the webhook failed {self._delivery.attempts} times: {error.last_attempt.exception()}",
                where=self._host,
                fix="the next `riskml alerts send` sends the alerts again",
                all_of_them=True,
            ) from None

    def _post(self, client: httpx.Client, key: str, body: bytes) -> None:
        stamp = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(self._secret, key, stamp, body),
        }
        try:
            code = client.post(self._url.get_secret_value(), content=body, headers=headers).status_code
        except httpx.HTTPError as error:
            raise _LaterError(type(error).__name__) from None  # its text may show the URL
        if code in _TEMPORARY or code >= 500:
            raise _LaterError(f"status {code}")
        if not 200 <= code < 300:
            raise DeliveryError(
                f"the webhook refused the alerts: status {code}",
                where=self._host,
                fix="check the URL and the signing secret; the alerts are kept",
                all_of_them=code in (301, 302, 307, 308, 401, 403, 404, 405, 410),
            )


def signature(key: SecretStr, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message: ``v1,`` and the HMAC-SHA256 in base64."""
    text = key.get_secret_value()
    raw = base64.b64decode(text.removeprefix("whsec_")) if text.startswith("whsec_") else text.encode()
    signed = hmac.new(raw, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _signing_secret(variable: str) -> SecretStr:
    where = "delivery.webhook.secret_env"
    text = environment_variable(variable, where)
    if text.startswith("whsec_"):
        try:
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise InputError("the secret after whsec_ is not base64", where=where, fix="set a new secret") from None
    if len(text) < 16:
        raise InputError("the signing secret has fewer than 16 characters", where=where)
    return SecretStr(text)
