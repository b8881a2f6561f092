"""How near to the best possible does the kit come? A simulated book, whose true probabilities of default are known.

Target: the boosted model's AUC out of time within .01 of the AUC of the true probabilities.

Run: ``python benchmarks/simulated.py [--customers 50000] [--folder FOLDER]``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from riskml.config.experiment import read_experiment
from riskml.data.prepare import prepare
from riskml.data.simulate import simulate
from riskml.data.split import split
from riskml.features.training_table import experiment_panel, experiment_table
from riskml.models.families import FAMILIES, estimator
from riskml.validation import auc, delong_test

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "book_default.yaml"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        start = time.perf_counter()
        book = simulate(folder / "data" / "book", asked.customers, horizon_days=90)
        print(f"{asked.customers:,} customers simulated in {time.perf_counter() - start:.0f} s")
        file = folder / "experiments" / EXPERIMENT.name
        file.parent.mkdir(exist_ok=True)
        file.write_text(EXPERIMENT.read_text(encoding="utf-8"), encoding="utf-8")
        experiment = read_experiment(file)
        start = time.perf_counter()
        rows = experiment_table(experiment, experiment_panel(experiment, folder / "panel"))
        print(f"{len(rows):,} rows of {rows.shape[1] - 4} features in {time.perf_counter() - start:.0f} s")
        truth = book.read("truth").rename(columns={"month": "as_of"})
        rows = rows.merge(truth[["customer", "as_of", "default_probability"]], on=["customer", "as_of"], how="left")
        true = rows.pop("default_probability").to_numpy()
        prepared = prepare(rows, experiment)
        parts = split(prepared.y, prepared.dates, experiment.split, prepared.groups)
        train, oot = (parts["part"] == "train").to_numpy(), (parts["part"] == "oot").to_numpy()
        print(f"{train.sum():,} rows to learn from, {oot.sum():,} out of time, {int(prepared.y[oot].sum())} events")
        y = prepared.y.to_numpy()[oot]
        print(f"{'':12}{'AUC':>8}{'behind':>9}{'± (95 %)':>10}{'seconds':>9}")
        print(f"{'truth':12}{auc(y, true[oot]):8.4f}")
        for family in ("scorecard", "logistic", "boosting"):
            start = time.perf_counter()
            model = estimator(family, FAMILIES[family].defaults, special_values=None, random_state=7)
            p = model.fit(prepared.X[train], prepared.y[train]).predict_proba(prepared.X[oot])[:, 1]
            test = delong_test(y, true[oot], p)
            half = (test.upper - test.lower) / 2
            behind = auc(y, true[oot]) - auc(y, p)
            print(f"{family:12}{auc(y, p):8.4f}{behind:9.4f}{half:10.4f}{time.perf_counter() - start:9.1f}", flush=True)


if __name__ == "__main__":
    main()
