"""The validator's evidence as tables for people: tests, money, fairness, stability, explanation, findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT, family_colour
from riskml.display.format import MISSING, count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import Cell, Head, Table, bar_cell, text_cell

Write = Callable[[Mapping[Any, Any]], Cell]
_SEVERITIES = {"act": EVENT, "watch": "#d9a400", "note": NON_EVENT}


def tests_table(frame: pd.DataFrame) -> Table:
    """Show the Jeffreys and the binomial test of each grade (`riskml.validation.calibration.calibration_tests`)."""
    columns: list[tuple[Head, Write]] = [
        (Head("by"), lambda row: text_cell(row["by"])),
        (Head("grade"), lambda row: text_cell("" if row["by"] == "all" else row["grade"])),
        (Head("customers", True), lambda row: Cell(count(row["count"]))),
        (Head("events", True), lambda row: Cell(count(row["event"]))),
        (Head("expected", True, "mean probability"), lambda row: Cell(percent(row["pd"]))),
        (Head("observed", True), lambda row: bar_cell(row["event_rate"], 1.0, EVENT)),
        (Head("Jeffreys p", True, "chance, if the probability were right, of a rate as low as it"), _p("jeffreys_p")),
        (Head("binomial: rejects from", True, "events"), lambda row: Cell(number(row["critical"], 1))),
        (Head("binomial p", True, "exact"), _p("binomial_p")),
        (Head("risk underestimated"), lambda row: text_cell("yes" if row["rejected"] else "")),
    ]
    note = "At 95 %, one test in twenty rejects by chance. Tenths of the customers, 1 is the safest."
    return _table(frame, columns, note, marked=frame["rejected"])


def brier_table(figures: Mapping[str, Any]) -> Table:
    """Show the parts of the Brier score and the Hosmer-Lemeshow test (``calibration_figures``)."""
    parts, fit = figures["brier_parts"], figures["hosmer_lemeshow"]
    base = parts["uncertainty"]
    rows = [
        ("Brier score", number(parts["brier"], 4), "mean squared error of the probability: lower is better"),
        ("= reliability", number(parts["reliability"], 4), "error of the level in each tenth: 0 is perfect"),
        ("− resolution", number(parts["resolution"], 4), "how far the tenths lie apart: more is better"),
        ("+ uncertainty", number(base, 4), "of the outcome itself: what a constant forecast would score"),
        ("+ within tenths", signed(parts["within_band"], 4), "what differences inside a tenth add"),
        ("skill", percent(1 - parts["brier"] / base), "share of the uncertainty that the model takes away"),
        (
            "Hosmer-Lemeshow",
            f"{number(fit['statistic'], 1)} ({fit['df']} degrees of freedom)",
            f"p {p_value(fit['p_value'])}: small where level and outcome do not fit; large books reject trifles",
        ),
    ]
    heads = [Head("part"), Head("value", True), Head("how to read it")]
    return Table(heads, [[Cell(text) for text in row] for row in rows])


def policies_table(frame: pd.DataFrame | None, *, currency: str = "") -> Table:
    """Show what each policy earns (`riskml.validation.profit.Profit`, ``policies``)."""
    if frame is None:
        return Table([], [], note="The experiment states no costs (costs): where to decide cannot be weighed in money.")
    money = f", {currency}" if currency else ""
    best = frame["earned"].max()
    columns: list[tuple[Head, Write]] = [
        (Head("policy"), lambda row: text_cell(row["policy"])),
        (Head("from probability", True), lambda row: Cell(percent(row["cutoff"]))),
        (Head("customers acted on", True), lambda row: bar_cell(row["share_acted"], 1.0, NON_EVENT)),
        (Head(f"earned per customer{money}", True, "by the outcomes"), lambda row: Cell(signed(row["earned"], 3))),
        (Head(f"promised{money}", True, "by the probabilities"), lambda row: Cell(signed(row["expected"], 3))),
    ]
    note = "Where earned and promised lie apart, the probabilities are off. The best of these policies is marked."
    return _table(frame, columns, note, marked=frame["earned"] == best)


def maximum_profit_table(figures: Mapping[str, Any]) -> Table:
    """Show the expected maximum profit, and what it rests on (`riskml.validation.profit.maximum_profit`)."""
    heads = [Head("measure"), Head("value", True), Head("unit"), Head("act on", True), Head("prior"), Head("costs")]
    cells = [
        figures["measure"],
        number(figures["value"], 4),
        figures["unit"],
        percent(figures["fraction"]),
        figures["prior"],
        figures["costs"],
    ]
    return Table(heads, [[Cell(str(text)) for text in cells]])


def fairness_table(frame: pd.DataFrame) -> Table:
    """Show how each protected group fares (`riskml.validation.fairness.fairness_table`)."""
    if frame.empty:
        return Table(
            [], [], note="No protected group was named (fairness.columns of the experiment): nothing was tested."
        )
    columns: list[tuple[Head, Write]] = [
        (Head("group"), lambda row: text_cell(f"{row['column']}: {row['group']}")),
        (Head("customers", True), lambda row: Cell(count(row["count"]))),
        (Head("event rate", True), lambda row: bar_cell(row["event_rate"], 1.0, EVENT)),
        (Head("favoured", True, "share with the favourable decision"), lambda row: Cell(percent(row["favoured"]))),
        (
            Head("ratio to the best", True, "below 0.80: four-fifths rule"),
            _between("ratio", "ratio_lower", "ratio_upper", 2),
        ),
        (Head("favoured, deserving", True), lambda row: Cell(percent(row["opportunity"]))),
        (Head("gap to the best", True), lambda row: Cell(signed(row["opportunity_gap"]))),
        (Head("AUC", True), lambda row: Cell(number(row["auc"]))),
        (Head("observed / expected", True), lambda row: Cell(number(row["observed_expected"], 2))),
        (Head("calibrated"), lambda row: text_cell("yes" if row["calibrated"] else "no")),
    ]
    note = (
        "95 % intervals in brackets. Marked: below four fifths, or the probability means another risk. "
        "Groups of fewer than 30 customers say little: they are not marked, and none is compared with them."
    )
    off = frame["below_four_fifths"].astype(bool) | ~frame["calibrated"].astype(bool)
    return _table(frame, columns, note, marked=off & frame["judged"].astype(bool))


def segments_table(frame: pd.DataFrame, *, nothing: str = "") -> Table:
    """Show the measures by segment or period (`riskml.validation.stability.by_segment`, ``over_time``)."""
    parts = [(Head("part"), lambda row: text_cell(row["part"]))] if "part" in frame else []
    columns: list[tuple[Head, Write]] = [
        (Head("by"), lambda row: text_cell(row["by"])),
        (Head("group"), lambda row: text_cell(row["group"])),
        *parts,
        (Head("customers", True), lambda row: Cell(count(row["count"]))),
        (Head("event rate", True), lambda row: bar_cell(row["event_rate"], 1.0, EVENT)),
        (Head("AUC", True), _between("auc", "auc_lower", "auc_upper", 3)),
        (Head("observed / expected", True), _between("observed_expected", "oe_lower", "oe_upper", 2)),
        (Head("PSI", True, "of the score"), lambda row: Cell(number(row["psi"]))),
        (Head("by chance below", True, "95 %"), lambda row: Cell(number(row["no_shift"]))),
    ]
    if frame.empty:
        return Table([], [], note=nothing)
    off = (frame["oe_lower"] > 1) | (frame["oe_upper"] < 1)
    note = "95 % intervals in brackets. Marked: the interval of observed / expected leaves 1. – where rows are too few."
    return _table(frame, columns, note, marked=off)


def concentration_table(figures: Mapping[str, Any] | None) -> Table:
    """Show how unevenly the customers lie over the tiers (``calibration_figures``, ``concentration``)."""
    if figures is None:
        return Table([], [], note="There is one tier: nothing can be concentrated.")
    rows = [
        ("coefficient of variation", number(figures["cv"]), "0 where all tiers hold the same number of customers"),
        ("Herfindahl index", number(figures["hi"]), "0 where they do, 1 where one tier holds all"),
    ]
    heads = [Head("concentration over the tiers"), Head("value", True), Head("how to read it")]
    return Table(heads, [[Cell(text) for text in row] for row in rows])


def characteristics_table(frame: pd.DataFrame, score: Mapping[str, Any]) -> Table:
    """Show the stability index of the score and of each column."""
    first = {
        "column": "the score (PSI)",
        "csi": score["value"],
        "no_shift": score["no_shift"],
        "verdict": score["verdict"],
    }
    tests = [name for name in ("test", "statistic", "drift") if name in frame]  # not in a run of an earlier version
    frame = pd.concat([pd.DataFrame([first]), frame[[*first, *tests]]], ignore_index=True)
    full = max(0.25, float(frame["csi"].max())) if len(frame) else 1.0
    columns: list[tuple[Head, Write]] = [
        (Head("column"), lambda row: text_cell(row["column"])),
        (Head("CSI", True), lambda row: bar_cell(row["csi"], full, EVENT, number)),
        (Head("by chance below", True, "95 %, without any shift"), lambda row: Cell(number(row["no_shift"]))),
        (Head("verdict"), lambda row: text_cell(row["verdict"])),
        (
            Head("drift test", False, "KS, chi-square: to 1,000 rows, 95 %; Wasserstein, Jensen-Shannon: above, 0.1"),
            lambda row: text_cell(_drift(row)),
        ),
    ]
    note = "Below 0.10 stable, to 0.25 watch, above act. A test at 95 % finds drift in one of twenty columns by chance."
    return _table(frame, columns, note, marked=frame["verdict"] != "stable")


def _drift(row: Mapping[Any, Any]) -> str:
    if not isinstance(row.get("test"), str) or not row["test"]:
        return ""
    return f"{row['test']} {number(row['statistic'])}: {'drift' if row['drift'] else 'none'}"


def importance_table(frame: pd.DataFrame, *, family: str = "", most: int = 20) -> Table:
    """Show what each column is worth to the model (`riskml.validation.explain.importance`)."""
    top = frame.head(most)
    colour = family_colour(family) if family else NON_EVENT
    full = float(top["auc_drop"].max()) if len(top) else 1.0
    deep = float(top["mean_abs_contribution"].max()) if len(top) else 1.0
    columns: list[tuple[Head, Write]] = [
        (Head("column"), lambda row: text_cell(row["column"])),
        (
            Head("AUC lost without it", True, "when its values are shuffled"),
            lambda row: bar_cell(row["auc_drop"], full, colour, lambda v: signed(v, 4)),
        ),
        (Head("±", True, "standard error over the shuffles"), lambda row: Cell(number(row["se"], 4))),
        (
            Head("mean contribution", True, "absolute, log-odds"),
            lambda row: bar_cell(row["mean_abs_contribution"], deep, colour, number),
        ),
    ]
    if "mean_abs_points" in frame:
        columns.append(
            (
                Head("mean points", True, "absolute, from the average"),
                lambda row: Cell(number(row["mean_abs_points"], 1)),
            )
        )
    columns.append((Head("what it is"), lambda row: text_cell(row["description"])))
    rest = len(frame) - len(top)
    return _table(top, columns, f"{rest} weaker columns are in explanation.csv." if rest else "")


def violations_table(frame: pd.DataFrame) -> Table:
    """Show where probabilities go against a declared direction (`riskml.explanation.monotone_violations`)."""
    columns: list[tuple[Head, Write]] = [
        (Head("column"), lambda row: text_cell(row["column"])),
        (Head("declared"), lambda row: text_cell(row["direction"])),
        (Head("customers asked", True), lambda row: Cell(count(row["customers"]))),
        (Head("moving the wrong way", True), lambda row: bar_cell(row["violated"], 1.0, EVENT)),
        (Head("largest such move", True, "of one customer's probability"), lambda row: Cell(percent(row["largest"]))),
        (Head("used by the model"), lambda row: text_cell("yes" if row["used"] else "no")),
    ]
    note = "" if len(frame) else "No direction was declared (data.columns.<name>.monotone): nothing was tested."
    return _table(frame, columns, note, marked=frame["violated"] > 0)


def reasons_table(frame: pd.DataFrame, probability: pd.Series) -> Table:
    """Show customers' reasons in plain words (`riskml.explanation.reasons_in_words`)."""
    rows = []
    for customer, chance in probability.items():
        own = frame.loc[frame["customer"] == customer, "sentence"]
        first = [Cell(str(customer)), bar_cell(chance, 1.0, EVENT)]
        sentences = list(own) or ["nothing raises the risk above the average customer's"]
        rows += [[*(first if not at else [Cell(""), Cell("")]), Cell(text)] for at, text in enumerate(sentences)]
    return Table([Head("customer"), Head("probability", True), Head("why")], rows)


def findings_table(frame: pd.DataFrame) -> Table:
    """Show what has to be settled, the gravest first (`riskml.validation.findings.findings`)."""
    columns: list[tuple[Head, Write]] = [
        (Head("severity"), lambda row: Cell(str(row["severity"]), None, _SEVERITIES[row["severity"]])),
        (Head("about"), lambda row: text_cell(row["about"])),
        (Head("finding"), lambda row: text_cell(row["finding"])),
    ]
    note = "act: not to be used before it is settled. watch: settle it, or accept it in writing. note: know it."
    return _table(frame, columns, note if len(frame) else "Nothing was found.")


def _table(
    frame: pd.DataFrame, columns: Sequence[tuple[Head, Write]], note: str = "", *, marked: pd.Series | None = None
) -> Table:
    rows = [[write(row) for _, write in columns] for row in frame.to_dict(orient="records")]
    stand_out = frozenset() if marked is None else frozenset(at for at, flag in enumerate(marked) if flag)
    return Table([head for head, _ in columns], rows, stand_out, note)


def _p(name: str) -> Write:
    return lambda row: Cell(p_value(row[name]))


def _between(value: str, low: str, high: str, digits: int) -> Write:
    def write(row: Mapping[Any, Any]) -> Cell:
        if not is_number(row[value]):
            return Cell(MISSING)
        bounds = interval(row[low], row[high], digits) if row[low] != row[high] else ""
        return Cell(number(row[value], digits) + (f" ({bounds})" if bounds else ""))

    return write
