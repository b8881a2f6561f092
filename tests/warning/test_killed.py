"""Killed at any moment and started again: the same alerts, every event handed over, none doubled, none lost."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskml.config.warning import WebhookDelivery
from riskml.warning.daily import update
from riskml.warning.delivery.webhook import Webhook
from riskml.warning.outbox import send
from riskml.warning.store import Store

from .conftest import TODAY, Hook, rules_of

DAYS = [dt.date(2024, month, 1) for month in range(1, 9)]
ROUNDS = 3
PRELOADED = ["tests.warning.test_killed", "httpcore", "pyarrow.dataset", "pyarrow.parquet"]


class Fate:
    """Ends its process, without a farewell, at a step that is counted: of the file's, or of the handing over's."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(self, statement: str) -> None:
        """Count what begins and ends a transaction, before it is done."""
        if statement.startswith(("BEGIN", "COMMIT")):
            self.step()

    def around(self, deliver: Callable[..., None]) -> Callable[..., None]:
        def counted(*words: Any) -> None:
            self.step()
            deliver(*words)
            self.step()

        return counted


def fated_work(file: str, url: str, at: int) -> None:
    """Do a part of the work, and die at a step; 0 is never."""
    fate = Fate(at)
    os.environ["RISKML_WEBHOOK_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    rules = rules_of(alerts={"cooldown_days": 20, "escalation": {"to": "risk", "after_days": 3}})
    with Store(file) as store:
        store._file.set_trace_callback(fate.traced)
        channel = Webhook(WebhookDelivery(url=url, batch=3), time.time)
        channel.deliver = fate.around(channel.deliver)  # type: ignore[method-assign]
        for day in DAYS[:2]:
            late = {"customer": ["a", "b", "c"], "days_late": [12, 40, 15 * day.month], "probability": [0.1, 0.3, 0.2]}
            last = store.last_day("small")
            if last is None or day >= last.as_of:
                update(store, rules, pd.DataFrame(late), day, TODAY)
        send(store, "small", channel, time.time)


def work(file: str, url: str) -> None:
    """Record all days in order, and send after each, as a nightly job that is started anew does."""
    os.environ["RISKML_WEBHOOK_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    rules = rules_of(alerts={"cooldown_days": 20, "escalation": {"to": "risk", "after_days": 3}})
    names = [f"c{n:03d}" for n in range(150)]
    with Store(file) as store:
        channel = Webhook(WebhookDelivery(url=url, batch=10), time.time)
        for day in DAYS:
            rng = np.random.default_rng(day.month)
            late = {"customer": names, "days_late": rng.gamma(1, 7, 150), "probability": rng.random(150) / 4}
            last = store.last_day("small")
            if last is None or day >= last.as_of:
                update(store, rules, pd.DataFrame(late), day, TODAY)
            send(store, "small", channel, time.time)


def told(hook: Hook) -> dict[str, set[str]]:
    """Return the keys of events by that of the request that brought them; a request may come twice, unchanged."""
    found: dict[str, set[str]] = {}
    for headers, body in hook.requests:
        events = {event["event"] for event in json.loads(body)["events"]}
        assert found.setdefault(headers["idempotency-key"], events) == events
    return found


def alerts(file: Path) -> list[dict[str, Any]]:
    with Store(file) as store:
        # Of those whose priority is not known it is NaN, which equals nothing.
        return sorted(
            ({**asdict(alert), "priority": str(alert.priority)} for alert in store.alerts()),
            key=lambda alert: str(alert["key"]),
        )


def test_alerts_and_deliveries_are_those_of_an_undisturbed_run(tmp_path: Path, hook: Hook) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    calm = tmp_path / "calm.db"

    def started(file: Path) -> Any:
        process = context.Process(target=work, args=(str(file), hook.url))
        process.start()
        return process  # killed or ended by the caller

    started(calm).join()  # the first one waits for the imports
    undisturbed = told(hook)
    hook.requests.clear()
    begun = time.monotonic()
    started(tmp_path / "again.db").join()
    whole = time.monotonic() - begun
    hook.requests.clear()

    rng, killed = random.Random(7), 0
    for number in range(ROUNDS):
        shaken = tmp_path / f"shaken{number}.db"
        hook.requests.clear()
        while True:
            process = started(shaken)
            process.join(rng.uniform(0.05, 0.5) * whole)
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            killed += 1
        assert process.exitcode == 0
        assert alerts(shaken) == alerts(calm)
        brought = told(hook)
        events = [event for one in brought.values() for event in one]
        assert len(events) == len(set(events))
        assert set(events) == {event for one in undisturbed.values() for event in one}
        with Store(shaken) as store, Store(calm) as other:
            assert store.days("small") == other.days("small")
    assert killed >= ROUNDS


def test_killed_at_each_transaction_and_each_handing_over(tmp_path: Path, hook: Hook) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def ended(file: Path, at: int = 0) -> int | None:
        process = context.Process(target=fated_work, args=(str(file), hook.url, at))
        process.start()
        process.join()
        return process.exitcode

    calm = tmp_path / "calm.db"
    assert ended(calm) == 0
    undisturbed = {event for one in told(hook).values() for event in one}
    with Store(calm) as other:
        days = other.days("small")
    step = 0
    while True:
        step += 1
        shaken = tmp_path / f"shaken{step}.db"
        hook.requests.clear()
        if ended(shaken, step) == 0:
            break  # there are no more steps
        assert ended(shaken) == 0
        assert alerts(shaken) == alerts(calm)
        events = [event for one in told(hook).values() for event in one]
        assert sorted(events) == sorted(undisturbed)
        with Store(shaken) as store:
            assert store.days("small") == days
    assert step > 12
