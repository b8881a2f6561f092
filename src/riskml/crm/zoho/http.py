"""Calls of Zoho's REST API: one token for all threads, refreshed once; what passes is tried again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from riskml.crm.connector import CrmError, LimitReached, LoginRefused, Passing, Unreachable
from riskml.crm.http import Answer, Backoff, Caller, Clock, parsed, persistently
from riskml.crm.settings import ZohoSettings, secure_url

_TOKENS, _TOKEN_SECONDS = 10, 600.0  # refreshes that Zoho allows a refresh token, in so many seconds
_EARLY = 60.0  # a token is renewed so many seconds before it ends


class Throttled(Passing):
    """429: too many at once, or the day's credits are spent. Zoho does not say which, nor for how long."""


class ZohoCalls:
    """The way to Zoho."""

    def __init__(self, settings: ZohoSettings, clock: Clock, *, attempts: int = 8, wait: Backoff | None = None) -> None:
        self.clock, self.settings = clock, settings
        self.attempts, self.wait = attempts, wait or Backoff()
        self._token, self._api, self._until = "", "", 0.0
        self._refreshed: deque[float] = deque(maxlen=_TOKENS)
        self._lock = threading.Lock()
        self.caller = Caller(settings.timeout_seconds, lambda: [*settings.secrets(), self._token])

    @property
    def host(self) -> str:
        """The host of the API, as Zoho named it with the token."""
        return urlsplit(self._api).netloc

    def request(self, method: str, path: str, *, again: bool = True, **what: Any) -> Answer:
        """Return the answer to a call that was understood: 2xx, 304, or 400 with a verdict for each row."""
        return self._persistently(lambda: self._once(method, path, what), again=again)

    def download(self, url: str, into: Any) -> None:
        """Write a result into a file, from its beginning."""

        def once() -> Answer:
            into.seek(0)
            into.truncate()
            return self._with_token(url, lambda whole, headers: self.caller.download(whole, headers, into))

        self._persistently(once)

    def _persistently(self, call: Callable[[], Answer], *, again: bool = True) -> Answer:
        try:
            return persistently(call, self.clock, attempts=self.attempts if again else 1, wait=self.wait)
        except Throttled as error:
            if not again:
                raise
            raise LimitReached(
                error.what, where=error.where, fix="the credits of 24 hours may be spent: run again later"
            ) from None

    def _once(self, method: str, path: str, what: dict[str, Any]) -> Answer:
        own = what.get("headers", {})
        rest = {name: value for name, value in what.items() if name != "headers"}
        return self._with_token(path, lambda url, headers: self.caller.send(method, url, headers=headers | own, **rest))

    def _with_token(self, path: str, call: Callable[[str, dict[str, str]], Answer]) -> Answer:
        token = self.token()
        answer = call(self._url(path), _header(token))
        if answer.status_code == 401 and _code(answer) == "INVALID_TOKEN":
            token = self.token(instead_of=token)
            answer = call(self._url(path), _header(token))
        return self._judged(answer, path)

    def _url(self, path: str) -> str:
        if not path.startswith("http"):
            return self._api + path
        if urlsplit(path)[:2] != urlsplit(self._api)[:2]:  # the token goes to nobody else
            raise self.caller.error("Zoho names another host to call", path)
        return path

    def _judged(self, answer: Answer, path: str) -> Answer:
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
        what = f"Zoho refuses: {status} {_code(answer)} {_message(payload)}".strip()
        if status == 401:
            raise LoginRefused(self.caller.clean(what), where=path, fix=_FIX.get(_code(answer), _FIX["token"]))
        raise ZohoRefused(self.caller.clean(what), where=path, fix=_FIX.get(_code(answer), ""), code=_code(answer))

    def token(self, *, instead_of: str = "") -> str:
        """Return the token, refreshed where it ended or where the server does not take it any more."""
        with self._lock:
            held = self._token and self.clock.now() < self._until and self._token != instead_of
            if not held:
                persistently(self._refresh, self.clock, attempts=self.attempts, wait=self.wait)
            return self._token

    def _refresh(self) -> None:
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
        except Unreachable:  # Zoho does not know that it was asked
            self._refreshed.pop()
            raise
        payload = parsed(answer)
        token = payload.get("access_token") if isinstance(payload, dict) else None
        if not token:  # the text is in the language of the account, so the token alone tells
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
        why = (
            payload.get("error", "no reason told") if isinstance(payload, dict) else f"{status}, a page instead of JSON"
        )
        what = self.caller.clean(f"Zoho gives no token: {why}")
        return LoginRefused(what, where=self.caller.clean(url), fix=_FIX["token"])


class ZohoRefused(CrmError):
    """A refusal with its code."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", code: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code


_FIX = {
    "token": "check the client, its secret, the refresh token and the account's data centre (accounts_url)",
    "OAUTH_SCOPE_MISMATCH": "make the refresh token anew, with the scopes that docs/crm.md lists",
    "NO_PERMISSION": "give the user of the refresh token this permission",
    "INVALID_MODULE": "correct the object in the mapping",
    "INVALID_QUERY": "see with `riskml crm check` whether the object and its key field are there",
}


def _no_more_tokens(url: str) -> LimitReached:
    return LimitReached("Zoho gives ten tokens in ten minutes, and no more", where=url, fix="run again in ten minutes")


def _header(token: str) -> dict[str, str]:
    return {"Authorization": f"Zoho-oauthtoken {token}"}


def _code(answer: Answer) -> str:
    payload = parsed(answer) if _is_text(answer) else None
    return str(payload.get("code", "")) if isinstance(payload, dict) else ""


def _message(payload: Any) -> str:
    return str(payload.get("message", "")) if isinstance(payload, dict) else ""


def _is_text(answer: Answer) -> bool:
    kind = str(answer.headers.get("content-type", ""))
    return "json" in kind or "html" in kind or "text/plain" in kind
