"""The parts of a model document that are words: purpose, data, method, assumptions, monitoring, ownership."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.format import count, is_number, number, percent
from riskml.display.table import Cell, Head, Table, text_cell
from riskml.report.narrative import RULES, family_name, nature, sentence

NOT_GIVEN = "not given"


def purpose_table(experiment: Experiment) -> Table:
    """Show what the model is for, and who answers for it."""
    document = experiment.document
    tiers = "; ".join(
        f"{tier.name} (from {percent(tier.from_probability, 0)}): {tier.treatment or '–'}" for tier in experiment.tiers
    )
    return _facts(
        [
            ("question", experiment.title),
            ("outcome", f"{experiment.data.target} = {experiment.data.event}; higher scores are riskier"),
            ("purpose", document.purpose or _absent("purpose")),
            ("what is done with it", tiers),
            ("owner", document.owner or _absent("owner")),
            ("independent validation by", document.validated_by or _absent("validated_by")),
            ("approved by", document.approved_by or _absent("approved_by")),
        ]
    )


def data_table(experiment: Experiment, data: Mapping[str, Any], notes: pd.DataFrame) -> Table:
    """Show where the data come from, what they hold, and what is known to be wrong with them."""
    parts = "; ".join(
        f"{name}: {count(part['rows'])} rows, {count(part['events'])} events ({percent(part['events'] / part['rows'])})"
        for name, part in data["parts"].items()
    )
    split = experiment.split
    aside = (
        f"as-of dates from {split.from_date} on"
        if split.kind == "out_of_time"
        else f"{percent(split.test_share, 0)} by chance"
    )
    warned = notes.loc[notes["severity"] == "warning"]
    return _facts(
        [
            ("source", f"{data['title']}; {count(data['rows'])} customers, {data['columns']} columns for the models"),
            ("licence", data.get("licence") or NOT_GIVEN),
            (
                "nature",
                sentence(str(data.get("truth") or ""))
                or "the experimenter's own table: representativeness was not checked here",
            ),
            ("parts", parts),
            ("set aside", f"{aside}; no model has seen these rows"),
            ("kept from the models", ", ".join(experiment.data.exclude) or "nothing"),
            ("as-of date", experiment.data.date or "none: no out-of-time check is possible"),
            (
                "warnings of the preparation",
                "; ".join(f"{r.column}: {r.finding}" for r in warned.itertuples()) or "none",
            ),
            ("fingerprint of the table", str(data["digest"])),
        ]
    )


def method_table(experiment: Experiment, board: pd.DataFrame, fit: Mapping[str, Any]) -> Table:
    """Show what was chosen, by which rule, out of what, and with which settings."""
    chosen = board.loc[board["chosen"].astype(str) == "True"].iloc[0]
    family = str(chosen["family"])
    seen = "; ".join(f"{row.family} {number(row.auc_cv)} ± {number(row.auc_cv_se)}" for row in board.itertuples())
    models, split = experiment.models, experiment.split
    nested, left_out = fit.get("nested_auc"), fit.get("failures", {})
    return _facts(
        [
            ("model", sentence(f"{family_name(family)}: {nature(family)}")),
            ("why this one", f"{RULES[models.select]} (rule “{models.select}”, on the training rows alone)"),
            ("alternatives, cross-validated AUC", seen),
            (
                "the choice itself, cross-validated AUC",
                "not measured"
                if nested is None
                else f"{number(nested)}: on each fold, that of the family which the other folds choose",
            ),
            ("asked for, and left out", "; ".join(f"{name}: {why}" for name, why in left_out.items()) or "none"),
            ("columns that it reads", count(chosen["columns"])),
            ("its settings", _settings(family, fit)),
            ("set by hand", json.dumps({str(k): v for k, v in models.fixed.items()}) if models.fixed else "nothing"),
            ("search", f"trials per family at the most: {models.trials}; folds: {split.folds}; seed: {split.seed}"),
        ]
    )


def _settings(family: str, fit: Mapping[str, Any]) -> str:
    """Return the settings of a family, or of those that a blend weighs, with their weights."""
    known = fit.get("settings", {})
    if family == "blend" and fit.get("weights"):
        return "; ".join(f"{number(w)} × {name} ({_settings(name, fit)})" for name, w in fit["weights"].items())
    several = known.get(family, [])
    settings = [", ".join(f"{key} = {_setting(value)}" for key, value in one.items()) for one in several]
    averaged = f"the mean of {len(settings)} models: " if len(settings) > 1 else ""
    return averaged + " | ".join(settings) if any(settings) else "none searched"


def _setting(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def assumptions_table(experiment: Experiment, assessed: Mapping[str, Any]) -> Table:
    """Show what the model takes for granted, and how far this run could check it."""
    later = experiment.split.kind == "out_of_time"
    shift = assessed["psi"]
    rows = [
        (
            "Tomorrow's customers are like those learnt from.",
            f"PSI of the score {number(shift['value'])} ({shift['verdict']})"
            + (
                " between the two periods"
                if later
                else "; both parts are of one period, so it could hardly be otherwise"
            ),
        ),
        (
            "The level of risk stays.",
            f"observed / expected {number(assessed['metrics']['observed_expected']['value'], 2)}"
            + (" out of time" if later else "; only in time: AUC and PSI do not see a level that moves later"),
        ),
        (
            "Every column was known on the day of the decision.",
            "columns that rank the outcome too well are warned of; the rest is for people to confirm",
        ),
        ("The outcome is complete and correctly read.", "not checked: it comes from the table"),
        (
            "Customers are independent of each other.",
            "not checked; with common shocks all intervals and tests here are too narrow",
        ),
        (
            "Customers without an outcome are like those with one.",
            "not checked: refused applicants, if any, are not in the table",
        ),
    ]
    return Table([Head("the model assumes"), Head("what is known of it")], [[Cell(a), Cell(b)] for a, b in rows])


def monitoring_table(experiment: Experiment, assessed: Mapping[str, Any], characteristics: pd.DataFrame) -> Table:
    """Show what has to be watched in use, its value today, and from where on something must be done."""
    metrics, shift, limits = assessed["metrics"], assessed["psi"], experiment.monitoring
    chance = shift["no_shift"] or 0.0
    top = characteristics.iloc[0] if len(characteristics) else None
    known, p = "as outcomes ripen", 1 - limits.level
    rows = [
        (
            "PSI of the score",
            number(shift["value"]),
            f"above {number(max(limits.psi_watch, chance), 2)}",
            f"above {number(max(limits.psi_act, chance), 2)}",
            "monthly",
            "find the column that moved; retrain, unless outcomes show that the model holds",
        ),
        (
            "PSI, each column",
            f"{number(top['csi'])} ({top['column']})" if top is not None else "–",
            f"above {number(limits.psi_watch, 2)}",
            f"{percent(limits.shifted_share, 0)} of the columns above {number(limits.psi_act, 2)}",
            "monthly",
            "ask the source of the column; retrain",
        ),
        (
            "missing values",
            "see the data",
            f"{percent(limits.missing_rise, 0)} more cells than in training",
            f"{percent(limits.missing_rise_act, 0)} more, or a column cannot be read",
            "monthly",
            "repair the data before all else",
        ),
        (
            "levels never seen, numbers out of range",
            "see the data",
            f"in {percent(limits.unseen_share, 0)}, or {percent(limits.out_of_range_share, 0)}, of the rows",
            "–",
            "monthly",
            "ask the source of the column",
        ),
        (
            "AUC",
            number(metrics["auc"]["value"]),
            f"lower, and not by chance (p below {number(p, 2)})",
            f"by more than {number(limits.auc_loss)} besides, and lower than the scores promise",
            known,
            "look for the segment; retrain",
        ),
        (
            "observed / expected",
            number(metrics["observed_expected"]["value"], 2),
            f"its {percent(limits.level, 0)} interval leaves 1",
            f"and it is off by more than {percent(limits.calibration_tolerance, 0)}",
            known,
            "recalibrate; review the tiers",
        ),
        (
            "Jeffreys test, each tier",
            f"smallest p {_smallest(assessed['tiers'])}",
            f"p below {number(p, 2)}",
            f"p below {number(p / max(len(assessed['tiers']), 1), 3)}: one tier's share",
            known,
            "recalibrate; hold approvals in the tier",
        ),
        (
            "moves between tiers",
            f"{_highest(assessed)} in the highest tier",
            f"{percent(limits.moved_share, 0)} more to a riskier tier than to a safer one",
            "–",
            "monthly",
            "check the capacity of those who review it",
        ),
    ]
    if experiment.fairness.columns:
        rows.append(
            (
                "favourable decisions, each group",
                "see fairness",
                "ratio below 0.90",
                "ratio below 0.80",
                "quarterly",
                "review with compliance",
            )
        )
    heads = ["indicator", "at validation", "watch", "act", "how often", "then"]
    owner = experiment.document.owner or "nobody yet, as document.owner is not given"
    return Table(
        [Head(head) for head in heads],
        [[Cell(text) for text in row] for row in rows],
        note="The triggers are those of `riskml monitor`: the part monitoring of the experiment sets them. "
        f"Alerts go to: {owner}.",
    )


def limits_table(experiment: Experiment, data: Mapping[str, Any], metrics_rows: int) -> Table:
    """Show what the model must not be used for: as its owners say, and as the data say."""
    limits = [(limit, "the owner") for limit in experiment.document.limits]
    if not limits:
        limits = [(f"The owner's own limits of use: {_absent('limits')}.", "–")]
    if data.get("truth"):
        limits.append((sentence(str(data["truth"])), "the data"))
    limits.append((f"Not for customers unlike the {count(data['rows'])} of the table.", "the data"))
    limits.append(
        (f"Probabilities hold as far as {count(metrics_rows)} rows could test them; rarer tiers less.", "the check")
    )
    limits.append(("A reason says what moved the score, not what caused the outcome.", "the method"))
    return Table([Head("limit"), Head("follows from")], [[Cell(a), Cell(b)] for a, b in limits])


def ownership_table(experiment: Experiment, run: Mapping[str, Any]) -> Table:
    """Show who answers for the model, which run this is, and what has changed."""
    document = experiment.document
    facts: list[tuple[str, str]] = [
        ("owner", document.owner or _absent("owner")),
        ("validated by", document.validated_by or _absent("validated_by")),
        ("approved by", document.approved_by or _absent("approved_by")),
        ("package version", experiment.export.version),
        ("run", f"{run['created']}, settings {run['config_digest']}, riskml {run['riskml']}"),
    ]
    changes = document.changes or (_absent("changes"),)
    facts += [("change log" if not at else "", line) for at, line in enumerate(changes)]
    return _facts(facts)


def _facts(facts: Sequence[tuple[str, str]]) -> Table:
    return Table([Head("what"), Head("said")], [[Cell(what), text_cell(text)] for what, text in facts])


def _absent(name: str) -> str:
    return f"{NOT_GIVEN} (document.{name} of the experiment)"


def _smallest(tiers: Sequence[Mapping[str, Any]]) -> str:
    known = [tier["jeffreys_p"] for tier in tiers if is_number(tier.get("jeffreys_p"))]
    return number(min(known)) if known else "–"


def _highest(assessed: Mapping[str, Any]) -> str:
    return percent(assessed["tiers"][-1]["rows"] / assessed["rows"])
