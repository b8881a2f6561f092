"""Calls of Fxiaoke's open API, whose errors are HTTP 200 with an error code."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from riskml.crm.connector import CrmError, LimitReached, LoginRefused, Passing, Refused
from riskml.crm.http import RESUME, ApiCalls, Backoff, Clock, Window, parsed
from riskml.crm.settings import FxiaokeSettings

_SECONDS = 20.0  # in which each interface takes so many calls as were bought
_TOKEN_CALLS, _TOKEN_SECONDS = 10, 60.0
_KEPT = 6_600.0  # a token ends after 7,200 s at the latest
_INVALID_TOKEN = 20016
_BUSY = frozenset({-1, 50009})
_RATE = frozenset({30004, 14001})
_FIX = {
    20016: "check the application's id and user",
    20017: "check permanent_code, and authorize the application in Fxiaoke's administration",
    10006: "check app_secret",
}
_SPENT = {30002: "the calls of the day are spent: run again tomorrow", 30003: "buy the quota of this interface"}


class Answered(Passing):
    """A temporary refusal: the server answered, so nothing was done."""


class RateLimited(Answered):
    """Too many calls of an interface."""

    wait_seconds = _SECONDS


class _TokenEnded(Exception):
    pass


class FxiaokeCalls(ApiCalls):
    """Calls of Fxiaoke."""

    def __init__(
        self, settings: FxiaokeSettings, clock: Clock, *, attempts: int = 8, wait: Backoff | None = None
    ) -> None:
        super().__init__(settings.secrets, settings.timeout_seconds, clock, attempts=attempts, wait=wait)
        self.settings, self.enterprise, self._user = settings, "", settings.user
        self._windows: defaultdict[str, Window] = defaultdict(lambda: Window(settings.calls, _SECONDS, clock))
        self._token_window = Window(_TOKEN_CALLS, _TOKEN_SECONDS, clock)

    def call(self, path: str, body: dict[str, Any], *, again: bool = True) -> dict[str, Any]:
        """Return the answer to a successful call; ``again`` is False for one that must not be done twice."""
        if again:
            return self.persistently(lambda: self._with_token(path, body))
        for attempt in range(1, self.attempts):
            try:
                return self._with_token(path, body)
            except Answered as error:
                if error.exhausted:
                    raise
                self.clock.sleep(max(error.wait_seconds, self.wait.seconds(attempt)))
        return self._with_token(path, body)

    def _with_token(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = self.token()
        try:
            return self._once(path, body, token)
        except _TokenEnded:
            token = self.token(instead_of=token)
        try:
            return self._once(path, body, token)
        except _TokenEnded:
            raise self._refused({"errorCode": _INVALID_TOKEN, "errorMessage": "the token is refused"}, path) from None

    def _once(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        payload = self._windows[path](lambda: self._identified(path, body, token, self._user))
        code = payload["errorCode"]
        if code == 0:
            return payload
        if code == _INVALID_TOKEN:
            raise _TokenEnded
        raise self._refused(payload, path)

    def _identified(self, path: str, body: dict[str, Any], token: str, user: str) -> dict[str, Any]:
        """Return the answer to a call with the caller's identity; the user is empty until it is known."""
        if self.settings.auth == "new":
            headers = {"authorization": f"Bearer {token}", "x-fs-ea": self.enterprise}
            return self._post(path, body, headers | ({"x-fs-userid": user} if user else {}))
        identity = {"corpAccessToken": token, "corpId": self.enterprise}
        return self._post(path, body | identity | ({"currentOpenUserId": user} if user else {}), {})

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        url = self.settings.url + path
        answer = self.caller.send("POST", url, json=body, headers=headers)
        payload, status = parsed(answer), answer.status_code
        if answer.is_redirect or (not isinstance(payload, dict) and 400 <= status < 500 and status not in (408, 429)):
            raise LoginRefused(
                f"the host answers {status}: it is not that of the open API",
                where=self.caller.clean(url),
                fix="set url to https://open.fxiaoke.com, or to the open-… host of your cloud",
            )
        if not isinstance(payload, dict) or not isinstance(payload.get("errorCode"), int):
            raise self.caller.trouble(f"Fxiaoke answers {status} without an error code", url)
        return payload

    def _refused(self, payload: dict[str, Any], path: str, *, login: bool = False) -> CrmError:
        code = int(payload["errorCode"])
        text = self.caller.clean(str(payload.get("errorMessage", "")))
        what = f"Fxiaoke refuses: {code} {text}".strip()
        where = f"{path} (trace {payload.get('traceId', 'unknown')})"
        if code in _RATE:
            return RateLimited(what, where=where, fix=RESUME)
        if code in _BUSY:
            return Answered(what, where=where, fix=RESUME)
        if code in _FIX:
            return LoginRefused(what, where=where, fix=_FIX[code])
        if code in _SPENT:
            return LimitReached(what, where=where, fix=_SPENT[code])
        if login:
            return LoginRefused(what, where=where, fix="check the settings")
        return Refused(what, where=where, code=str(code))

    def _renew(self) -> None:
        settings, now = self.settings, self.clock.now()
        body = {
            "appId": settings.app_id,
            "appSecret": settings.app_secret.get_secret_value(),
            "permanentCode": settings.permanent_code.get_secret_value(),
        }
        if settings.auth == "new":
            path = f"/oauth2.0/token?thirdTraceId={uuid.uuid4()}"
            body |= {"grantType": "app_secret"}
            names = ("accessToken", "ea")
        else:
            path, names = "/cgi/corpAccessToken/get/V2", ("corpAccessToken", "corpId")
        payload = self._token_window(lambda: self._post(path, body, {}))
        if payload["errorCode"] != 0:
            raise self._refused(payload, path.partition("?")[0], login=True)
        token, self.enterprise = str(payload[names[0]]), str(payload[names[1]])
        self._user = self._user or self._user_of(settings, token)
        self._token = token
        self._until = now + min(_KEPT, float(payload.get("expiresIn", 7_200)) - 60.0)

    def _user_of(self, settings: FxiaokeSettings, token: str) -> str:
        """Return the open user id of a mobile number."""
        assert settings.mobile is not None
        path, number = "/cgi/user/getByMobile", settings.mobile.get_secret_value()
        payload = self._windows[path](lambda: self._identified(path, {"mobile": number}, token, ""))
        if payload["errorCode"] != 0:
            raise self._refused(payload, path, login=True)
        employees = payload.get("empList") or []
        if len(employees) != 1:
            raise LoginRefused(f"{len(employees)} users have the mobile number", where=path, fix="set user instead")
        return str(employees[0]["openUserId"])
