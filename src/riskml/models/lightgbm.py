"""Gradient boosting with LightGBM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from riskml.models.bagging import BaggedBooster, Grown, Rows, boosted_family
from riskml.runtime.boosted import LightGBM
from riskml.runtime.encoding import Encoding


@dataclass(eq=False, repr=False)
class RiskLightGBM(BaggedBooster):
    """LightGBM over numbers, native categories and missing values, bagged over folds with early stopping.

    Needs the extra ``lightgbm``.

    Parameters
    ----------
    learning_rate, num_leaves, min_child_samples, min_child_weight, subsample, colsample_bytree, reg_lambda
        As in LightGBM.
    bags, folds, max_rounds, patience, monotone, random_state
        As in `RiskBooster`.

    Attributes
    ----------
    rounds_ : list of int
        Trees kept of each model.

    Notes
    -----
    Ke et al. (2017), "LightGBM: a highly efficient gradient boosting decision tree".
    """

    learning_rate: float = 0.05
    num_leaves: int = 15
    min_child_samples: int = 20
    min_child_weight: float = 1.0
    subsample: float = 0.8
    colsample_bytree: float = 0.6
    reg_lambda: float = 5.0
    model_: LightGBM = field(init=False)
    _runtime = LightGBM

    def _grow(self, encoding: Encoding, grow: Rows, stop: Rows, signs: list[int] | None) -> Grown:
        import lightgbm

        settings = {
            "objective": "binary",
            "metric": "binary_logloss",
            "verbosity": -1,
            # The same trees at every fit: one thread, and one way of building the histograms.
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.random_state,
            "subsample_freq": 1,
            **self._tuned(),
        }
        if signs is not None:
            settings["monotone_constraints"] = signs
        categorical = [place for place, levels in enumerate(encoding.levels.values()) if levels is not None]
        options: dict[str, Any] = {"categorical_feature": categorical, "params": settings}
        seen = lightgbm.Dataset(grow.matrix, grow.target, **options)
        held = lightgbm.Dataset(stop.matrix, stop.target, reference=seen, **options)
        stopping = lightgbm.early_stopping(self.patience, verbose=False)
        booster = lightgbm.train(settings, seen, self.max_rounds, valid_sets=[held], callbacks=[stopping])
        # Read again from its text: what scores here is what is exported, without the rows it has seen.
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        return Grown(LightGBM.read(text.encode("utf-8")), booster.best_iteration)


FAMILY = boosted_family(
    "lightgbm",
    label="LightGBM",
    description="gradient-boosted trees (LightGBM), averaged over folds: many small trees, each correcting the others",
    colour="#a6761d",
    estimator=RiskLightGBM,
    space={
        "num_leaves": IntDistribution(4, 63, log=True),
        "learning_rate": FloatDistribution(0.03, 0.2, log=True),
        "min_child_samples": IntDistribution(5, 100, log=True),
        "min_child_weight": FloatDistribution(0.1, 20.0, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
        "colsample_bytree": FloatDistribution(0.3, 1.0),
        "reg_lambda": FloatDistribution(0.5, 50.0, log=True),
    },
    defaults={
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_child_samples": 20,
        "min_child_weight": 1.0,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "reg_lambda": 5.0,
    },
    library="lightgbm",
    extra=True,
)
