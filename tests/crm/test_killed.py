"""Killed at random, 50 times in pulls and 50 times in pushes: nothing lost, nothing twice, no alert twice."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.contract.fxiaoke_server import LOGIN, USER, FxiaokeServer
from tests.contract.serving import HTML, Reply, running
from tests.contract.zoho_server import CLIENT, ZohoServer
from tests.crm.killing import Quick

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.mapping import read_mapping
from riskml.crm.sqlite import database

ROOT = Path(__file__).parents[2]
KILLS = 25  # of each system, in pulls and in pushes


class Killer:
    """Starts tasks in processes of their own and kills them: at a call, at a statement, or after a while.

    Parameters
    ----------
    warm : Popen
        The process that starts the others.
    server, system, folder
    seed : int
    """

    def __init__(self, warm: subprocess.Popen[str], server: Any, system: str, folder: Path, seed: int) -> None:
        self._warm, self.server, self.folder = warm, server, folder
        self.chance = random.Random(seed)
        self.kills = 0
        said = (
            {"accounts_url": server.url, **CLIENT} if system == "zoho" else {"url": server.url, "user": USER, **LOGIN}
        )
        self.environment = {f"RISKML_{system.upper()}_{name.upper()}": value for name, value in said.items()}
        self.mapping = folder / f"{system}.yaml"
        self.mapping.write_text(_smaller(system), encoding="utf-8")
        self._child = 0
        self._known = threading.Event()

    def run(self, task: str, *, kill: bool = True, **rest: Any) -> bool:
        """Run a task; return whether it ended by itself, and well."""
        how = self.chance.choice(["call", "call", "statement", "while"]) if kill else ""
        self._known.clear()
        self.server.faults.clear()
        if how == "call":
            nth, after = self.chance.randint(1, 14), self.chance.random() < 0.7
            self.server.fault("", nth, lambda: self._kill(after), after=after)
        asked = {
            "task": task, "mapping": str(self.mapping), "folder": str(self.folder), "environment": self.environment,
            "now": _now(self.server).isoformat(),
            "statement": self.chance.randint(1, 60) if how == "statement" else 0,
            "seconds": 0.005 + self.chance.random() * 0.15 if how == "while" else 0, **rest,
        }  # fmt: skip
        self._warm.stdin.write(json.dumps(asked) + "\n")
        self._warm.stdin.flush()
        self._child = int(self._warm.stdout.readline())
        self._known.set()
        code = int(self._warm.stdout.readline())
        assert code in (0, 3, -signal.SIGKILL)
        self.kills += code == -signal.SIGKILL
        return code == 0

    def _kill(self, after: bool) -> Reply | None:
        self._known.wait(5)
        os.kill(self._child, signal.SIGKILL)
        return None if after else HTML  # after: the server has done what was asked


def _smaller(system: str) -> str:
    """Return the repository's mapping with the customers alone."""
    import yaml

    said = yaml.safe_load((ROOT / "experiments" / "crm" / f"{system}.yaml").read_text("utf-8"))
    said["tables"] = {"customers": said["tables"]["customers"]}
    said["alerts"]["default_owner"] = "FSUID_9" if system == "fxiaoke" else ""
    return yaml.safe_dump(said, allow_unicode=True)


def _now(server: Any) -> dt.datetime:
    said = server.moment()
    if isinstance(said, str):
        return dt.datetime.fromisoformat(said)
    return dt.datetime.fromtimestamp(said / 1000, dt.UTC)


@pytest.fixture(scope="module")
def warm() -> Iterator[subprocess.Popen[str]]:
    """Yield a process that has imported everything, once for all tests."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crm.killing"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()


@pytest.fixture(params=["zoho", "fxiaoke"])
def killer(request, tmp_path, warm) -> Iterator[Killer]:
    server = (ZohoServer if request.param == "zoho" else FxiaokeServer)(now=Quick().now)
    if request.param == "zoho":
        server.switches.bulk_rows = 50
    with running(server):
        yield Killer(warm, server, request.param, tmp_path, seed=20260101)


def world(server: Any) -> tuple[dict[str, Any], str, str]:
    """Return a server's customers, the object's name, and the field of names."""
    if isinstance(server, ZohoServer):
        return server.modules["Accounts"], "Accounts", "Account_Name"
    return server.objects["AccountObj"], "AccountObj", "name"


def test_a_pull_that_is_killed_loses_and_doubles_nothing(killer):
    server = killer.server
    there, object, field = world(server)
    for number in range(260):
        server.put(object, **{field: f"客户{number}"})
    finished = 0
    while killer.kills < KILLS or not finished:
        if not killer.run("pull", kill=killer.kills < KILLS):
            continue
        finished += 1
        rows = pq.read_table(killer.folder / "customers.parquet").to_pylist()
        assert [row["customer"] for row in rows] == sorted(there)
        assert {row["customer"]: row["name"] for row in rows} == {id: one[field] for id, one in there.items()}
        for id in killer.chance.sample(sorted(there), 30):  # the world goes on
            server.change(object, id, **{field: f"改名{finished}-{id[-4:]}"})
        for id in killer.chance.sample(sorted(there), 3):
            server.delete(object, id)
        for number in range(5):
            server.put(object, **{field: f"新{finished}-{number}"})
    assert finished > 2
    assert killer.kills == KILLS


def test_a_push_that_is_killed_loses_and_doubles_nothing(killer):
    server, finished, raised = killer.server, 0, set()
    there, object, field = world(server)
    asked = read_mapping(killer.mapping).scores.fields
    ids = [server.put(object, **{field: f"客户{number}"}) for number in range(130)]
    while killer.kills < KILLS or not finished:
        score = {id: killer.chance.randint(0, 100) for id in ids}
        scores = {
            "customer": ids, "score": list(score.values()), "tier": ["high"] * 130, "reasons": ["逾期"] * 130,
            "action": ["电话"] * 130, "model_version": ["1.0.0"] * 130, "as_of": ["2026-01-01"] * 130,
        }  # fmt: skip
        keys = [f"{id}:{finished}" for id in ids[:6]]
        raised |= set(keys)
        alerts = {
            "key": keys, "customer": ids[:6], "cause": ["升高"] * 6, "owner": [""] * 6, "due": ["2026-01-05"] * 6,
            "text": ["分数升高"] * 6,
        }  # fmt: skip
        while not killer.run("push", kill=killer.kills < KILLS, scores=scores, alerts=alerts):
            pass
        finished += 1
        assert {id: int(there[id][asked["score"].field]) for id in ids} == score
    zoho = isinstance(server, ZohoServer)
    made = server.modules["Tasks"] if zoho else server.objects["RiskAlert__c"]
    assert Counter(one["Risk_Key" if zoho else "risk_key__c"] for one in made.values()) == dict.fromkeys(raised, 1)
    assert killer.kills == KILLS
    with database(killer.folder / "audit.db", SCHEMA) as connection:
        audit = Audit(connection)
        told = audit.outcomes()
        assert set(told["status"]) == {"written"}
        assert Counter(told["customer"]) <= Counter(server.writes)  # nothing is called written that was not
        assert set(audit.alerts()["key"]) == raised
        remarks = audit.alerts().set_index("key")["remark"]
    if not zoho:  # a message is sent once or, if its call was cut off, not again; then its alert says so
        sent = len(server.messages)
        unsure = (remarks != "").sum()
        assert sent <= len(raised) <= sent + unsure
