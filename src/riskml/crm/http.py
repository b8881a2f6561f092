"""HTTP calls with retries of temporary errors, rate limits and a shared token."""

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
RESUME = "run again: it resumes where it stopped"
_CONNECT = 5.0  # seconds
_FIRST_ATTEMPTS = 4  # to reach a host that never answered: its name may be wrong
_log = logging.getLogger(__name__)


class Clock:
    """Monotonic clock of the calls; tests replace it by one that does not wait."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Backoff:
    """Exponential backoff with jitter, up to a limit."""

    def __init__(self, first: float = 1.0, most: float = 60.0, chance: random.Random | None = None) -> None:
        self.first, self.most, self.chance = first, most, chance or random.Random()

    def seconds(self, attempt: int) -> float:
        """Return the wait after an attempt, counted from 1."""
        seconds = min(self.most, self.first * 2.0 ** (attempt - 1))
        return float(seconds * (0.5 + self.chance.random() / 2))

    def __call__(self, state: RetryCallState) -> float:
        """Return the wait for tenacity."""
        return max(self.seconds(state.attempt_number), getattr(_error(state), "wait_seconds", 0.0))


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_wait(state: RetryCallState) -> None:
    error = _error(state)
    if isinstance(error, Passing) and state.next_action:
        _log.warning("%s (%s): trying again in %.0f s", error.what, error.where, max(1.0, state.next_action.sleep))


class Window:
    """Rate limit: a maximum number of calls within any period of some seconds."""

    def __init__(self, calls: int, seconds: float, clock: Clock) -> None:
        self._seconds, self._clock = seconds, clock
        self._calls = calls
        self._lock = threading.Condition()
        self._begun = 0
        self._ended: dict[int, float] = {}

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Return the result of a call, made as soon as the limit allows."""
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
        # Outside of the lock, so that other calls can end. A margin for the resolution of clocks.
        if before >= 0:
            while (rest := free + 0.01 - self._clock.now()) > 0:
                self._clock.sleep(rest)
        return number


@cache
def _certificates() -> ssl.SSLContext:
    """Return the trusted certificates, read once because it takes thirty milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class Caller:
    """Single HTTP calls: a broken connection is a temporary error, and redirections are not followed."""

    def __init__(self, timeout: float, secrets: Callable[[], Iterable[str]]) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT)),
            headers={"User-Agent": _USER_AGENT},
            trust_env=False,
            verify=_certificates(),
        )
        self._secrets = secrets
        self._answered: set[str] = set()

    def send(self, method: str, url: str, **what: Any) -> Answer:
        """Return the answer, whatever its status."""
        host = urlsplit(url).netloc
        try:
            answer = self._client.request(method, url, **what)
            self._answered.add(host)
            return answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error, url, host) from None
        except httpx.TransportError as error:
            # From None, because the request of the error has the token.
            raise self.trouble(f"no answer: {type(error).__name__}: {error}", url) from None

    def download(self, url: str, headers: dict[str, str], into: Any) -> Answer:
        """Stream an answer's body into a file and return the answer; nothing is written of a refusal."""
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
        fix = f"check the network, then {RESUME}" if known else "check the address in the settings, and the network"
        what = self.clean(f"{host} cannot be reached: {str(error) or type(error).__name__}")
        unreachable = Unreachable(what, where=self.clean(url.partition("?")[0]), fix=fix)
        if not known:
            unreachable.most_attempts = _FIRST_ATTEMPTS
        return unreachable

    def trouble(self, what: str, url: str) -> Passing:
        """Return a temporary error, without secrets."""
        return Passing(self.clean(what), where=self.clean(url), fix=RESUME)

    def error(self, what: str, url: str, fix: str = "") -> CrmError:
        """Return a refusal, without secrets."""
        return CrmError(self.clean(what), where=self.clean(url), fix=fix)

    def clean(self, text: str) -> str:
        """Return a text without secrets, shortened for messages."""
        for secret in self._secrets():
            if secret:
                text = text.replace(secret, "***")
        return text if len(text) <= 600 else f"{text[:600]}…"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class ApiCalls:
    """Calls of one API: a token that all threads share, retries, and records that are created once."""

    def __init__(
        self,
        secrets: Callable[[], Iterable[str]],
        timeout: float,
        clock: Clock,
        *,
        attempts: int = 8,
        wait: Backoff | None = None,
    ) -> None:
        self.clock, self.attempts, self.wait = clock, attempts, wait or Backoff()
        self._token, self._until = "", 0.0
        self._lock = threading.Lock()
        self.caller = Caller(timeout, lambda: [*secrets(), self._token])

    def token(self, *, instead_of: str = "") -> str:
        """Return the token, renewed where it has expired or the server refuses it."""
        with self._lock:
            if not self._token or self.clock.now() >= self._until or self._token == instead_of:
                self.persistently(self._renew)
            return self._token

    def persistently(self, call: Callable[[], Result], *, again: bool = True) -> Result:
        """Return the result of a call, retried while its error is temporary unless ``again`` is False."""
        attempts = self.attempts if again else 1
        retrying = Retrying(
            sleep=self.clock.sleep,
            stop=lambda state: state.attempt_number >= min(attempts, getattr(_error(state), "most_attempts", attempts)),
            wait=self.wait,
            retry=retry_if_exception(lambda error: isinstance(error, Passing) and not error.exhausted),
            before_sleep=_log_wait,
            reraise=True,
        )
        try:
            return retrying(call)
        except Passing as error:
            error.exhausted = True
            raise

    def create_once(self, find: Callable[[bool], Result | None], create: Callable[[], Result]) -> Result:
        """Return a record that `find` finds, or create it; `find` is told whether an attempt may have created it."""
        trouble: Passing | None = None
        for attempt in range(1, self.attempts + 1):
            record = find(trouble is not None)
            if record is not None:
                return record
            try:
                return create()
            except Passing as error:
                trouble = error
                self.clock.sleep(self.wait.seconds(attempt))
        assert trouble is not None
        raise trouble

    def _renew(self) -> None:
        """Set ``_token`` and ``_until``."""
        raise NotImplementedError


def parsed(answer: Answer) -> Any:
    """Return the JSON of an answer, or None for a page of HTML, a file, or nothing."""
    try:
        return answer.json() if answer.content else None
    except (ValueError, httpx.StreamError):  # the body was streamed into a file
        return None
