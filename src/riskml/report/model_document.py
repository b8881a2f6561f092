"""Model document: purpose, data, method, assumptions, monitoring, limits and ownership, as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.format import count, is_number, number, percent
from riskml.display.table import Table, text_table
from riskml.display.texts import sentence, texts
from riskml.report.narrative import family_name, nature, report_text


def purpose_table(experiment: Experiment) -> Table:
    """Return what the model is for, and who is responsible for it."""
    document = experiment.document
    tiers = "; ".join(
        f"{tier.name} (from {percent(tier.from_probability, 0)}): {tier.treatment or '–'}" for tier in experiment.tiers
    )
    return _facts(
        [
            ("question", experiment.title),
            ("outcome", f"{experiment.data.target} = {experiment.data.event}; higher scores are riskier"),
            ("purpose", document.purpose or _not_given("purpose")),
            ("use", tiers),
            ("owner", document.owner or _not_given("owner")),
            ("independent validation by", document.validated_by or _not_given("validated_by")),
            ("approved by", document.approved_by or _not_given("approved_by")),
        ]
    )


def data_table(experiment: Experiment, data: Mapping[str, Any], notes: pd.DataFrame) -> Table:
    """Return the source and the content of the data, and the warnings of the preparation."""
    parts = "; ".join(
        f"{name}: {count(part['rows'])} rows, {count(part['events'])} events ({percent(part['events'] / part['rows'])})"
        for name, part in data["parts"].items()
    )
    split = experiment.split
    at_random = f"{percent(split.test_share, 0)} at random"
    holdout = f"as-of dates from {split.from_date} on" if split.kind == "out_of_time" else at_random
    warnings = notes.loc[notes["severity"] == "warning"]
    truth = sentence(str(data.get("truth") or ""))
    return _facts(
        [
            ("source", f"{data['title']}; {count(data['rows'])} customers, {data['columns']} columns for the models"),
            ("licence", data.get("licence") or report_text("document", "licence")),
            ("nature", truth or report_text("document", "own_table")),
            ("parts", parts),
            ("test set", report_text("document", "holdout", holdout=holdout)),
            ("excluded columns", ", ".join(experiment.data.exclude) or "none"),
            ("as-of date", experiment.data.date or report_text("document", "no_date")),
            ("warnings", "; ".join(f"{row.column}: {row.finding}" for row in warnings.itertuples()) or "none"),
            ("digest of the table", str(data["digest"])),
        ]
    )


def method_table(experiment: Experiment, board: pd.DataFrame, fit: Mapping[str, Any]) -> Table:
    """Return the chosen model, the rule, the alternatives, and the settings."""
    chosen = board.loc[board["chosen"].astype(str) == "True"].iloc[0]
    family = str(chosen["family"])
    aucs = "; ".join(f"{row.family} {number(row.auc_cv)} ± {number(row.auc_cv_se)}" for row in board.itertuples())
    models, split = experiment.models, experiment.split
    nested, failures = fit.get("nested_auc"), fit.get("failures", {})
    rule = report_text("document", "rule", reason=report_text("rules", models.select), rule=models.select)
    nested_auc = "not measured" if nested is None else report_text("document", "nested", auc=number(nested))
    fixed = json.dumps({str(k): v for k, v in models.fixed.items()}) if models.fixed else "none"
    search = report_text("document", "search", trials=models.trials, folds=split.folds, seed=split.seed)
    return _facts(
        [
            ("model", sentence(f"{family_name(family)}: {nature(family)}")),
            ("reason of the choice", rule),
            ("alternatives, AUC (CV)", aucs),
            ("AUC (CV) of the choice itself", nested_auc),
            ("requested, but not fitted", "; ".join(f"{name}: {why}" for name, why in failures.items()) or "none"),
            ("columns used", count(chosen["columns"])),
            ("settings", _settings(family, fit)),
            ("fixed settings", fixed),
            ("search", search),
        ]
    )


def _settings(family: str, fit: Mapping[str, Any]) -> str:
    """Return the settings of a family, or of the members of a blend, with their weights."""
    known = fit.get("settings", {})
    if family == "blend" and fit.get("weights"):
        return "; ".join(f"{number(w)} × {name} ({_settings(name, fit)})" for name, w in fit["weights"].items())
    settings = [
        ", ".join(f"{key} = {f'{value:.4g}' if isinstance(value, float) else value}" for key, value in one.items())
        for one in known.get(family, [])
    ]
    averaged = f"the mean of {len(settings)} models: " if len(settings) > 1 else ""
    return averaged + " | ".join(settings) if any(settings) else "none searched"


def assumptions_table(experiment: Experiment, assessed: Mapping[str, Any]) -> Table:
    """Return the assumptions of the model, and how far this run could check them."""
    shift, ratio = assessed["psi"], assessed["metrics"]["observed_expected"]["value"]
    figures = {"psi": number(shift["value"]), "verdict": shift["verdict"], "ratio": number(ratio, 2)}
    variant = "out_of_time" if experiment.split.kind == "out_of_time" else "check"
    entries: Sequence[Mapping[str, str]] = texts("riskml.report")["assumptions"]
    rows = [(entry["assumption"], entry.get(variant, entry["check"]).format(**figures)) for entry in entries]
    return text_table(["assumption", "check"], rows)


def monitoring_table(experiment: Experiment, assessed: Mapping[str, Any], characteristics: pd.DataFrame) -> Table:
    """Return the indicators to monitor: current value, thresholds, frequency and action."""
    metrics, shift, limits = assessed["metrics"], assessed["psi"], experiment.monitoring
    chance, p = shift["no_shift"] or 0.0, 1 - limits.level
    top = characteristics.iloc[0] if len(characteristics) else None
    tiers: Sequence[Mapping[str, Any]] = assessed["tiers"]
    p_values = [tier["jeffreys_p"] for tier in tiers if is_number(tier.get("jeffreys_p"))]
    shares = ("shifted_share", "missing_rise", "missing_rise_act", "unseen_share", "out_of_range_share", "moved_share")
    figures = {
        "psi": number(shift["value"]),
        "psi_watch_score": number(max(limits.psi_watch, chance), 2),
        "psi_act_score": number(max(limits.psi_act, chance), 2),
        "csi": f"{number(top['csi'])} ({top['column']})" if top is not None else "–",
        "psi_watch": number(limits.psi_watch, 2),
        "psi_act": number(limits.psi_act, 2),
        "auc": number(metrics["auc"]["value"]),
        "auc_loss": number(limits.auc_loss),
        "p": number(p, 2),
        "p_tier": number(p / max(len(tiers), 1), 3),
        "ratio": number(metrics["observed_expected"]["value"], 2),
        "level": percent(limits.level, 0),
        "calibration_tolerance": percent(limits.calibration_tolerance, 0),
        "smallest_p": number(min(p_values)) if p_values else "–",
        "highest": percent(tiers[-1]["rows"] / assessed["rows"]),
        **{name: percent(getattr(limits, name), 0) for name in shares},
    }
    document: Mapping[str, Any] = texts("riskml.report")
    indicators = [*document["monitoring"], *([document["fairness"]] if experiment.fairness.columns else [])]
    owner = experiment.document.owner or report_text("document", "no_owner")
    return text_table(
        ["indicator", "at validation", "watch", "act", "frequency", "action"],
        [[cell.format(**figures) for cell in row] for row in indicators],
        report_text("document", "monitoring_note", owner=owner),
    )


def limits_table(experiment: Experiment, data: Mapping[str, Any], holdout_rows: int) -> Table:
    """Return the limits of use, of the owner and of the data."""
    known: Mapping[str, Any] = texts("riskml.report")["limits_of_use"]
    limits = [(limit, "the owner") for limit in experiment.document.limits]
    if not limits:
        limits = [(known["owner"].format(not_given=_not_given("limits")), "–")]
    if data.get("truth"):
        limits.append((sentence(str(data["truth"])), "the data"))
    for name, rows in (("table", data["rows"]), ("checked", holdout_rows), ("reasons", 0)):
        limit, source = known[name]
        limits.append((limit.format(rows=count(rows)), source))
    return text_table(["limit", "source"], limits)


def ownership_table(experiment: Experiment, run: Mapping[str, Any]) -> Table:
    """Return who is responsible for the model, the run, and the change log."""
    document = experiment.document
    facts: list[tuple[str, str]] = [
        ("owner", document.owner or _not_given("owner")),
        ("validated by", document.validated_by or _not_given("validated_by")),
        ("approved by", document.approved_by or _not_given("approved_by")),
        ("package version", experiment.export.version),
        ("run", f"{run['created']}, settings {run['config_digest']}, riskml {run['riskml']}"),
    ]
    changes = document.changes or (_not_given("changes"),)
    return _facts([*facts, *(("change log" if not at else "", line) for at, line in enumerate(changes))])


def _facts(facts: Sequence[tuple[str, str]]) -> Table:
    return text_table(["item", "value"], facts)


def _not_given(name: str) -> str:
    return report_text("document", "not_given", name=name)
