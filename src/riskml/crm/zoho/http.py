"""Calls of Zoho's REST API."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from riskml.crm.connector import CrmError, LimitReached, LoginRefused, Passing, Refused, Unreachable
from riskml.crm.http import Answer, ApiCalls, Backoff, Clock, parsed
from riskml.crm.settings import ZohoSettings, secure_url

_TOKENS, _TOKEN_SECONDS = 10, 600.0  # refreshes that Zoho allows a refresh token, in so many seconds
_EARLY = 60.0  # a token is renewed so many seconds before it ends


class Throttled(Passing):
    """429: too many calls at once, or the credits of the day are spent. Zoho reports neither which nor for how long."""


class ZohoCalls(ApiCalls):
    """Calls of Zoho."""

    def __init__(self, settings: ZohoSettings, clock: Clock, *, attempts: int = 8, wait: Backoff | None = None) -> None:
        super().__init__(settings.secrets, settings.timeout_seconds, clock, attempts=attempts, wait=wait)
        self.settings, self._api = settings, ""
        self._refreshed: deque[float] = deque(maxlen=_TOKENS)

    @property
    def host(self) -> str:
        """The host of the API, which comes with the token."""
        return urlsplit(self._api).netloc

    def request(
        self, method: str, path: str, *, again: bool = True, headers: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        """Return the answer to a call that was accepted: 2xx, 304, or 400 with an outcome for each row."""

        def send(url: str, own: dict[str, str]) -> Answer:
            return self.caller.send(method, url, headers=own | (headers or {}), **options)

        return self._limited(lambda: self._with_token(path, send), again=again)

    def download(self, url: str, into: Any) -> None:
        """Write a result into a file, from its beginning."""

        def once() -> Answer:
            into.seek(0)
            into.truncate()
            return self._with_token(url, lambda full_url, headers: self.caller.download(full_url, headers, into))

        self._limited(once)

    def _limited(self, call: Callable[[], Answer], *, again: bool = True) -> Answer:
        try:
            return self.persistently(call, again=again)
        except Throttled as error:
            if not again:
                raise
            fix = "run again later: the credits of 24 hours may be spent"
            raise LimitReached(error.what, where=error.where, fix=fix) from None

    def _with_token(self, path: str, call: Callable[[str, dict[str, str]], Answer]) -> Answer:
        token = self.token()
        answer = call(self._url(path), _header(token))
        if answer.status_code == 401 and _code(answer) == "INVALID_TOKEN":
            token = self.token(instead_of=token)
            answer = call(self._url(path), _header(token))
        return self._accepted(answer, path)

    def _url(self, path: str) -> str:
        if not path.startswith("http"):
            return self._api + path
        if urlsplit(path)[:2] != urlsplit(self._api)[:2]:  # the token is sent to no other host
            raise self.caller.error("Zoho names another host to call", path)
        return path

    def _accepted(self, answer: Answer, path: str) -> Answer:
        status, payload = answer.status_code, parsed(answer)
        if status in (204, 304) or (status < 300 and (payload is not None or not _is_text(answer))):
            return answer
        if status == 400 and isinstance(payload, dict) and isinstance(payload.get("data"), list):
            return answer
        if status == 429:
            raise Throttled("Zoho takes no more calls: 429", where=path)
        if status >= 500 or status < 300:
            what = "a page instead of JSON" if payload is None else f"{_code(answer)}"
            raise self.caller.trouble(f"Zoho answers {status}: {what}", path)
        message = payload.get("message", "") if isinstance(payload, dict) else ""
        what = f"Zoho refuses: {status} {_code(answer)} {message}".strip()
        if status == 401:
            raise LoginRefused(self.caller.clean(what), where=path, fix=_FIX.get(_code(answer), _FIX["token"]))
        raise Refused(self.caller.clean(what), where=path, fix=_FIX.get(_code(answer), ""), code=_code(answer))

    def _renew(self) -> None:
        now, url = self.clock.now(), f"{self.settings.accounts_url}/oauth/v2/token"
        if len(self._refreshed) == _TOKENS and now - self._refreshed[0] < _TOKEN_SECONDS:
            raise _no_more_tokens(url)
        form = {
            "grant_type": "refresh_token",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret.get_secret_value(),
            "refresh_token": self.settings.refresh_token.get_secret_value(),
        }
        self._refreshed.append(now)
        try:
            answer = self.caller.send("POST", url, data=form)
        except Unreachable:  # the call was not made
            self._refreshed.pop()
            raise
        payload = parsed(answer)
        token = payload.get("access_token") if isinstance(payload, dict) else None
        if not token:
            raise self._no_token(answer, payload, url)
        try:
            self._api = secure_url(payload.get("api_domain", ""))
        except ValueError as error:
            raise self.caller.error(f"Zoho names no domain to call: {error}", url) from None
        self._token, self._until = token, now + float(payload.get("expires_in", 3600)) - _EARLY

    def _no_token(self, answer: Answer, payload: Any, url: str) -> CrmError:
        status = answer.status_code
        if status >= 500 or (status < 300 and not isinstance(payload, dict)):
            return self.caller.trouble(f"Zoho gives no token: {status}", url)
        if status >= 400 and isinstance(payload, dict):
            return _no_more_tokens(url)
        reason = payload.get("error", "unknown") if isinstance(payload, dict) else f"{status}, a page instead of JSON"
        what = self.caller.clean(f"Zoho gives no token: {reason}")
        return LoginRefused(what, where=self.caller.clean(url), fix=_FIX["token"])


_FIX = {
    "token": "check the client, its secret, the refresh token and the account's data centre (accounts_url)",
    "OAUTH_SCOPE_MISMATCH": "create a new refresh token with the scopes of docs/crm.md",
    "NO_PERMISSION": "give the user of the refresh token this permission",
    "INVALID_MODULE": "correct the object in the mapping",
    "INVALID_QUERY": "check with `riskml crm check` that the object and its key field exist",
}


def _no_more_tokens(url: str) -> LimitReached:
    return LimitReached("Zoho gives at most ten tokens in ten minutes", where=url, fix="run again in ten minutes")


def _header(token: str) -> dict[str, str]:
    return {"Authorization": f"Zoho-oauthtoken {token}"}


def _code(answer: Answer) -> str:
    payload = parsed(answer) if _is_text(answer) else None
    return str(payload.get("code", "")) if isinstance(payload, dict) else ""


def _is_text(answer: Answer) -> bool:
    kind = str(answer.headers.get("content-type", ""))
    return "json" in kind or "html" in kind or "text/plain" in kind
