"""Alerts as signed JSON by POST, as the Standard Webhooks specification has it.

https://github.com/standard-webhooks/standard-webhooks: the signature is HMAC-SHA256 over ``id.timestamp.body``. The id,
which is also the ``Idempotency-Key``, stays the same when a parcel is tried again; timestamp and signature are new.
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
from riskml.warning.delivery.channel import DeliveryError, Notice, Parcel, secret

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_AGAIN = {408, 425, 429}  # and 5xx: the request may be taken later


class _LaterError(Exception):
    """The other side may take the request when it is tried again; the text tells why, without the URL."""


class Webhook:
    """A `Channel` to a URL."""

    name = "webhook"

    def __init__(
        self, delivery: WebhookDelivery, clock: Callable[[], float], pause: Callable[[float], None] = sleep
    ) -> None:
        self._delivery, self._clock, self._pause = delivery, clock, pause
        self._secret = _key(secret(delivery.secret_env, "delivery.webhook.secret_env"))
        where = "delivery.webhook.url"
        self._url = SecretStr(_VARIABLE.sub(lambda match: environment_variable(match[1], where), delivery.url))
        try:
            check_url(self._url.get_secret_value())
        except ValueError as error:
            raise InputError(str(error), where="delivery.webhook.url") from None
        self._host = urlsplit(self._url.get_secret_value()).hostname or ""

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return the events in parcels of ``batch``, in order."""
        size = self._delivery.batch
        return [Parcel.of(self.name, self.name, notices[at : at + size]) for at in range(0, len(notices), size)]

    def deliver(self, parcel: Parcel, at: float) -> None:
        """POST a parcel; try again after a time-out, a broken connection, 408, 425, 429 or 5xx."""
        body = json.dumps(
            {"type": "riskml.alerts", "id": parcel.key, "events": json.loads(parcel.payload())},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        tries = Retrying(
            stop=stop_after_attempt(self._delivery.attempts),
            wait=wait_exponential(multiplier=0.5, max=30) + wait_random(0, 1),
            retry=retry_if_exception_type(_LaterError),
            sleep=self._pause,
        )
        try:
            with httpx.Client(timeout=self._delivery.timeout_seconds, follow_redirects=False) as client:
                tries(self._post, client, parcel.key, body)
        except RetryError as error:
            raise DeliveryError(
                f"the webhook failed {self._delivery.attempts} times: {error.last_attempt.exception()}",
                where=self._host,
                fix="they are kept, and sent with the next `riskml alerts send`",
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
        if code in _AGAIN or code >= 500:
            raise _LaterError(f"it answered {code}")
        if not 200 <= code < 300:
            raise DeliveryError(
                f"the webhook refused the alerts: it answered {code}",
                where=self._host,
                fix="check its address and the signing secret; they are kept until it takes them",
                all_of_them=code in (301, 302, 307, 308, 401, 403, 404, 405, 410),
            )


def signature(key: SecretStr, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message: ``v1,`` and the HMAC-SHA256 in base64.

    Examples
    --------
    The vector that the implementations of the specification share.

    >>> signature(SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
    ...           b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    text = key.get_secret_value()
    raw = base64.b64decode(text.removeprefix("whsec_")) if text.startswith("whsec_") else text.encode()
    signed = hmac.new(raw, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text.startswith("whsec_"):
        try:
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise InputError(
                "what follows whsec_ is no base64", where="delivery.webhook.secret_env", fix="set the secret anew"
            ) from None
    if len(text) < 16:
        raise InputError("the signing secret has fewer than 16 characters", where="delivery.webhook.secret_env")
    return secret
