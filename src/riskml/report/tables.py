"""Frames as tables for people: numbers formatted, the chosen family marked, small bars behind rates.

Each function returns a `Table`, which shows itself in a notebook and goes into the report as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT, family_colour, tier_colours
from riskml.display.format import count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import Cell, Head, Table, bar_cell, text_cell
from riskml.scorecard.display.tables import (
    binner_table,
    binning_table,
    card_table,
    coefficients_table,
    edits_table,
    selection_table,
)

__all__ = [
    "binner_table",
    "binning_table",
    "card_table",
    "coefficients_table",
    "comparison_table",
    "drivers_table",
    "edits_table",
    "gains_table",
    "leaderboard_table",
    "metrics_table",
    "notes_table",
    "parts_table",
    "profile_table",
    "selection_table",
    "tiers_table",
    "watch_list",
]

_WARNING = "#d9a400"
_MEASURES = {
    "auc_test": Head("AUC set aside", True, "on the rows set aside: chance that an event ranks above a non-event"),
    "gini_test": Head("Gini", True, "on the rows set aside: 2 AUC − 1"),
    "ks_test": Head("KS", True, "on the rows set aside: largest distance of events and non-events"),
    "brier_test": Head("Brier", True, "on the rows set aside: mean squared error of the probability, lower is better"),
    "logloss_test": Head("log loss", True, "on the rows set aside: lower is better"),
}
_METRICS = {
    "auc": ("AUC", "ranking: 0.5 is chance, 1 is perfect"),
    "gini": ("Gini", "ranking: 2 AUC − 1"),
    "ks": ("KS", "largest distance between the shares of events and of non-events found"),
    "captured_10": ("captured in the riskiest tenth", "share of all events among the riskiest 10% of customers"),
    "h_measure": ("H-measure", "ranking, weighed by costs: 0 is useless, 1 is perfect"),
    "brier": ("Brier score", "mean squared error of the probability: lower is better"),
    "logloss": ("log loss", "error of the probability: lower is better"),
    "ece": ("ECE", "mean distance of predicted and observed rates: 0 is perfect"),
    "observed_expected": ("observed / expected", "above 1 the risk is underestimated"),
    "emp": ("EMP", "expected maximum profit per customer"),
}


def leaderboard_table(frame: pd.DataFrame) -> Table:
    """Show the families, best first, the chosen one marked.

    Examples
    --------
    >>> frame = pd.DataFrame({"family": ["tree"], "auc_cv": [0.781], "auc_cv_se": [0.01], "chosen": [True]})
    >>> leaderboard_table(frame)
    family  AUC cross-validated
    tree ★        0.781 ± 0.010
    ★ chosen.
    """
    measures = [name for name in _MEASURES if name in frame]
    heads = [Head("family"), Head("AUC cross-validated", True, "mean over folds ± one standard error")]
    heads += [_MEASURES[name] for name in measures]
    heads += [Head("columns", True, "how many columns the model uses")] if "columns" in frame else []
    chosen = _chosen(frame)
    rows = []
    for at, row in enumerate(frame.to_dict(orient="records")):
        se = row.get("auc_cv_se")
        auc = number(row["auc_cv"]) + (f" ± {number(se)}" if is_number(se) else "")
        cells = [Cell(f"{row['family']}{' ★' if at in chosen else ''}", None, family_colour(row["family"])), Cell(auc)]
        cells += [Cell(number(row[name])) for name in measures]
        cells += [Cell(count(row["columns"]))] if "columns" in frame else []
        rows.append(cells)
    aside = "AUC cross-validated is a mean over folds; the measures after it are on the rows set aside."
    notes = (["★ chosen."] if chosen else []) + ([aside] if measures else [])
    return Table(heads, rows, chosen, " ".join(notes))


def comparison_table(frame: pd.DataFrame) -> Table:
    """Show by how much the chosen family ranks better than each other one, on the same rows set aside."""
    heads = [Head("against"), Head("its AUC set aside", True), Head("the chosen one leads by", True)]
    heads += [
        Head("95% interval", True),
        Head("p", True, "DeLong's paired test: chance of such a lead without a cause"),
    ]
    rows = [
        [
            Cell(str(row["family"]), None, family_colour(row["family"])),
            Cell(number(row["auc"])),
            Cell(signed(row["champion_leads_by"], 3)),
            Cell(f"{signed(row['lower'], 3)} to {signed(row['upper'], 3)}"),
            Cell(p_value(row["p_value"])),
        ]
        for row in frame.to_dict(orient="records")
    ]
    return Table(heads, rows, note="On the same rows set aside. An interval that holds 0 leaves the order open.")


def notes_table(frame: pd.DataFrame) -> Table:
    """Show what was found in the columns, and what was done about it; warnings first."""
    ranked = frame.sort_values("severity", key=lambda severity: severity != "warning", kind="stable")
    rows = [
        [
            text_cell(row["column"]),
            text_cell(row["finding"]),
            Cell(str(row["severity"]), None, _WARNING if row["severity"] == "warning" else NON_EVENT),
            text_cell(row["done"]),
        ]
        for row in ranked.to_dict(orient="records")
    ]
    heads = [Head("column"), Head("what was found"), Head("severity"), Head("what was done")]
    return Table(heads, rows, note="" if rows else "Nothing worth a note was found.")


def parts_table(frame: pd.DataFrame) -> Table:
    """Show the rows and events of each part."""
    rows = [
        [
            text_cell(row["part"]),
            Cell(count(row["rows"])),
            Cell(count(row["events"])),
            bar_cell(row["events"] / row["rows"] if row["rows"] else None, 1.0, EVENT),
        ]
        for row in frame.sort_values("part", key=lambda part: part != "train", kind="stable").to_dict(orient="records")
    ]
    return Table([Head("part"), Head("rows", True), Head("events", True), Head("event rate", True)], rows)


def dates_table(frame: pd.DataFrame) -> Table:
    """Show who is looked at on each as-of date of a panel, and who is left out and why."""
    named = ["as_of", "customers", "kept", "events", "censored"]
    reasons = [name for name in frame.columns if name not in named and frame[name].sum()]
    rows = [
        [
            text_cell(row["as_of"]),
            Cell(count(row["customers"])),
            *(Cell(count(row[name])) for name in reasons),
            Cell(count(row["kept"])),
            Cell(count(row["events"])),
            bar_cell(row["events"] / row["kept"] if row["kept"] else None, 1.0, EVENT),
        ]
        for row in frame[~frame["censored"].astype(bool)].to_dict(orient="records")
    ]
    censored = list(frame.loc[frame["censored"].astype(bool), "as_of"].astype(str))
    note = f"Left out, their outcome is not known yet: {', '.join(censored)}." if censored else ""
    heads = [Head("as-of date"), Head("customers", True), *(Head(name, True) for name in reasons)]
    heads += [Head("looked at", True), Head("events", True), Head("event rate", True)]
    return Table(heads, rows, note=note)


def remarks_table(frame: pd.DataFrame) -> Table:
    """Show what was found in the tables of a panel."""
    rows = [
        [text_cell(row["table"]), text_cell(row["finding"]), Cell(count(row["records"]) if row["records"] else "")]
        for row in frame.to_dict(orient="records")
    ]
    heads = [Head("table"), Head("what was found"), Head("records", True)]
    return Table(heads, rows, note="" if rows else "Nothing worth a note was found.")


def leakage_table(frame: pd.DataFrame) -> Table:
    """Show what in a panel may know the future or the outcome."""
    rows = [
        [text_cell(row["severity"]), text_cell(row["check"]), text_cell(row["column"]), text_cell(row["finding"])]
        for row in frame.to_dict(orient="records")
    ]
    marked = frozenset(place for place, severity in enumerate(frame["severity"]) if severity == "act")
    heads = [Head("severity"), Head("check"), Head("column"), Head("what was found")]
    return Table(heads, rows, marked, note="" if rows else "Nothing was found.")


def profile_table(frame: pd.DataFrame) -> Table:
    """Show what each column holds."""
    descriptions = frame.get("description", pd.Series(dtype=object))
    meanings = bool((descriptions.notna() & (descriptions != "")).any())
    heads = [Head("column"), *([Head("what it means")] if meanings else []), Head("kind"), Head("missing", True)]
    heads += [Head("distinct values", True), Head("values"), Head("suspicion")]
    rows = [
        [
            text_cell(row["column"]),
            *([text_cell(row["description"])] if meanings else []),
            text_cell(row["kind"]),
            bar_cell(row["missing"], 1.0, NON_EVENT),
            Cell(count(row["distinct"])),
            Cell(_values(row)),
            text_cell(row["suspicion"]),
        ]
        for row in frame.to_dict(orient="records")
    ]
    return Table(heads, rows, note="Of numbers: least, median, greatest. Of levels: the most frequent, and its share.")


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """Show measures with their intervals, and how to read them."""
    rows = []
    for name, figure in metrics.items():
        title, meaning = _METRICS.get(name, (name.replace("_", " "), ""))
        between = interval(figure.get("low"), figure.get("high"))
        rows.append([Cell(title), Cell(number(figure.get("value"))), text_cell(between), Cell(meaning)])
    return Table([Head("measure"), Head("value", True), Head("interval", True), Head("how to read it")], rows)


def gains_table(frame: pd.DataFrame) -> Table:
    """Show the bands of customers, the riskiest first."""
    heads = [Head("band"), Head("customers", True), Head("events", True), Head("event rate", True)]
    heads += [Head("lift", True, "event rate over the overall one"), Head("events held so far", True)]
    rows = [
        [
            text_cell(row["band"]),
            Cell(count(row["count"])),
            Cell(count(row["event"])),
            bar_cell(row["event_rate"], 1.0, EVENT),
            Cell(number(row["lift"], 2)),
            bar_cell(row["captured"], 1.0, NON_EVENT),
        ]
        for row in frame.to_dict(orient="records")
    ]
    return Table(heads, rows, note="Bands of about equal size; 1 is the riskiest.")


def tiers_table(frame: pd.DataFrame) -> Table:
    """Show each tier's share of customers, its expected and observed event rate, and whether the two agree."""
    total = float(frame["rows"].sum())
    colours = dict(zip(frame["tier"], tier_colours(len(frame)), strict=True))
    made: list[tuple[str, Head, Any]] = [
        ("tier", Head("tier"), lambda row: Cell(str(row["tier"]), None, colours[row["tier"]])),
        (
            "from_probability",
            Head("from", True, "least probability"),
            lambda row: Cell(percent(row["from_probability"])),
        ),
        ("rows", Head("customers", True), lambda row: Cell(count(row["rows"]))),
        (
            "rows",
            Head("share", True),
            lambda row: bar_cell(row["rows"] / total if total else None, 1.0, colours[row["tier"]]),
        ),
        ("expected", Head("expected rate", True, "mean probability"), lambda row: Cell(percent(row["expected"]))),
        ("event_rate", Head("observed rate", True), lambda row: bar_cell(row["event_rate"], 1.0, EVENT)),
        ("lower", Head("interval", True, "of the observed rate"), _rate_interval),
        (
            "jeffreys_p",
            Head("Jeffreys p", True, "small where the model underestimates the risk of the tier"),
            lambda row: Cell(p_value(row["jeffreys_p"])),
        ),
        ("treatment", Head("treatment"), lambda row: text_cell(row["treatment"])),
    ]
    present = [(head, cell) for name, head, cell in made if name in frame]
    rows = [[cell(row) for _, cell in present] for row in frame.to_dict(orient="records")]
    return Table([head for head, _ in present], rows)


def drivers_table(frame: pd.DataFrame, *, most: int = 15, family: str = "") -> Table:
    """Show the columns that move the scores most, with their descriptions."""
    ranked = frame.sort_values("mean_abs_contribution", ascending=False, kind="stable").head(most)
    top = float(ranked["mean_abs_contribution"].max()) if len(ranked) else 0.0
    rows = [
        [
            text_cell(row["column"]),
            bar_cell(row["mean_abs_contribution"], top, family_colour(family) if family else NON_EVENT, number),
            text_cell(row.get("description")),
        ]
        for row in ranked.to_dict(orient="records")
    ]
    return Table([Head("column"), Head("mean contribution", True, "absolute, in log-odds"), Head("what it is")], rows)


def watch_list(frame: pd.DataFrame, *, most: int = 20, tiers: Sequence[str] = ()) -> Table:
    """Show the customers of highest risk: who, how risky, why, and what to do."""
    reasons = [name for name in frame.columns if str(name).startswith("reason_")]
    colours = dict(zip(tiers, tier_colours(len(tiers)), strict=True))
    ranked = frame.sort_values("probability", ascending=False, kind="stable").head(most)
    treated = "treatment" in frame
    heads = [Head("customer"), Head("probability", True), Head("tier"), Head("why, the strongest reason first")]
    heads += [Head("treatment")] if treated else []
    rows = []
    for row in ranked.to_dict(orient="records"):
        why = "; ".join(str(row[name]) for name in reasons if row[name] == row[name] and row[name])
        tier = Cell(str(row["tier"]), None, colours.get(row["tier"], EVENT))
        cells = [text_cell(row["customer"]), bar_cell(row["probability"], 1.0, EVENT), tier, text_cell(why)]
        rows.append([*cells, text_cell(row["treatment"])] if treated else cells)
    note = (
        f"{count(len(rows))} of {count(len(frame))} customers on the list." if len(frame) else "No customer is on it."
    )
    return Table(heads, rows, note=note)


def _rate_interval(row: Mapping[Any, Any]) -> Cell:
    low, high = row["lower"], row.get("upper")
    return Cell(f"{percent(low)} to {percent(high)}") if is_number(low) and is_number(high) else text_cell(None)


def _values(row: Mapping[Any, Any]) -> str:
    if is_number(row.get("median")):
        return " · ".join(f"{row[name]:,.6g}" for name in ("min", "median", "max"))
    top = text_cell(row.get("top")).text
    return f"{top} ({percent(row['top_share'], 0)})" if is_number(row.get("top_share")) else top


def _chosen(frame: pd.DataFrame) -> frozenset[int]:
    if "chosen" not in frame:
        return frozenset()
    return frozenset(at for at, chosen in enumerate(frame["chosen"]) if chosen is True or str(chosen) == "True")
