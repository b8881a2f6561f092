"""Two months of a large book, by a boosted model: score, reasons, tiers, actions, alerts, lists, messages, the pack.

Target, on two cores: a month of 1,000,000 customers in under 2 minutes and 4 GB. The book is the sample credit_data,
drawn with noise; in the second month incomes moved, so that tiers, alerts and the pack have something to tell.

Run: ``python benchmarks/managing.py [--customers 1000000]``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from riskml.config.experiment import read_experiment
from riskml.config.policy import policy_of, read_policy
from riskml.config.warning import read_rules
from riskml.data.catalog import load_sample
from riskml.export.artifact import write_artifact
from riskml.models.boosting import RiskBooster
from riskml.portfolio.manage import MonthInputs, manage
from riskml.runs.model_loading import load_model
from riskml.runtime.package import Artifact

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
MONTHS = (dt.date(2026, 1, 31), dt.date(2026, 2, 28))


def model_of(folder: Path) -> Artifact:
    """Return boosting on the sample, five bags, as it is exported."""
    frame = load_sample("credit_data")
    X, y = frame.drop(columns="Status"), (frame["Status"] == "bad").astype(int)
    fitted = RiskBooster().fit(X, y)
    experiment = read_experiment(EXPERIMENTS / "credit_default.yaml")
    return load_model(write_artifact(fitted, folder, experiment=experiment, family="boosting", X_train=X, metrics={}))


def book_of(customers: int, seed: int = 7) -> pd.DataFrame:
    """Return the sample's rows, drawn with replacement, their numbers shaken by a tenth."""
    rng = np.random.default_rng(seed)
    frame = load_sample("credit_data").drop(columns="Status")
    book = frame.iloc[rng.integers(0, len(frame), customers)].reset_index(drop=True)
    for name in ("Income", "Expenses", "Assets", "Debt", "Amount", "Price"):
        book[name] = (book[name] * rng.lognormal(0, 0.1, customers)).round()
    return book.rename_axis(index="customer")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=float, default=1e6)
    customers = int(parser.parse_args().customers)
    rng = np.random.default_rng(8)
    said = read_policy(EXPERIMENTS / "policies" / "credit_default.yaml").model_dump(mode="json")
    grown = customers / 4454  # of the sample's month, so that limits bind as they do there
    said["limits"] = {"budget": 6000 * grown}
    for one in said["treatments"].values():
        one["capacity"] = None if one["capacity"] is None else int(one["capacity"] * grown)
    policy = policy_of(said)
    rules = read_rules(EXPERIMENTS / "warnings" / "credit_default.yaml")
    with tempfile.TemporaryDirectory() as place:
        asked = MonthInputs(model_of(Path(place) / "model"), policy, rules)
        book = book_of(customers)
        print(f"{customers:,} customers\n{'':22s}seconds")
        for month in MONTHS:
            steps: list[tuple[str, float]] = []
            start = time.perf_counter()
            done = manage(
                asked,
                book,
                month,
                Path(place) / "book",
                today=MONTHS[-1],
                progress=lambda what, steps=steps: steps.append((what, time.perf_counter())),
            )
            end = time.perf_counter()
            for (what, began), (_, ended) in zip(steps, [*steps[1:], ("", end)], strict=True):
                print(f"  {what:20s}{ended - began:7.1f}")
            state = done.month.state
            told = f"{state['actions']:,} actions, {state['left_out']:,} left out, {state['alerts_opened']:,} alerts"
            print(f"{month}: whole{end - start:15.1f}  {told}")
            book["Income"] = (book["Income"] * rng.lognormal(-0.03, 0.1, customers)).round()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB (target 4); target of a month 120 s")


if __name__ == "__main__":
    main()
