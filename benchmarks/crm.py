"""Customers pulled from the CRM test servers: time, calls, and the peak memory of the process that pulls.

Targets: 100,000 customers by Zoho's Bulk Read in under 60 s; from Fxiaoke within 5 % of its rate limit (100 calls in
20 s) and never over it; memory that does not grow with the number of customers.

Run: ``python benchmarks/crm.py [--zoho 10000 100000] [--fxiaoke 20000 50000]``. Each server and each pull is a process
of its own. Zoho's jobs are done after as many looks at them as the contract has states.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
for place in (str(ROOT), str(ROOT / "src")):
    if place not in sys.path:
        sys.path.insert(0, place)

FIRST_CALLS, SECONDS = 100, 20.0  # of Fxiaoke's limit


def serve(system: str, customers: int) -> None:
    """Serve customers; print the environment of a client, and the calls that were refused when the input ends."""
    import threading

    if system == "zoho":
        from tests.contract.zoho_server import CLIENT, ZohoServer

        server = ZohoServer()
        for number in range(customers):
            server.put(
                "Accounts", Account_Name=f"上海{number}示例有限公司", Industry="零售", Annual_Revenue=number * 1.5
            )
        login = {"RISKML_ZOHO_ACCOUNTS_URL": server.url}
        login |= {f"RISKML_ZOHO_{name.upper()}": value for name, value in CLIENT.items()}
    else:
        from tests.contract.fxiaoke_server import LOGIN, USER, FxiaokeServer

        server = FxiaokeServer()
        for number in range(customers):
            server.put(
                "AccountObj", name=f"上海{number}示例有限公司", industry="零售", yearly_income__c=str(number * 1.5)
            )
        login = {"RISKML_FXIAOKE_URL": server.url, "RISKML_FXIAOKE_USER": USER}
        login |= {f"RISKML_FXIAOKE_{name.upper()}": value for name, value in LOGIN.items()}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(login), flush=True)
    sys.stdin.read()
    print(json.dumps({"calls": len(server.calls), "refused": getattr(server, "refused_for_rate", 0)}), flush=True)


def pull(system: str) -> None:
    """Pull the customers once, and print the time and the peak memory."""
    from riskml.crm.adapters import connected
    from riskml.crm.mapping import read_mapping
    from riskml.crm.pull import pull as pull_tables
    from riskml.crm.settings import read_settings

    mapping = read_mapping(ROOT / "experiments" / "crm" / f"{system}.yaml")
    mapping = mapping.model_copy(update={"tables": {"customers": mapping.tables["customers"]}})
    with tempfile.TemporaryDirectory() as folder, connected(mapping, read_settings(system, os.environ)) as connector:
        start = time.perf_counter()
        (pulled,) = pull_tables(connector, mapping, Path(folder), started=dt.datetime.now(dt.UTC))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"records": pulled.records, "seconds": seconds, "megabytes": peak}))


def measured(system: str, customers: int) -> dict[str, float]:
    """Return what a pull took, and what its server counted."""
    me = [sys.executable, __file__]
    with subprocess.Popen(
        [*me, "--serve", system, str(customers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        login = json.loads(server.stdout.readline())
        done = subprocess.run(
            [*me, "--pull", system], env=os.environ | login, stdout=subprocess.PIPE, text=True, check=True
        )
        told, _ = server.communicate("")
    return json.loads(done.stdout) | json.loads(told.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--zoho", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--fxiaoke", type=int, nargs="*", default=[20_000, 50_000])
    parser.add_argument("--serve", nargs=2)
    parser.add_argument("--pull")
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve[0], int(asked.serve[1]))
        return
    if asked.pull:
        pull(asked.pull)
        return
    print(f"{'':8} {'customers':>10} {'calls':>7} {'seconds':>8} {'least':>7} {'refused':>8} {'peak MB':>8}")
    for system, sizes in (("zoho", asked.zoho), ("fxiaoke", asked.fxiaoke)):
        for customers in sizes:
            found = measured(system, customers)
            assert found["records"] == customers
            queries = customers // 100 + 1  # the last page is short, or empty
            least = f"{(queries - 1) // FIRST_CALLS * SECONDS:.0f}" if system == "fxiaoke" else ""
            print(
                f"{system:8} {customers:>10,} {found['calls']:>7,} {found['seconds']:>8.1f} {least:>7} "
                f"{found['refused']:>8} {found['megabytes']:>8.0f}"
            )


if __name__ == "__main__":
    main()
