"""Pulls and pushes in processes of their own, to be killed: one that is warm forks a child for each.

It reads a line of JSON for each task from its input, and writes two lines: the child's process id, and its exit code.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.crm import service
from riskml.crm.connector import CrmError
from riskml.crm.fxiaoke import adapter as fxiaoke
from riskml.crm.http import Caller, Clock
from riskml.crm.zoho import adapter as zoho

WARM = (fxiaoke, zoho)  # imported once, and not by each child
FASTER = 10_000  # so many seconds pass in one


class Quick(Clock):
    """A clock that runs faster than any other."""

    def now(self) -> float:
        return time.monotonic() * FASTER

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / FASTER)


def main() -> None:
    Caller(1.0, lambda: []).close()  # what its libraries import at their first use
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_do(asked))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _do(asked: dict[str, Any]) -> int:
    os.environ.update(asked["environment"])
    service.connected.__wrapped__.__kwdefaults__["clock"] = Quick()  # type: ignore[attr-defined]
    if asked["statement"]:
        _die_at_statement(asked["statement"])
    if asked["seconds"]:
        threading.Thread(target=_die_after, args=[asked["seconds"]], daemon=True).start()
    mapping, now = Path(asked["mapping"]), dt.datetime.fromisoformat(asked["now"])
    try:
        if asked["task"] == "pull":
            service.pull(mapping, None, Path(asked["folder"]), now=now)
        else:
            audit = Path(asked["folder"], "audit.db")
            scores = pd.DataFrame(asked["scores"])
            service.push(mapping, None, service.Push(scores), now=now, yes=True, audit=audit)
            service.alerts(mapping, None, pd.DataFrame(asked["alerts"]), now=now, yes=True, audit=audit)
    except CrmError:
        return 3  # too many tokens in a row: the next run goes on
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _die_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_statement(number: int) -> None:
    """Kill the process before a statement of SQL, counted from 1, is executed."""
    left = [number]
    connect = sqlite3.connect

    def count(_: str) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*words: Any, **options: Any) -> sqlite3.Connection:
        made = connect(*words, **options)
        made.set_trace_callback(count)
        return made

    sqlite3.connect = counting  # type: ignore[assignment]


if __name__ == "__main__":
    main()
