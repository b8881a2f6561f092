"""HTTP calls that are tried again when a trouble passes, and never faster than a system allows."""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception

from riskml.crm.connector import CrmError, Passing, Unreachable

Result = TypeVar("Result")
Answer = httpx.Response
_USER_AGENT = "riskml"
_CONNECT = 5.0  # seconds
_FIRST_ATTEMPTS = 4  # to reach a host that never answered: its name may be wrong
_log = logging.getLogger(__name__)


class Clock:
    """Time as the calls see it: tests hand in one that does not wait."""

    def now(self) -> float:
        """Return seconds since some moment; they never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Backoff:
    """How long to wait before the next try: twice as long each time, up to a limit, with a share of chance."""

    def __init__(self, first: float = 1.0, most: float = 60.0, chance: random.Random | None = None) -> None:
        self.first, self.most, self.chance = first, most, chance or random.Random()

    def seconds(self, attempt: int) -> float:
        """Return the wait after an attempt, counted from 1."""
        whole = min(self.most, self.first * 2.0 ** (attempt - 1))
        return float(whole * (0.5 + self.chance.random() / 2))

    def __call__(self, state: RetryCallState) -> float:
        """Return the wait that tenacity asks for."""
        return max(self.seconds(state.attempt_number), getattr(_error(state), "wait_seconds", 0.0))


def persistently(call: Callable[[], Result], clock: Clock, *, attempts: int = 8, wait: Backoff | None = None) -> Result:
    """Return what a call returns, trying again while its trouble passes (`Passing`). Each wait is told as a warning."""
    retrying = Retrying(
        sleep=clock.sleep,
        stop=lambda state: state.attempt_number >= min(attempts, getattr(_error(state), "most_attempts", attempts)),
        wait=wait or Backoff(),
        retry=retry_if_exception(lambda error: isinstance(error, Passing) and not error.exhausted),
        before_sleep=_tell,
        reraise=True,
    )
    try:
        return retrying(call)
    except Passing as error:
        error.exhausted = True
        raise


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _tell(state: RetryCallState) -> None:
    error = _error(state)
    if isinstance(error, Passing) and state.next_action:
        _log.warning("%s (%s): trying again in %.0f s", error.what, error.where, max(1.0, state.next_action.sleep))


class Window:
    """At most so many calls within any so many seconds, as the server counts them."""

    def __init__(self, calls: int, seconds: float, clock: Clock) -> None:
        self._seconds, self._clock = seconds, clock
        self._calls = calls
        self._lock = threading.Condition()
        self._begun = 0
        self._ended: dict[int, float] = {}

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Return what a call returns, made when there is room for it."""
        number = self._enter()
        try:
            return call()
        finally:
            with self._lock:
                self._ended[number] = self._clock.now()
                self._lock.notify_all()

    def _enter(self) -> int:
        with self._lock:
            number = self._begun
            self._begun += 1
            before = number - self._calls
            if before >= 0:
                self._lock.wait_for(lambda: before in self._ended)
                free = self._ended.pop(before) + self._seconds
        # Outside of the lock: others may end meanwhile. A margin, because clocks tick coarsely.
        if before >= 0:
            while (rest := free + 0.01 - self._clock.now()) > 0:
                self._clock.sleep(rest)
        return number


@cache
def _certificates() -> ssl.SSLContext:
    """Return what servers are known by: read once, it takes thirty milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class Caller:
    """Single HTTP calls: a connection that breaks is a passing trouble, a redirection is none of ours to follow."""

    def __init__(self, timeout: float, secrets: Callable[[], Iterable[str]]) -> None:
        patience = httpx.Timeout(timeout, connect=min(timeout, _CONNECT))
        self._client = httpx.Client(
            timeout=patience, headers={"User-Agent": _USER_AGENT}, trust_env=False, verify=_certificates()
        )
        self._secrets = secrets
        self._answered: set[str] = set()

    def send(self, method: str, url: str, **what: Any) -> Answer:
        """Return the answer, whatever it says."""
        host = urlsplit(url).netloc
        try:
            answer = self._client.request(method, url, **what)
            self._answered.add(host)
            return answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error, url, host) from None
        except httpx.TransportError as error:
            # From None: the request behind the error carries the token.
            raise self.trouble(f"no answer: {type(error).__name__}: {error}", url) from None

    def download(self, url: str, headers: dict[str, str], into: Any) -> Answer:
        """Write an answer's body into a file, piece by piece, and return the answer; of a refusal nothing is kept."""
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != 200:
                    answer.read()
                    return answer
                for piece in answer.iter_bytes(1 << 16):
                    into.write(piece)
                return answer
        except httpx.TransportError as error:
            raise self.trouble(f"the download broke off: {type(error).__name__}", url) from None

    def _unreachable(self, error: httpx.TransportError, url: str, host: str) -> Unreachable:
        known = host in self._answered
        again = "check the network, then run again: it goes on where it stopped"
        fix = again if known else "check the address in the settings, and the network"
        what = self.clean(f"{host} cannot be reached: {str(error) or type(error).__name__}")
        made = Unreachable(what, where=self.clean(url.partition("?")[0]), fix=fix)
        if not known:
            made.most_attempts = _FIRST_ATTEMPTS
        return made

    def trouble(self, what: str, url: str) -> Passing:
        """Return a passing trouble, without secrets."""
        return Passing(self.clean(what), where=self.clean(url), fix="run again: it goes on where it stopped")

    def error(self, what: str, url: str, fix: str = "") -> CrmError:
        """Return a refusal, without secrets."""
        return CrmError(self.clean(what), where=self.clean(url), fix=fix)

    def clean(self, text: str) -> str:
        """Return a text without secrets, and not longer than a message should be."""
        for secret in self._secrets():
            if secret:
                text = text.replace(secret, "***")
        return text if len(text) <= 600 else f"{text[:600]}…"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def parsed(answer: Answer) -> Any:
    """Return the JSON of an answer; None where it is none: a page of HTML, a file, or nothing."""
    try:
        return answer.json() if answer.content else None
    except (ValueError, httpx.StreamError):  # a body that went into a file was not kept
        return None
