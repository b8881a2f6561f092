"""Gradient boosting with XGBoost."""

from __future__ import annotations

from dataclasses import dataclass, field

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from riskml.models.bagging import BaggedBooster, Grown, Rows, boosted_family
from riskml.runtime.boosted import Boosting
from riskml.runtime.encoding import Encoding


@dataclass(eq=False, repr=False)
class RiskBooster(BaggedBooster):
    """XGBoost over numbers, native categories and missing values, bagged over folds with early stopping.

    The rows are cut into folds; for each of the first ``bags`` folds one model grows on the other folds and stops when
    the fold's log loss no longer falls. Their log-odds are averaged.

    Parameters
    ----------
    bags : int, default=5
        Models that are averaged.
    folds : int, default=5
        Folds the rows are cut into; at least ``bags``.
    max_rounds : int, default=2000
        Trees per model at the most.
    patience : int, default=40
        Rounds without improvement before a model stops.
    learning_rate, max_depth, min_child_weight, subsample, colsample_bytree, reg_lambda, gamma, max_cat_to_onehot
        As in XGBoost.
    n_jobs : int, default=1
        Threads of one model. The trees depend on it in their last digits, and threads that wait for each other are
        slow on a busy machine: the kit runs several models side by side instead.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises.

    Attributes
    ----------
    rounds_ : list of int
        Trees kept of each model.

    Notes
    -----
    Chen and Guestrin (2016), "XGBoost: a scalable tree boosting system".
    """

    learning_rate: float = 0.08
    max_depth: int = 3
    min_child_weight: float = 5.0
    subsample: float = 0.8
    colsample_bytree: float = 0.6
    reg_lambda: float = 5.0
    gamma: float = 0.0
    max_cat_to_onehot: int = 100
    n_jobs: int = 1
    model_: Boosting = field(init=False)
    _runtime = Boosting

    def _grow(self, encoding: Encoding, grow: Rows, stop: Rows, signs: list[int] | None) -> Grown:
        import xgboost

        types = ["float" if levels is None else "c" for levels in encoding.levels.values()]
        options = {"feature_types": types, "enable_categorical": True, "nthread": self.n_jobs}
        seen = xgboost.QuantileDMatrix(grow.matrix, grow.target, max_bin=128, **options)
        held = xgboost.QuantileDMatrix(stop.matrix, stop.target, max_bin=128, ref=seen, **options)
        settings = {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_bin": 128,
            "nthread": self.n_jobs,
            "seed": self.random_state,
            **self._tuned(),
        }
        if signs is not None:
            settings["monotone_constraints"] = tuple(signs)
        stopping = xgboost.callback.EarlyStopping(rounds=self.patience, save_best=True)
        booster = xgboost.train(
            settings, seen, self.max_rounds, evals=[(held, "held")], callbacks=[stopping], verbose_eval=False
        )
        return Grown(booster, booster.num_boosted_rounds())


FAMILY = boosted_family(
    "boosting",
    label="boosting",
    description="gradient-boosted trees (XGBoost), averaged over folds: many small trees, each correcting the others",
    colour="#e69f00",
    estimator=RiskBooster,
    space={
        "max_depth": IntDistribution(1, 10),
        "learning_rate": FloatDistribution(0.03, 0.2, log=True),
        "min_child_weight": FloatDistribution(1e-3, 50.0, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
        "colsample_bytree": FloatDistribution(0.3, 1.0),
        "reg_lambda": FloatDistribution(0.01, 50.0, log=True),
        "gamma": FloatDistribution(1e-3, 5.0, log=True),
        # Up to so many levels are split off one by one; sets of levels overfit if there are many.
        "max_cat_to_onehot": CategoricalDistribution((8, 100)),
    },
    defaults={
        "max_depth": 3,
        "learning_rate": 0.08,
        "min_child_weight": 5.0,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "reg_lambda": 5.0,
        "gamma": 1e-3,
        "max_cat_to_onehot": 100,
    },
    starts=(
        {"max_depth": 6, "learning_rate": 0.05, "min_child_weight": 0.1, "colsample_bytree": 0.8, "reg_lambda": 0.5},
        {"max_depth": 8, "learning_rate": 0.05, "min_child_weight": 1.0, "colsample_bytree": 0.5, "reg_lambda": 1.0},
        {"max_depth": 2, "learning_rate": 0.1, "min_child_weight": 10.0},
        {"max_depth": 5, "min_child_weight": 0.01, "subsample": 1.0, "colsample_bytree": 1.0, "reg_lambda": 2.0},
    ),
    library="xgboost",
)
