"""What the search costs beside its trials, where they are kept, and whether the budget is kept.

Targets: an overhead below 10 % of the budget, and a fit that never takes 10 % more than its budget. The quick families
alone are the hard case of the overhead, since each of their trials takes a few hundredths of a second; a wide and long
table is that of the budget.

Run: ``python benchmarks/search.py [--budget 20] [--rows 60000]``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from riskml import RiskClassifier
from riskml.data.sources.source import read_table
from riskml.models.families import DEFAULT_FAMILIES

STORAGES = {"memory": None, "journal": "{folder}/search.log", "SQLite": "sqlite:///{folder}/search.db"}


def credit() -> tuple[pd.DataFrame, pd.Series]:
    """Return customers of a bank, and whether each is a bad risk."""
    frame = read_table("credit_data").reset_index(drop=True)
    return frame, (frame.pop("Status") == "bad").astype(int)


def made(rows: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return 40 numbers and 5 categories of 200 levels, and an outcome that two of the numbers make."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(rows, 40))).add_prefix("x")
    levels = {f"c{place}": draw.choice([f"l{level}" for level in range(200)], rows) for place in range(5)}
    chance = 1 / (1 + np.exp(2 - frame["x0"] - frame["x1"] * frame["x2"]))
    return frame.assign(**levels), (draw.random(rows) < chance).astype(int)


def measured(X: pd.DataFrame, y: pd.Series, families: tuple[str, ...], storage: str | None, budget: float) -> str:
    """Return a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        begun, worked = time.perf_counter(), time.process_time()
        where = storage.format(folder=Path(folder)) if storage else None
        model = RiskClassifier(families=families, n_trials=5000, time_budget=budget, storage=where).fit(X, y)
        took, work = time.perf_counter() - begun, time.process_time() - worked
    overhead = (model.search_seconds_ - model.trial_seconds_) / budget
    out = ", ".join(f"without {name}" for name in model.failures_)
    return (
        f"{len(model.trials_):7d}{model.search_seconds_:9.1f}{model.trial_seconds_:11.1f}{overhead:10.1%}"
        f"{took / budget:12.0%}{work / took:8.1f}  {out}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=60_000)
    asked = parser.parse_args()
    big = f"{asked.rows:,} x 45"
    quick = ("tree", "logistic")
    cases = [("credit_data, quick", credit(), quick), ("credit_data", credit(), DEFAULT_FAMILIES)]
    cases.append((big, made(asked.rows), DEFAULT_FAMILIES))
    print(f"budget {asked.budget:.0f} s")
    print(f"{'':30}{'trials':>7}{'search s':>9}{'in trials':>11}{'overhead':>10}{'fit/budget':>12}{'cores':>8}")
    for name, (X, y), families in cases:
        for place, storage in STORAGES.items():
            print(f"{name:20}{place:10}{measured(X, y, families, storage, asked.budget)}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
