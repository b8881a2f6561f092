"""All of riskml.validation on a million rows, beside scikit-learn, scipy and (where installed) empulse.

Targets: DeLong in under 1 s; everything in under 20 s and 2 GB.

Run: ``python benchmarks/validation.py [ROWS]``
"""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from riskml import metrics as v

SECONDS, GIGABYTES, DELONG_SECONDS = 20.0, 2.0, 1.0


def book(rows: int, seed: int = 0) -> dict[str, Any]:
    """Return outcomes, two models' probabilities, grades, tiers, periods, groups and columns of a made-up book."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(-3, 1.2, rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    a = 1 / (1 + np.exp(-(risk + rng.normal(0, 0.6, rows))))
    b = 1 / (1 + np.exp(-(risk + rng.normal(0, 0.8, rows))))
    edges = np.quantile(a, [0.2, 0.4, 0.6, 0.75, 0.9, 0.97])
    return {
        "y": y,
        "a": a,
        "b": b,
        "grade_a": np.searchsorted(edges, a),
        "grade_b": np.searchsorted(edges, b),
        "month": np.array([f"2024-{month:02d}" for month in range(1, 13)])[rng.integers(0, 12, rows)],
        "group": np.array(["f", "m", "x"])[rng.choice(3, rows, p=[0.49, 0.5, 0.01])],
        "frame": pd.DataFrame(
            {
                "income": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(8, 1, rows)),
                "age": rng.integers(18, 90, rows),
                "region": pd.Categorical.from_codes(rng.integers(0, 8, rows), list("abcdefgh")),
                "channel": np.array(["branch", "web", "phone"])[rng.integers(0, 3, rows)],
            }
        ),
        "exposure": rng.lognormal(8, 0.5, rows),
    }


def measures(d: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Return every public measure, ready to be called."""
    y, a, b, half = d["y"], d["a"], d["b"], len(d["y"]) // 2
    credit = v.CreditCosts(exposure=d["exposure"], lgd=0.45, margin=0.05)
    churn = v.ChurnCosts(value=200, contact_cost=1, incentive=10)
    return {
        "auc": lambda: v.auc(y, a),
        "gini": lambda: v.gini(y, a),
        "ks": lambda: v.ks(y, a),
        "h_measure": lambda: v.h_measure(y, a),
        "delong": lambda: v.delong(y, a),
        "delong_test": lambda: v.delong_test(y, a, b),
        "auc_decline": lambda: v.auc_decline(y, a, 0.8),
        "roc_curve": lambda: v.roc_curve(y, a),
        "gains_table": lambda: v.gains_table(y, a),
        "captured_share": lambda: v.captured_share(y, a),
        "brier": lambda: v.brier(y, a),
        "brier_decomposition": lambda: v.brier_decomposition(y, a),
        "log_loss": lambda: v.log_loss(y, a),
        "ece": lambda: v.ece(y, a),
        "calibration_table": lambda: v.calibration_table(y, a),
        "observed_expected": lambda: v.observed_expected(y, a, by=d["month"]),
        "hosmer_lemeshow": lambda: v.hosmer_lemeshow(y, a, grade=d["grade_a"]),
        "jeffreys_test": lambda: v.jeffreys_test(y, a, grade=d["grade_a"]),
        "binomial_test": lambda: v.binomial_test(y, a, grade=d["grade_a"]),
        "psi_test": lambda: v.psi_test(a[:half], a[half:]),
        "csi": lambda: v.csi(d["frame"][:half], d["frame"][half:]),
        "psi_by": lambda: v.psi_by(a[:half], a, d["month"]),
        "performance_by": lambda: v.performance_by(y, a, d["month"]),
        "migration_matrix": lambda: v.matrix_weighted_bandwidth(v.migration_matrix(d["grade_a"], d["grade_b"])),
        "concentration": lambda: v.concentration(d["grade_a"]),
        "approval_rate_ratio": lambda: v.approval_rate_ratio(a < 0.1, d["group"]),
        "equal_opportunity": lambda: v.equal_opportunity(y, a < 0.1, d["group"]),
        "calibration_within_groups": lambda: v.calibration_within_groups(y, a, d["group"]),
        "emp": lambda: v.emp(y, a),
        "emp, Beta prior": lambda: v.emp(y, a, prior=v.BetaPrior(2, 3)),
        "empc": lambda: v.empc(y, a),
        "profit_curve, credit": lambda: v.profit_curve(y, a, credit),
        "profit_curve, churn": lambda: v.profit_curve(y, a, churn),
        "best_cutoff": lambda: v.best_cutoff(y, a, credit),
        "expected_profit_curve": lambda: v.expected_profit_curve(a, credit),
        "paired_differences": lambda: v.paired_differences(y, a, b, seed=1),
        "swap_set": lambda: v.swap_set(y, d["grade_a"], d["grade_b"]),
    }


def peers(d: dict[str, Any]) -> dict[str, tuple[str, Callable[[], float]]]:
    """Return what another package computes of the same."""
    from scipy.stats import ks_2samp
    from sklearn import metrics as sk

    y, a = d["y"], d["a"]
    found: dict[str, tuple[str, Callable[[], float]]] = {
        "auc": ("scikit-learn", lambda: sk.roc_auc_score(y, a)),
        "ks": ("scipy", lambda: float(ks_2samp(a[y == 1], a[y == 0], method="asymp").statistic)),
        "brier": ("scikit-learn", lambda: sk.brier_score_loss(y, a)),
        "log_loss": ("scikit-learn", lambda: sk.log_loss(y, a)),
    }
    if importlib.util.find_spec("empulse"):
        from empulse import metrics as em

        found["emp"] = ("empulse", lambda: em.empcs_score(y, a))
        found["empc"] = ("empulse", lambda: em.empc_score(y, a))
    return found


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the seconds it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def main(rows: int) -> int:
    """Print the table; return 1 when a target is missed."""
    d = book(rows)
    cpu = time.process_time()
    results = {name: timed(function) for name, function in measures(d).items()}
    cpu = time.process_time() - cpu
    # Memory is read before the peers run: the whole process, with the book and the imports in it.
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    others = {name: (peer, *timed(function)) for name, (peer, function) in peers(d).items()}
    print(f"riskml.validation on {rows:,} rows, {int(d['y'].sum()):,} events\n")
    print(f"{'measure':<28}{'seconds':>9}   {'peer':<14}{'seconds':>9}{'difference':>13}")
    for name, (result, seconds) in results.items():
        line = f"{name:<28}{seconds:>9.3f}"
        if name in others:
            peer, value, taken = others[name]
            line += f"   {peer:<14}{taken:>9.3f}{abs(result - value):>13.1e}"
        print(line)
    total, delong = sum(seconds for _, seconds in results.values()), results["delong_test"][1]
    print(f"\nall {total:.1f} s (target {SECONDS:g}), of the processor {cpu:.1f} s")
    print(f"DeLong {delong:.2f} s (target {DELONG_SECONDS:g}), peak memory {gigabytes:.2f} GB (target {GIGABYTES:g})")
    return int(total > SECONDS or gigabytes > GIGABYTES or delong > DELONG_SECONDS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
