"""The tiers of a run: what they hold on the rows set aside, and a proposal learnt on the training rows."""

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
    """Tiers of a run, judged on rows that no model has learnt from."""

    tiers: tuple[TierConfig, ...]
    table: pd.DataFrame  # as `riskml.policy.tiers.tier_table`, of the rows set aside
    currency: str  # of its amounts
    yaml: str  # the tiers as an experiment file says them


def tiers_of_run(run: Run, rule: str | None = None, names: tuple[str, ...] = ()) -> Proposal:
    """Return a run's own tiers, or those that a rule proposes, with what they hold on the rows set aside.

    Parameters
    ----------
    run : Run
        One whose models are fitted.
    rule : "equal_risk" or "profit_best", optional
        Learns the cut-offs on out-of-fold probabilities of the training rows; the experiment's own when left out.
    names : tuple of str, optional
        Of the proposed tiers, the safest first; those of the experiment when left out.

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
    beside = run.read_parquet("beside.parquet") if run.path("beside.parquet").is_file() else pd.DataFrame()
    learnt, unseen = (predicted["_part"] == "train").to_numpy(), (predicted["_part"] != "train").to_numpy()
    tiers = experiment.tiers
    if rule is not None:
        tiers = _learnt(experiment, predicted[learnt], beside[learnt] if len(beside) else beside, rule, names)
    elif names:
        raise ConfigError("names are of proposed tiers", where="--names", fix="add --rule equal_risk")
    rows = predicted[unseen]
    stake, share = _stake(experiment, beside[unseen] if len(beside) else beside)
    table = tier_table(
        rows["probability"].to_numpy(), tiers, outcome=rows["_target"].to_numpy(), stake=stake, loss_share=share
    )
    text = yaml.safe_dump(
        {"tiers": [tier.model_dump() for tier in tiers]}, sort_keys=False, allow_unicode=True, width=120
    )
    return Proposal(tiers, table, experiment.costs.currency if experiment.costs else "", text)


def _learnt(
    experiment: Experiment, rows: pd.DataFrame, beside: pd.DataFrame, rule: str, names: tuple[str, ...]
) -> tuple[TierConfig, ...]:
    named = names or tuple(tier.name for tier in experiment.tiers)
    chance = rows["probability"].to_numpy()
    if rule == "equal_risk":
        proposal = equal_risk_tiers(chance, named)
    else:
        costs = costs_of(experiment, beside)
        if costs is None:
            raise ConfigError(
                "profit-best tiers need the costs of the experiment, which states none",
                where="costs",
                fix="add costs: to the experiment file, or use --rule equal_risk",
            )
        proposal = profit_best_tiers(rows["_target"].to_numpy(), chance, costs, named, seed=experiment.split.seed)
    # What is done with a tier of the same name stays.
    known = {tier.name: tier.treatment for tier in experiment.tiers}
    return tuple(tier.model_copy(update={"treatment": known.get(tier.name, "")}) for tier in proposal)


def _stake(experiment: Experiment, beside: pd.DataFrame) -> tuple[Floats | float | None, float]:
    """Return the money at stake of each customer, and the share of it that an event costs."""
    if experiment.costs is None:
        return None, 1.0
    if experiment.task == "churn":
        return experiment.costs.value, 1.0
    column = exposure_column(experiment)
    stake = experiment.costs.exposure if column is None else beside[column].to_numpy(dtype=float)
    return stake, experiment.costs.loss_given_default or 0.0  # type: ignore[return-value]
