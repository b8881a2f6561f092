"""Gradient boosting with CatBoost."""

from __future__ import annotations

from dataclasses import dataclass, field

from optuna.distributions import FloatDistribution, IntDistribution

from riskml.errors import RiskmlError
from riskml.models.bagging import BaggedBooster, Grown, Rows, boosted_family
from riskml.runtime.boosted import CatBoost, catboost_pool
from riskml.runtime.encoding import Encoding


@dataclass(eq=False, repr=False)
class RiskCatBoost(BaggedBooster):
    """CatBoost over numbers, native categories and missing values, bagged over folds with early stopping.

    Needs the extra ``catboost``.

    Parameters
    ----------
    learning_rate, depth, l2_leaf_reg, random_strength, subsample, rsm, max_ctr_complexity
        As in CatBoost.
    bags, folds, max_rounds, patience, monotone, random_state
        As in `RiskBooster`; with ``monotone``, levels are not combined (``max_ctr_complexity`` 1).

    Attributes
    ----------
    rounds_ : list of int
        Trees kept of each model.

    Notes
    -----
    Prokhorenkova et al. (2018), "CatBoost: unbiased boosting with categorical features".
    """

    learning_rate: float = 0.08
    depth: int = 5
    l2_leaf_reg: float = 5.0
    random_strength: float = 1.0
    subsample: float = 0.8
    rsm: float = 0.8
    max_ctr_complexity: int = 2
    model_: CatBoost = field(init=False)
    _runtime = CatBoost

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
            "bootstrap_type": "MVS",
            **self._tuned(),
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


FAMILY = boosted_family(
    "catboost",
    label="CatBoost",
    description="gradient-boosted trees (CatBoost), averaged over folds: many small trees, each correcting the others",
    colour="#5e3c99",
    estimator=RiskCatBoost,
    space={
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
    library="catboost",
    extra=True,
)
