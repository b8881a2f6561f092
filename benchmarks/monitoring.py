"""Monitoring's figures beside Evidently's and NannyML's, where they compute the same; and a month of a large book.

Targets: the same figures to 1e-4 where the definitions agree; a month of a million customers in under a minute.

Where they do not: Evidently cuts numbers at equal distances over both books, so that one outlier hides a shift
(psi_outlier), and its chi-square takes the first book's shares as known.

Run: ``python benchmarks/monitoring.py [--peers PYTHON] [--rows 100000]``. PYTHON is the interpreter of an environment
of the peers' own::

    python -m venv monpeers
    monpeers/bin/pip install nannyml evidently "pandas<3"

Without it only riskml's half is printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskml.monitoring import estimated_performance
from riskml.validation import auc, baseline, drift_test, psi

PEERS = Path(__file__).with_name("monitoring_peers.py")


def books(rows: int, seed: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a book of training and a later one: numbers have moved, and the probabilities still mean what they did."""
    rng = np.random.default_rng(seed)

    def book(shift: float, shares: list[float]) -> pd.DataFrame:
        number = rng.normal(shift, 1, rows)
        chance = 1 / (1 + np.exp(2.0 - 1.3 * number))
        outlier = number.copy()
        outlier[0] = 1e4
        return pd.DataFrame(
            {
                "number": number,
                "outlier": outlier,
                "level": rng.choice(["a", "b", "c", "d"], rows, p=shares),
                "p": chance,
                "y": (rng.random(rows) < chance).astype(int),
            }
        )

    before, now = book(0.0, [0.4, 0.3, 0.2, 0.1]), book(0.5, [0.3, 0.3, 0.2, 0.2])
    edges = np.array(baseline(before["number"]).edges)
    for frame in (before, now):
        frame["band"] = np.searchsorted(edges, frame["number"]).astype(str)
    return before, now


def ours(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, float]:
    """Return riskml's figures, and the seconds of each."""
    few = before.head(60), now.head(60)
    figures: dict[str, Callable[[], Any]] = {
        "psi_level": lambda: psi(before["level"], now["level"]),
        "psi_band": lambda: psi(before["band"], now["band"]),
        "psi_number": lambda: psi(before["number"], now["number"]),
        "psi_outlier": lambda: psi(before["outlier"], now["outlier"]),
        "js_level": lambda: drift_test(before["level"], now["level"]).statistic,
        "wasserstein_number": lambda: drift_test(before["number"], now["number"]).statistic,
        "ks_p_number": lambda: drift_test(few[0]["number"], few[1]["number"]).p_value,
        "chi_p_level": lambda: drift_test(few[0]["level"], few[1]["level"]).p_value,
        "auc_estimated": lambda: estimated_performance(now["p"].to_numpy()).auc.value,
    }
    told: dict[str, float] = {}
    for name, figure in figures.items():
        start = time.perf_counter()
        told[name] = float(figure())
        told[f"{name}_seconds"] = time.perf_counter() - start
    told["auc_cbpe"] = told["auc_estimated"]
    # Theirs is in bits.
    told["js_level_base_2"] = told["js_level"] / float(np.sqrt(np.log(2)))
    return told


def theirs(python: str, before: pd.DataFrame, now: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the peers' figures, from their own environment."""
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("before", before), ("now", now)):
            frame.to_parquet(Path(folder) / f"{name}.parquet")
        subprocess.run([python, str(PEERS), folder], check=True, stderr=subprocess.DEVNULL)
        found: dict[str, dict[str, Any]] = json.loads((Path(folder) / "found.json").read_text())
    return found


def month(rows: int) -> None:
    """Print the seconds of a month's measures of a large book, beyond its scoring."""
    from riskml.config.monitoring import MonitoringConfig
    from riskml.monitoring.drift import score_shift
    from riskml.monitoring.migration import tier_moves
    from riskml.monitoring.realised_performance import realised

    before, now = books(rows)
    tiers = ["low", "medium", "high"]
    for frame in (before, now):
        frame["tier"] = pd.cut(frame["p"], [-1, 0.1, 0.3, 1], labels=tiers).astype(str)
        frame["probability"] = frame["p"]
    training = before.assign(fitted=before["p"])[["probability", "fitted", "tier"]]
    start = time.perf_counter()
    score_shift(training, now["probability"], MonitoringConfig())
    tier_moves(now, training["tier"], tiers, before=before["tier"])
    estimated_performance(now["p"].to_numpy())
    realised(now["y"].astype(float), now, tiers, auc_before=0.8)
    print(
        f"scores, tiers, estimated and realised performance of {rows:,} customers: {time.perf_counter() - start:.1f} s"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    before, now = books(asked.rows)
    own = ours(before, now)
    found = theirs(asked.peers, before, now) if asked.peers else {"versions": {}}
    print(f"{asked.rows:,} customers; peers: {found.pop('versions')}")
    print(f"{'':22}{'riskml':>12}{'seconds':>9}" + "".join(f"{name:>14}{'seconds':>9}" for name in found))
    for name in [one for one in own if not one.endswith("_seconds")]:
        line = f"{name:22}{own[name]:12.6f}{own.get(name + '_seconds', float('nan')):9.3f}"
        for said in found.values():
            line += f"{said.get(name, float('nan')):14.6f}{said.get(name + '_seconds', float('nan')):9.3f}"
        print(line)
    print(f"AUC that these customers realised: {auc(now['y'], now['p']):.6f}", flush=True)
    month(1_000_000)


if __name__ == "__main__":
    main()
