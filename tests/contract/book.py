"""A simulated book for the test servers, and how to run them by hand."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
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
    parser.add_argument("--folder", type=Path, help="where the trial is kept; experiments/runs/try-<system> by default")
    parser.add_argument("--bare", action="store_true", help="without the fields that scores are written to")
    asked = parser.parse_args()
    sys.stderr.write(f"simulating {asked.customers:,} customers …\n")
    return asked


def serve(
    system: str, server: ContractServer, environment: dict[str, str], customers: Sequence[str], folder: Path | None
) -> None:
    """Say how to try the whole way, and serve until stopped by hand.

    Parameters
    ----------
    customers : sequence of str
        Ids, of whom scores and alerts are made up to be written.
    """
    folder = folder or Path("experiments", "runs", f"try-{system}")
    folder.mkdir(parents=True, exist_ok=True)
    made_up(customers).to_csv(folder / "scores.csv", index=False)
    alerts_of(customers[:3]).to_csv(folder / "alerts.csv", index=False)
    exports = "\n".join(f"export {variable}={value}" for variable, value in environment.items())
    about = {"system": system, "url": server.url, "count": f"{len(customers):,}", "folder": folder, "exports": exports}
    sys.stdout.write(WAY.format(**about))
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def made_up(customers: Sequence[str]) -> pd.DataFrame:
    """Return scores that no model gave."""
    score = [37 * number % 101 for number in range(len(customers))]
    table = pd.DataFrame({"customer": customers, "score": score})
    table["tier"] = pd.cut(table["score"], [-1, 60, 90, 100], labels=["low", "medium", "high"])
    return table.assign(reasons="made up", action="none", model_version="try", as_of="2026-01-01")


def alerts_of(customers: Sequence[str]) -> pd.DataFrame:
    """Return an alert of each customer."""
    keys = [f"try:{customer}" for customer in customers]
    said = {"cause": "a try", "owner": "", "due": "2026-01-05", "text": "made up"}
    return pd.DataFrame({"key": keys, "customer": customers}).assign(**said)


# Every line is one of a shell, or a comment in it.
WAY = """\
# {count} simulated customers of {system} are at {url} until Ctrl-C is pressed here.
# In another terminal, in this folder, log in:
{exports}

# Which fields of the mapping are there?
riskml crm check {system}
# The tables; once more: what changed.
riskml crm pull {system} {folder}/tables
# What would be written; then it is; once more: nothing is left to write.
riskml crm push {system} {folder}/scores.csv --audit {folder}/audit.db
riskml crm push {system} {folder}/scores.csv --audit {folder}/audit.db --yes
# Alerts; once more: they exist.
riskml crm alerts {system} {folder}/alerts.csv --audit {folder}/audit.db --yes

# The scores are made up. With a model: notebooks/crm.ipynb and docs/crm.md.
# After a restart this is another CRM, and the trial begins anew:
# rm -r {folder}/tables {folder}/audit.db*
"""
