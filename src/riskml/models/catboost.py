"""Gradient boosting with CatBoost."""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import FloatDistribution, IntDistribution

from riskml.errors import RiskmlError
from riskml.models.bagging import BaggedBooster, Grown, Rows
from riskml.models.family import Family
from riskml.runtime.boosted import CatBoost, catboost_pool
from riskml.runtime.encoding import Encoding


class RiskCatBoost(BaggedBooster):
    """CatBoost over numbers, native categories and missing values, bagged over folds with early stopping.

    Needs the extra ``catboost``.

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
    learning_rate, depth, l2_leaf_reg, random_strength, subsample, rsm, max_ctr_complexity
        As in CatBoost.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises; levels are then not combined (``max_ctr_complexity`` 1).

    Attributes
    ----------
    rounds_ : list of int
        Trees kept of each model.

    Notes
    -----
    Prokhorenkova et al. (2018), "CatBoost: unbiased boosting with categorical features".
    """

    model_: CatBoost
    _runtime = CatBoost

    def __init__(
        self,
        bags: int = 5,
        folds: int = 5,
        max_rounds: int = 2000,
        patience: int = 40,
        learning_rate: float = 0.08,
        depth: int = 5,
        l2_leaf_reg: float = 5.0,
        random_strength: float = 1.0,
        subsample: float = 0.8,
        rsm: float = 0.8,
        max_ctr_complexity: int = 2,
        monotone: Mapping[str, str] | None = None,
        random_state: int = 0,
    ) -> None:
        self.bags = bags
        self.folds = folds
        self.max_rounds = max_rounds
        self.patience = patience
        self.learning_rate = learning_rate
        self.depth = depth
        self.l2_leaf_reg = l2_leaf_reg
        self.random_strength = random_strength
        self.subsample = subsample
        self.rsm = rsm
        self.max_ctr_complexity = max_ctr_complexity
        self.monotone = monotone
        self.random_state = random_state

    def _grow(self, encoding: Encoding, grow: Rows, stop: Rows, signs: list[int] | None) -> Grown:
        import catboost

        settings = {
            "loss_function": "Logloss",
            "iterations": self.max_rounds,
            "od_type": "Iter",
            "od_wait": self.patience,
            "use_best_model": True,
            "thread_count": 1,
            "random_seed": self.random_state,
            "allow_writing_files": False,
            "logging_level": "Silent",
            "learning_rate": self.learning_rate,
            "depth": self.depth,
            "l2_leaf_reg": self.l2_leaf_reg,
            "random_strength": self.random_strength,
            "bootstrap_type": "MVS",
            "subsample": self.subsample,
            "rsm": self.rsm,
            "max_ctr_complexity": self.max_ctr_complexity,
        }
        if signs is not None and any(signs):
            settings["monotone_constraints"] = signs
            # A level's statistics may be taken within a range of numbers, which no constraint reaches.
            settings["max_ctr_complexity"] = 1
        seen = catboost_pool(encoding, grow.matrix, grow.target)
        held = catboost_pool(encoding, stop.matrix, stop.target)
        try:
            booster = catboost.CatBoost(settings).fit(seen, eval_set=held)
        except catboost.CatBoostError as error:
            # No InputError, so that a comparison goes on without this family: others can do with these rows.
            reason = str(error).partition(": ")[2] or str(error)  # without the place in its source
            raise RiskmlError(f"CatBoost cannot learn from these rows: {reason}", fix="hand in more rows") from None
        # The time of training and a random name would make each file another one.
        notes = booster.get_metadata()
        for name in list(notes.keys()):
            del notes[name]
        rounds = int(booster.tree_count_)
        # Read again from its bytes: what scores here is what is exported.
        return Grown(CatBoost.read(bytes(booster._serialize_model())), rounds)


FAMILY = Family(
    "catboost",
    label="CatBoost",
    description="gradient-boosted trees (CatBoost), averaged over folds: many small trees, each correcting the others",
    colour="#5e3c99",
    estimator=RiskCatBoost,
    search_space={
        "depth": IntDistribution(2, 8),
        "learning_rate": FloatDistribution(0.03, 0.2, log=True),
        "l2_leaf_reg": FloatDistribution(0.5, 50.0, log=True),
        "random_strength": FloatDistribution(0.1, 10.0, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
        "rsm": FloatDistribution(0.3, 1.0),
    },
    defaults={
        "depth": 5,
        "learning_rate": 0.08,
        "l2_leaf_reg": 5.0,
        "random_strength": 1.0,
        "subsample": 0.8,
        "rsm": 0.8,
    },
    complexity=4,
    interpretable=False,
    time_share=0.5,
    search_overrides={"bags": 1},
    bags=5,
    n_averaged=3,
    early_stopping=True,
    recalibrate=True,
    library="catboost",
    extra=True,
)
