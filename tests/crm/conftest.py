"""The CRM's tests: servers on loopback that follow the contracts, and a clock that does not wait."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.contract.book import name  # noqa: E402
from tests.contract.fxiaoke_server import LOGIN, USER, FxiaokeServer  # noqa: E402
from tests.contract.serving import ContractServer, FakeClock, running  # noqa: E402
from tests.contract.zoho_server import CLIENT, ZohoServer  # noqa: E402

from riskml.crm.fxiaoke.adapter import Fxiaoke  # noqa: E402
from riskml.crm.fxiaoke.http import FxiaokeCalls  # noqa: E402
from riskml.crm.http import Backoff  # noqa: E402
from riskml.crm.mapping import Mapping, read_mapping  # noqa: E402
from riskml.crm.settings import FxiaokeSettings, ZohoSettings  # noqa: E402
from riskml.crm.zoho.adapter import Zoho  # noqa: E402
from riskml.crm.zoho.http import ZohoCalls  # noqa: E402

MAPPINGS = ROOT / "experiments" / "crm"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def zoho_server(clock: FakeClock) -> Iterator[ZohoServer]:
    with running(ZohoServer(now=clock.now)) as server:
        yield server


@pytest.fixture
def zoho_mapping() -> Mapping:
    return read_mapping(MAPPINGS / "zoho.yaml")


@pytest.fixture
def zoho(zoho_server: ZohoServer, zoho_mapping: Mapping, clock: FakeClock) -> Iterator[Callable[..., Zoho]]:
    """Yield what opens a connector to the server."""
    opened: list[Zoho] = []

    def open_zoho(
        mapping: Mapping = zoho_mapping, *, timeout: float = 5.0, login: dict[str, str] | None = None, **rest: Any
    ) -> Zoho:
        said = {**CLIENT, "accounts_url": zoho_server.url, "timeout_seconds": timeout, **(login or {})}
        settings = ZohoSettings(**said)
        calls = ZohoCalls(settings, clock, wait=Backoff(1.0, 60.0))
        opened.append(Zoho(settings, mapping, clock, calls=calls, **rest))
        return opened[-1]

    yield open_zoho
    for one in opened:
        one.close()


@pytest.fixture
def accounts(zoho_server: ZohoServer, clock: FakeClock) -> Callable[[int], list[str]]:
    """Return what adds so many accounts, each a second younger than the one before; it returns their ids."""

    def add(count: int) -> list[str]:
        ids = []
        for number in range(count):
            ids.append(zoho_server.put("Accounts", Account_Name=name(number), Annual_Revenue=number * 1.5))
            clock.moment += 1
        return ids

    return add


@pytest.fixture
def fxiaoke_server(clock: FakeClock) -> Iterator[FxiaokeServer]:
    with running(FxiaokeServer(now=clock.now)) as server:
        yield server


@pytest.fixture
def fxiaoke_mapping() -> Mapping:
    return read_mapping(MAPPINGS / "fxiaoke.yaml")


@pytest.fixture
def fxiaoke(
    fxiaoke_server: FxiaokeServer, fxiaoke_mapping: Mapping, clock: FakeClock
) -> Iterator[Callable[..., Fxiaoke]]:
    """Yield what opens a connector to the server."""
    opened: list[Fxiaoke] = []

    def open_fxiaoke(mapping: Mapping = fxiaoke_mapping, *, automations: bool = False, **settings: Any) -> Fxiaoke:
        given = {**LOGIN, "user": USER, "url": fxiaoke_server.url, "timeout_seconds": 5.0, "workers": 1, **settings}
        login = FxiaokeSettings(**given)
        calls = FxiaokeCalls(login, clock, wait=Backoff(1.0, 60.0))
        opened.append(Fxiaoke(login, mapping, clock, calls=calls, automations=automations))
        return opened[-1]

    yield open_fxiaoke
    for one in opened:
        one.close()


@pytest.fixture
def customers(fxiaoke_server: FxiaokeServer) -> Callable[[int], list[str]]:
    """Return what adds so many customers; it returns their ids."""

    def add(count: int) -> list[str]:
        return [fxiaoke_server.put("AccountObj", name=name(number)) for number in range(count)]

    return add


@pytest.fixture(params=["zoho", "fxiaoke"])
def system(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ContractServer]]:
    """Yield a system's name and its server, in a project of its own that is the current directory."""
    folder = tmp_path / "project" / "experiments" / "crm"
    folder.mkdir(parents=True)
    for file in MAPPINGS.glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path / "project")
    server: ZohoServer | FxiaokeServer = ZohoServer() if request.param == "zoho" else FxiaokeServer()
    if isinstance(server, ZohoServer):
        server.switches.bulk_states = ("COMPLETED",)
        said = {**CLIENT, "accounts_url": server.url}
    else:
        said = {**LOGIN, "url": server.url, "user": USER}
    for setting, value in said.items():
        monkeypatch.setenv(f"RISKML_{request.param.upper()}_{setting.upper()}", value)
    with running(server):
        yield request.param, server
