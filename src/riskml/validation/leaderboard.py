"""Comparison of the families: cross-validated, and on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskml.data.dataset import Dataset
from riskml.metrics import auc, brier, delong_test, gini, ks, log_loss
from riskml.validation.performance import TierLike, tier_of

if TYPE_CHECKING:
    from riskml.models.classifier import RiskClassifier

_MEASURES = {"auc": auc, "gini": gini, "ks": ks, "brier": brier, "logloss": log_loss}


def predictions(classifier: RiskClassifier, features: Dataset, tiers: Sequence[TierLike]) -> pd.DataFrame:
    """Return every row's probability by every family: out of fold in the training set, by the final model elsewhere."""
    train = features.part == "train"
    frame = pd.DataFrame({"_part": features.part, "_target": features.y})
    for family, estimator in classifier.estimators_.items():
        chance = pd.Series(np.nan, index=range(len(frame)))
        chance[train.to_numpy()] = classifier.oof_[family].to_numpy()
        chance[~train.to_numpy()] = estimator.predict_proba(features.X[~train])[:, 1]
        frame[family] = chance.to_numpy()
    frame["probability"] = frame[classifier.best_family_]
    frame["tier"] = tier_of(frame["probability"], tiers)
    return frame


def leaderboard(classifier: RiskClassifier, predicted: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return the families, best first: cross-validated, and measured on the test set (``test`` or ``oot``)."""
    rows = predicted[predicted["_part"] == part]
    board = classifier.leaderboard_
    measured = {
        f"{name}_test": [measure(rows["_target"], rows[family]) for family in board["family"]]
        for name, measure in _MEASURES.items()
    }
    return board[["family", "auc_cv", "auc_cv_se"]].assign(**measured, columns=board["columns"], chosen=board["chosen"])


def against(predicted: pd.DataFrame, champion: str, others: Sequence[str]) -> pd.DataFrame:
    """Return the lead in AUC of the chosen family over each other one, on the same rows."""
    rows = []
    for family in others:
        test = delong_test(predicted["_target"], predicted[champion], predicted[family])
        rows.append((family, test.auc_b, test.difference, test.lower, test.upper, test.p_value))
    return pd.DataFrame(rows, columns=["family", "auc", "champion_leads_by", "lower", "upper", "p_value"])
