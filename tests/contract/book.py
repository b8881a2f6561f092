"""A simulated book for the test servers, and how to run them by hand."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.contract.serving import ContractServer

NAMES = (
    "上海{}示例有限公司",
    "𠮷野家{}餐饮",
    "ＡＢＣ{}商贸",
    "Müller {} & Söhne",
    "北京{}科技 🚀",
    '"引号", 逗号 {}',
    "多\n行 {}",
)


def name(number: int) -> str:
    """Return a customer's name; all that is hard to carry stands in one of them."""
    return NAMES[number % len(NAMES)].format(number)


def book(customers: int, months: int, seed: int, start: str = "2024-01-01") -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a simulated book as rows, whole but small: in memory."""
    from riskml.data.simulate import simulate

    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder, "book"), customers, start, months, seed)
        read = {
            table: pq.read_table(Path(folder, "book", table)).to_pylist()
            for table in ("customers", "orders", "invoices", "payments", "tickets")
        }
    firsts: dict[str, dict[str, Any]] = {}
    for row in read["customers"]:
        firsts.setdefault(row["customer"], row)
    read["customers"] = [row | {"name": name(number)} for number, row in enumerate(firsts.values())]
    return read


def options(program: str, about: str) -> argparse.Namespace:
    """Return what was asked on the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.contract.{program}", description=about.splitlines()[0])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    parser.add_argument("--bare", action="store_true", help="without the fields that scores are written to")
    return parser.parse_args()


def serve(server: ContractServer, environment: dict[str, str]) -> None:
    """Print what the client needs, and serve until stopped by hand."""
    for variable, value in environment.items():
        sys.stdout.write(f"export {variable}={value}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
