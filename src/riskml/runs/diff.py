"""Differences between runs: settings, data, costs, and reported performance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from riskml.metrics import ChurnCosts, CreditCosts
from riskml.runs.compare import letters
from riskml.runs.summary import RunSummary

# Where an experiment states no costs. Credit: loss given default of senior unsecured claims in Basel's foundation
# approach, and the return on investment of Verbraken et al. (2014); churn: the priors of Verbraken et al. (2013).
_CREDIT = {"exposure": 1.0, "loss_given_default": 0.45, "margin": 0.2644}
_CHURN = {"value": 200.0, "contact_cost": 1.0, "success_rate": 0.3, "incentive": 10.0}
_MEASURES = {"auc": "AUC (test)", "gini": "Gini", "ks": "KS", "brier": "Brier", "logloss": "log loss", "ece": "ECE"}


@dataclass(frozen=True)
class StatedCosts:
    """Costs of decisions, with a sentence about their source."""

    costs: CreditCosts | ChurnCosts
    description: str


def settings(views: Sequence[RunSummary]) -> pd.DataFrame:
    """Return the settings that differ between runs."""
    flat = [_flat(view.settings) for view in views]
    keys = dict.fromkeys(key for own in flat for key in own)
    rows = {key: [own.get(key, "") for own in flat] for key in keys}
    return _frame({key: values for key, values in rows.items() if len(set(values)) > 1}, views)


def data(views: Sequence[RunSummary]) -> pd.DataFrame:
    """Return the data of the runs side by side: rows, columns, digest, schema, event rate."""
    cards = [view.data for view in views]
    rows: dict[str, list[str]] = {
        "source": [str(card["source"]) for card in cards],
        "digest": [str(card["digest"]) for card in cards],
        "rows": [f"{card['rows']:,}" for card in cards],
        "sample": [f"{card['sample']:,} rows" if card.get("sample") else "all rows" for card in cards],
        "columns": [str(card["columns"]) for card in cards],
        "event rate": [f"{100 * card['event_rate']:.2f} %" for card in cards],
    }
    for part in dict.fromkeys(part for card in cards for part in card["parts"]):
        rows[f"rows, {part}"] = [_rows_of(card["parts"].get(part)) for card in cards]
    schemas = [{str(entry["name"]): entry for entry in card["schema"]} for card in cards]
    for name in dict.fromkeys(name for schema in schemas for name in schema):
        cells = [_column(schema.get(name)) for schema in schemas]
        if len(set(cells)) > 1:
            rows[f"column {name}"] = cells
    frame = _frame(rows, views)
    return frame.assign(same=["yes" if len(set(values)) == 1 else "no" for values in rows.values()])


def champions(views: Sequence[RunSummary]) -> pd.DataFrame:
    """Return the performance that each run reports of its champion, on its own test set."""
    titles = ("family", "AUC (CV)", "validation", *_MEASURES.values())
    rows: dict[str, list[str]] = {title: [] for title in titles}
    for view in views:
        best = view.champion if "leaderboard.csv" in view.artifacts else {}
        measured = view.artifacts.get("validation.json", {}).get("metrics", {})
        rows["family"].append(str(best.get("family", "–")))
        rows["AUC (CV)"].append(f"{best['auc_cv']:.4f} ± {best['auc_cv_se']:.4f}" if best else "–")
        rows["validation"].append(_validation(view))
        for name, title in _MEASURES.items():
            rows[title].append(_measure(measured.get(name), best.get(f"{name}_test")))
    return _frame({key: values for key, values in rows.items() if set(values) != {"–"}}, views)


def families(views: Sequence[RunSummary]) -> pd.DataFrame:
    """Return the AUC (CV) of every family in every run; the champion has a star."""
    boards = [
        {row["family"]: row for row in view.artifacts["leaderboard.csv"].to_dict(orient="records")}
        if "leaderboard.csv" in view.artifacts
        else {}
        for view in views
    ]
    rows = {
        str(family): [_cross_validated(board.get(family)) for board in boards]
        for family in dict.fromkeys(family for board in boards for family in board)
    }
    return _frame(rows, views)


def stated_costs(views: Sequence[RunSummary]) -> StatedCosts:
    """Return the costs of the first run that states any, or the defaults."""
    defaults = _CHURN if views[0].task == "churn" else _CREDIT
    whose, own = "the runs state no costs: defaults from the literature", dict[str, float]()
    stated = [(name, _numbers(view)) for name, view in zip(letters(views), views, strict=True)]
    known = [(name, numbers) for name, numbers in stated if numbers]
    if known:
        name, own = known[0]
        unlike = any(numbers != own for _, numbers in stated)
        whose = f"the costs of run {name}" + (
            ", used for all runs; the others state other costs or none" if unlike else ""
        )
        missing = [key for key in defaults if key not in own]
        whose += f"; default for {', '.join(missing)}" if missing else ""
    used = defaults | {key: value for key, value in own.items() if key in defaults}
    amounts = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in used.items())
    costs: CreditCosts | ChurnCosts
    if views[0].task == "churn":
        costs = ChurnCosts(**used)
    else:
        costs = CreditCosts(exposure=used["exposure"], lgd=used["loss_given_default"], margin=used["margin"])
    return StatedCosts(costs, f"{amounts} ({whose}).")


def _numbers(view: RunSummary) -> dict[str, float]:
    """Return the costs that a run states as numbers, without those that are columns of its table."""
    costs = view.settings.get("costs") or {}
    plain = {str(key): value for key, value in costs.items() if isinstance(value, int | float)}
    if "lgd" in plain:
        plain["loss_given_default"] = plain.pop("lgd")
    return {key: float(value) for key, value in plain.items()}


def _frame(rows: Mapping[str, Sequence[str]], views: Sequence[RunSummary]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(dict(rows), orient="index", columns=letters(views), dtype=object)


def _flat(mapping: Mapping[str, Any], above: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in mapping.items():
        out |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": str(value)}
    return out


def _rows_of(part: Mapping[str, int] | None) -> str:
    return "–" if part is None else f"{part['rows']:,}, {part['events']:,} events"


def _column(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "absent"
    codes = f", special {json.dumps(entry['special'])}" if entry.get("special") else ""
    return f"{entry['kind']}{codes}"


def _validation(view: RunSummary) -> str:
    split = view.settings.get("split", {})
    return "stratified" if split.get("kind") != "out_of_time" else f"out of time from {split.get('from_date')}"


def _measure(measured: Mapping[str, Any] | None, plain: float | None) -> str:
    if measured and measured.get("low") is not None:
        return f"{measured['value']:.4f} ({measured['low']:.4f} to {measured['high']:.4f})"
    return "–" if plain is None else f"{plain:.4f}"


def _cross_validated(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    return f"{row['auc_cv']:.4f} ± {row['auc_cv_se']:.4f}" + (" *" if row["chosen"] else "")
