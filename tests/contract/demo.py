"""A test server with simulated customers, in a thread of this process."""

from __future__ import annotations

import threading

from tests.contract import fxiaoke_server, zoho_server
from tests.contract.serving import ContractServer


def start(system: str, customers: int = 400, months: int = 18, seed: int = 7) -> tuple[ContractServer, dict[str, str]]:
    """Start a server; return it with the environment that ``riskml crm`` reads."""
    server: ContractServer
    if system == "zoho":
        made = zoho_server.ZohoServer()
        made.switches.bulk_states = ("COMPLETED",)
        zoho_server.fill(made, customers, months, seed)
        server, login = made, {"ACCOUNTS_URL": made.url, **zoho_server.CLIENT}
    else:
        other = fxiaoke_server.FxiaokeServer()
        other.switches.calls = 1_000_000  # nobody waits for the limit of a rate in a trial
        fxiaoke_server.fill(other, customers, months, seed)
        server, login = (
            other,
            {"URL": other.url, "USER": fxiaoke_server.USER, "CALLS": "1000000", **fxiaoke_server.LOGIN},
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, {f"RISKML_{system.upper()}_{name.upper()}": value for name, value in login.items()}
