"""The peers of `monitoring.py`: started by it, in an environment without riskml."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Found = dict[str, dict[str, float]]


def evidently(before: pd.DataFrame, now: pd.DataFrame) -> Found:
    """Return the drift of each column by Evidently's tests."""
    from evidently.legacy.calculations import stattests as tests
    from evidently.legacy.core import ColumnType

    few = before.head(60), now.head(60)
    found = {
        "psi_level": (tests.psi_stat_test, "level", "cat", (before, now)),
        "psi_band": (tests.psi_stat_test, "band", "cat", (before, now)),
        "psi_number": (tests.psi_stat_test, "number", "num", (before, now)),
        "psi_outlier": (tests.psi_stat_test, "outlier", "num", (before, now)),
        "js_level": (tests.jensenshannon_stat_test, "level", "cat", (before, now)),
        "wasserstein_number": (tests.wasserstein_stat_test, "number", "num", (before, now)),
        "ks_p_number": (tests.ks_stat_test, "number", "num", few),
        "chi_p_level": (tests.chi_stat_test, "level", "cat", few),
    }
    told: dict[str, float] = {}
    for name, (test, column, kind, (old, new)) in found.items():
        start = time.perf_counter()
        told[name] = float(test.func(old[column], new[column], ColumnType(kind), 0.1)[0])
        told[f"{name}_seconds"] = time.perf_counter() - start
    return {"evidently": told}


def nannyml(before: pd.DataFrame, now: pd.DataFrame) -> Found:
    """Return NannyML's estimate of the AUC, as a function and in whole, and its Jensen-Shannon distance."""
    import nannyml as nml
    from nannyml.performance_estimation.confidence_based.metrics import estimate_roc_auc

    start = time.perf_counter()
    told = {"auc_estimated": float(estimate_roc_auc(now["p"], now["p"]))}
    told["auc_estimated_seconds"] = time.perf_counter() - start
    start = time.perf_counter()
    whole = nml.CBPE(
        y_true="y",
        y_pred="decided",
        y_pred_proba="p",
        problem_type="classification_binary",
        metrics=["roc_auc"],
        chunk_number=1,
    )
    reference = before.assign(decided=(before["p"] > 0.5).astype(int))
    analysis = now.assign(decided=(now["p"] > 0.5).astype(int)).drop(columns="y")
    result: Any = whole.fit(reference).estimate(analysis).filter(period="analysis").to_df()[("roc_auc", "value")]
    told |= {"auc_cbpe": float(result.iloc[0]), "auc_cbpe_seconds": time.perf_counter() - start}
    drift = nml.UnivariateDriftCalculator(
        column_names=["level"], categorical_methods=["jensen_shannon"], chunk_number=1
    )
    frame: Any = drift.fit(before[["level"]]).calculate(now[["level"]]).filter(period="analysis").to_df()
    told["js_level_base_2"] = float(frame[("level", "jensen_shannon", "value")].iloc[0])
    return {"nannyml": told}


def main() -> None:
    """Read the two books, and write what was found."""
    folder = Path(sys.argv[1])
    before, now = (pd.read_parquet(folder / f"{name}.parquet") for name in ("before", "now"))
    found: dict[str, Any] = {"versions": {"numpy": np.__version__, "pandas": pd.__version__}}
    for peer in (evidently, nannyml):
        try:
            found |= peer(before, now)
            found["versions"][peer.__name__] = __import__(peer.__name__).__version__
        except Exception as error:  # a peer that does not work here costs its own column
            found[peer.__name__] = {}
            found["versions"][peer.__name__] = f"{type(error).__name__}: {error}"
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
