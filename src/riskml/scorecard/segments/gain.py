"""Cross-validated gain of segments over the single card."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, check_cv

from riskml.errors import ConfigError
from riskml.runtime.frame import Floats


def payoff(
    models: Mapping[str, Any],
    frame: pd.DataFrame,
    event: NDArray[np.int8],
    weight: Floats | None,
    periods: pd.Series | None,
    *,
    cv: Any,
    random_state: int | None,
) -> pd.DataFrame:
    """Return how two models do on rows that they were not fitted on."""
    gains: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    folds = StratifiedKFold(int(cv), shuffle=True, random_state=random_state) if isinstance(cv, Integral) else cv
    parts = list(check_cv(folds).split(frame, event))
    if len(parts) < 2:
        raise ConfigError(
            f"at least 2 folds are needed; got {len(parts)}", where="cv", fix="a generator is used up by its first fit"
        )
    for train, test in parts:
        part = {"sample_weight": weight, "periods": periods}
        of_train = {name: values[train] for name, values in part.items() if values is not None}
        of_test = None if weight is None else weight[test]
        for name, model in models.items():
            fitted = clone(model).fit(frame.iloc[train], event[train], **of_train)
            p = fitted.predict_proba(frame.iloc[test])[:, 1]
            gains[name].append(
                (
                    float(roc_auc_score(event[test], p, sample_weight=of_test)),
                    float(log_loss(event[test], p, sample_weight=of_test)),
                )
            )
    folds_of = {name: np.array(values) for name, values in gains.items()}
    first, second = folds_of.values()
    rows = []
    for name, values in (folds_of | {"gain": second - first}).items():
        (auc, loss), (auc_sd, loss_sd) = values.mean(axis=0), values.std(axis=0, ddof=1)
        rows.append({"model": name, "auc": auc, "auc_sd": auc_sd, "log_loss": loss, "log_loss_sd": loss_sd})
    return pd.DataFrame(rows)
