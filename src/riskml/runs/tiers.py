"""Tiers of a run on the test set, and tiers proposed from the training set."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import yaml

from riskml.config.experiment import Experiment, TierConfig
from riskml.data.audit_columns import exposure_column
from riskml.errors import ConfigError, InputError
from riskml.policy.cutoffs import equal_risk_tiers, profit_best_tiers
from riskml.policy.tiers import Floats, tier_table
from riskml.runs.run import Run
from riskml.validation.profit import costs_of

RULES = ("equal_risk", "profit_best")


@dataclass(frozen=True)
class Proposal:
    """Tiers of a run, measured on the test set."""

    tiers: tuple[TierConfig, ...]
    table: pd.DataFrame  # `riskml.policy.tiers.tier_table` of the test set
    currency: str  # of the table's amounts
    yaml: str  # for an experiment file


def tiers_of_run(run: Run, rule: str | None = None, names: tuple[str, ...] = ()) -> Proposal:
    """Return a run's own tiers, or those proposed by a rule, with their measures on the test set.

    Parameters
    ----------
    run : Run
        With fitted models.
    rule : "equal_risk" or "profit_best", optional
        Finds cut-offs from out-of-fold probabilities of the training set (default: the experiment's tiers).
    names : tuple of str, optional
        Names of the proposed tiers, safest first (default: those of the experiment).

    Raises
    ------
    InputError
        When the run has no predictions yet, or the rule needs costs that the experiment does not state.
    """
    if rule is not None and rule not in RULES:
        raise ConfigError(f"there is no rule {rule!r}", where="--rule", fix=" or ".join(RULES))
    if not run.path("predictions.parquet").is_file():
        raise InputError("the run has no predictions yet", where=str(run.folder), fix="riskml run … --to models")
    experiment = run.experiment
    predicted = run.read_parquet("predictions.parquet")
    audit = run.read_parquet("beside.parquet") if run.path("beside.parquet").is_file() else pd.DataFrame()
    training = (predicted["_part"] == "train").to_numpy()
    tiers = experiment.tiers
    if rule is not None:
        tiers = _proposed(experiment, predicted[training], audit[training] if len(audit) else audit, rule, names)
    elif names:
        raise ConfigError("--names is for proposed tiers", where="--names", fix="add --rule equal_risk")
    rows = predicted[~training]
    stake, share = _stake(experiment, audit[~training] if len(audit) else audit)
    table = tier_table(
        rows["probability"].to_numpy(), tiers, outcome=rows["_target"].to_numpy(), stake=stake, loss_share=share
    )
    text = yaml.safe_dump(
        {"tiers": [tier.model_dump() for tier in tiers]}, sort_keys=False, allow_unicode=True, width=120
    )
    return Proposal(tiers, table, experiment.costs.currency if experiment.costs else "", text)


def _proposed(
    experiment: Experiment, rows: pd.DataFrame, audit: pd.DataFrame, rule: str, names: tuple[str, ...]
) -> tuple[TierConfig, ...]:
    named = names or tuple(tier.name for tier in experiment.tiers)
    chance = rows["probability"].to_numpy()
    if rule == "equal_risk":
        proposal = equal_risk_tiers(chance, named)
    else:
        costs = costs_of(experiment, audit)
        if costs is None:
            raise ConfigError(
                "profit-best tiers need costs, and the experiment states none",
                where="costs",
                fix="add costs: to the experiment file, or use --rule equal_risk",
            )
        proposal = profit_best_tiers(rows["_target"].to_numpy(), chance, costs, named, seed=experiment.split.seed)
    # Tiers of the same name keep their treatment.
    known = {tier.name: tier.treatment for tier in experiment.tiers}
    return tuple(tier.model_copy(update={"treatment": known.get(tier.name, "")}) for tier in proposal)


def _stake(experiment: Experiment, audit: pd.DataFrame) -> tuple[Floats | float | None, float]:
    """Return the money at stake of each customer, and the share of it that an event costs."""
    if experiment.costs is None:
        return None, 1.0
    if experiment.task == "churn":
        return experiment.costs.value, 1.0
    column = exposure_column(experiment)
    stake = experiment.costs.exposure if column is None else audit[column].to_numpy(dtype=float)
    return stake, experiment.costs.loss_given_default or 0.0  # type: ignore[return-value]
