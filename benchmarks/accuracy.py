"""`RiskClassifier` beside its peers: the same folds, the same cores, each with its defaults, in one run.

Targets, on two cores, for each table: a mean AUC not below the best peer's, and an expected calibration error not above
the best peer's + .005; `RiskClassifier` and FLAML have 60 seconds a fold; the search never overruns its budget by more
than 10 %.

Run: ``python benchmarks/accuracy.py [--peers PYTHON] [--budget 60] [--folds 3] [TABLE ...]``. PYTHON is the interpreter
of an environment of the peers' own::

    python -m venv peers
    peers/bin/pip install pandas pyarrow xgboost lightgbm catboost interpret-core "flaml[automl]" optbinning

Without it only riskml's half is printed. A TABLE is one of those below, or ``FILE:TARGET:EVENT`` (CSV or Parquet).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from riskml import RiskClassifier
from riskml.data.sources.source import read_table
from riskml.validation import auc, ece

TABLES = {
    "credit_data": ("Status", "bad"),
    "wa_churn": ("churn", "Yes"),
    "mlc_churn": ("churn", "yes"),
    "lending_club": ("Class", "bad"),
}
PEERS = Path(__file__).with_name("peers.py")
OURS = "riskml"


def customers(table: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table's columns and outcomes."""
    source, target, event = table.split(":") if ":" in table else (table, *TABLES[table])
    frame = read_table(source).reset_index(drop=True)
    return frame, (frame.pop(target).astype(str) == event).astype(int)


def ours(X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float) -> dict[str, object]:
    """Return riskml's probabilities for other customers, and its seconds."""
    start = time.perf_counter()
    model = RiskClassifier(time_budget=budget).fit(X, y)
    took = time.perf_counter() - start
    return {"p": model.predict_proba(other)[:, 1], "seconds": took, "note": model.best_family_}


def theirs(
    python: str, X: pd.DataFrame, y: pd.Series, other: pd.DataFrame, budget: float
) -> dict[str, dict[str, object]]:
    """Return each peer's probabilities and seconds, from their own environment."""
    with tempfile.TemporaryDirectory() as folder:
        X.assign(_y=y).to_parquet(Path(folder) / "train.parquet")
        other.to_parquet(Path(folder) / "other.parquet")
        subprocess.run([python, str(PEERS), folder, str(budget)], check=True, stderr=subprocess.DEVNULL)
        found: dict[str, dict[str, object]] = json.loads((Path(folder) / "found.json").read_text())
    return found


def judged(table: str, folds: int, budget: float, python: str | None) -> pd.DataFrame:
    """Return AUC, calibration error and seconds of each fold and model."""
    X, y = customers(table)
    rows = []
    for number, (train, test) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=7).split(X, y)):
        parts = (X.iloc[train], y.iloc[train], X.iloc[test])
        found = {OURS: ours(*parts, budget)} | (theirs(python, *parts, budget) if python else {})
        for name, said in found.items():
            p = np.asarray(said["p"])
            row = {"model": name, "fold": number, "auc": auc(y.iloc[test], p), "ece": ece(y.iloc[test], p)}
            rows.append(row | {"seconds": said["seconds"], "note": said.get("note", "")})
    return pd.DataFrame(rows)


def show(table: str, found: pd.DataFrame, budget: float) -> None:
    """Print a table's means, best first, and what the targets say."""
    by = found.groupby("model", sort=False)
    mean = by[["auc", "ece", "seconds"]].mean().sort_values("auc", ascending=False)
    print(f"\n{table}: means of {found['fold'].nunique()} folds")
    print(f"{'':24}{'AUC':>8}{'ECE':>8}{'seconds':>9}")
    for name, row in mean.iterrows():
        notes = ", ".join(map(str, by.get_group(name)["note"])) if by.get_group(name)["note"].any() else ""
        print(f"{name!s:24}{row['auc']:8.4f}{row['ece']:8.4f}{row['seconds']:9.1f}  {notes}")
    peers = mean.drop(index=OURS)
    if len(peers):
        ahead = mean.loc[OURS, "auc"] - peers["auc"].max()
        off = mean.loc[OURS, "ece"] - peers["ece"].min()
        longest = found.loc[found["model"] == OURS, "seconds"].max()
        print(f"AUC ahead of the best peer {ahead:+.4f}; ECE beyond the best peer's {off:+.4f}; ", end="")
        print(f"longest fit {longest / budget:.0%} of the budget", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--folds", type=int, default=3)
    asked = parser.parse_args()
    for table in asked.tables:
        show(table, judged(table, asked.folds, asked.budget, asked.peers), asked.budget)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
