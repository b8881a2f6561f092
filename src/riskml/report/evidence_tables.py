"""Tables of the validation: calibration tests, profit, fairness, stability, explanation, findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT
from riskml.display.format import MISSING, count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import (
    Cell,
    Head,
    Row,
    Table,
    bar_cell,
    bar_column,
    dot_column,
    frame_table,
    number_column,
    text_column,
    text_table,
)
from riskml.models.families import family_colour

_SEVERITIES = {"act": EVENT, "watch": "#d9a400", "note": NON_EVENT}


def tests_table(frame: pd.DataFrame) -> Table:
    """Return the Jeffreys and the binomial test of each grade (`riskml.validation.calibration.calibration_tests`)."""
    columns = [
        text_column("by"),
        text_column("grade", lambda row: "" if row["by"] == "all" else row["grade"]),
        number_column("customers", "count", count),
        number_column("events", "event", count),
        number_column("expected", "pd", percent, "mean probability"),
        bar_column("observed", "event_rate"),
        number_column(
            "Jeffreys p", "jeffreys_p", p_value, "posterior probability that the true rate is at most the expected one"
        ),
        number_column("binomial: rejects from", "critical", _decimals(1), "events"),
        number_column("binomial p", "binomial_p", p_value, "exact"),
        text_column("risk underestimated", lambda row: "yes" if row["rejected"] else ""),
    ]
    note = "At 95 %, one test in twenty rejects by chance. Tenths of the customers: 1 is the safest."
    return frame_table(frame, columns, note, marked=frame["rejected"])


def brier_table(figures: Mapping[str, Any]) -> Table:
    """Return the parts of the Brier score and the Hosmer-Lemeshow test (``calibration_figures``)."""
    parts, fit = figures["brier_parts"], figures["hosmer_lemeshow"]
    base = parts["uncertainty"]
    rows = [
        ("Brier score", number(parts["brier"], 4), "mean squared error of the probability: lower is better"),
        ("= reliability", number(parts["reliability"], 4), "calibration error in each tenth: 0 is perfect"),
        ("− resolution", number(parts["resolution"], 4), "distance between the tenths: more is better"),
        ("+ uncertainty", number(base, 4), "variance of the outcome: the score of a constant forecast"),
        ("+ within tenths", signed(parts["within_band"], 4), "effect of differences within a tenth"),
        ("skill", percent(1 - parts["brier"] / base), "share of the uncertainty that the model removes"),
        (
            "Hosmer-Lemeshow",
            f"{number(fit['statistic'], 1)} ({fit['df']} degrees of freedom)",
            f"p {p_value(fit['p_value'])}: small where the model is miscalibrated; large samples reject small errors",
        ),
    ]
    return text_table(["part", Head("value", True), "meaning"], rows)


def policies_table(frame: pd.DataFrame | None, *, currency: str = "") -> Table:
    """Return the profit of each policy (`riskml.validation.profit.Profit`, ``policies``)."""
    if frame is None:
        return Table([], [], note="The experiment states no costs (costs): profit was not measured.")
    money = f", {currency}" if currency else ""
    columns = [
        text_column("policy"),
        number_column("from probability", "cutoff", percent),
        bar_column("customers acted on", "share_acted", colour=NON_EVENT),
        number_column(f"earned per customer{money}", "earned", _signs(3), "by the outcomes"),
        number_column(f"promised{money}", "expected", _signs(3), "by the probabilities"),
    ]
    note = "Where earned and promised differ, the model is miscalibrated. The best of these policies is marked."
    return frame_table(frame, columns, note, marked=frame["earned"] == frame["earned"].max())


def maximum_profit_table(figures: Mapping[str, Any]) -> Table:
    """Return the expected maximum profit and its assumptions (`riskml.validation.profit.maximum_profit`)."""
    heads: list[str | Head] = ["measure", Head("value", True), "unit", Head("act on", True), "prior", "costs"]
    value, share = number(figures["value"], 4), percent(figures["fraction"])
    row: list[str] = [figures["measure"], value, figures["unit"], share, figures["prior"], figures["costs"]]
    return text_table(heads, [row])


def fairness_table(frame: pd.DataFrame) -> Table:
    """Return the decisions and the calibration of each protected group (`riskml.validation.fairness`)."""
    if frame.empty:
        return Table([], [], note="The experiment names no protected groups (fairness.columns): none were tested.")
    columns = [
        text_column("group", lambda row: f"{row['column']}: {row['group']}"),
        number_column("customers", "count", count),
        bar_column("event rate", "event_rate"),
        number_column("favoured", "favoured", percent, "share with the favourable decision"),
        number_column("ratio to the best", _between("ratio", 2), str, "below 0.80: four-fifths rule"),
        number_column("favoured, deserving", "opportunity", percent),
        number_column("gap to the best", "opportunity_gap", signed),
        number_column("AUC", "auc"),
        number_column("observed / expected", "observed_expected", _decimals(2)),
        text_column("calibrated", lambda row: "yes" if row["calibrated"] else "no"),
    ]
    note = (
        "95 % intervals in brackets. Marked: below four fifths, or miscalibrated. "
        "Groups of fewer than 30 customers are not judged."
    )
    off = frame["below_four_fifths"].astype(bool) | ~frame["calibrated"].astype(bool)
    return frame_table(frame, columns, note, marked=off & frame["judged"].astype(bool))


def segments_table(frame: pd.DataFrame, *, nothing: str = "") -> Table:
    """Return the measures by segment or period (`riskml.validation.stability.by_segment`, ``over_time``)."""
    if frame.empty:
        return Table([], [], note=nothing)
    columns = [
        text_column("by"),
        text_column("group"),
        *([text_column("part")] if "part" in frame else []),
        number_column("customers", "count", count),
        bar_column("event rate", "event_rate"),
        number_column("AUC", _between("auc", 3), str),
        number_column("observed / expected", _between("observed_expected", 2, "oe"), str),
        number_column("PSI", "psi", hint="of the score"),
        number_column("by chance below", "no_shift", hint="95 %"),
    ]
    off = (frame["oe_lower"] > 1) | (frame["oe_upper"] < 1)
    note = "95 % intervals in brackets. Marked: the interval of observed / expected excludes 1. –: too few rows."
    return frame_table(frame, columns, note, marked=off)


def concentration_table(figures: Mapping[str, Any] | None) -> Table:
    """Return the concentration of the customers over the tiers (``calibration_figures``, ``concentration``)."""
    if figures is None:
        return Table([], [], note="There is only one tier.")
    rows = [
        ("coefficient of variation", number(figures["cv"]), "0 where all tiers have the same number of customers"),
        ("Herfindahl index", number(figures["hi"]), "0 where they do, 1 where one tier has all customers"),
    ]
    return text_table(["concentration over the tiers", Head("value", True), "meaning"], rows)


def characteristics_table(frame: pd.DataFrame, score: Mapping[str, Any]) -> Table:
    """Return the stability index of the score and of each column."""
    first = {"column": "the score (PSI)", "csi": score["value"]}
    first |= {name: score[name] for name in ("no_shift", "verdict")}
    tests = [name for name in ("test", "statistic", "drift") if name in frame]  # absent from runs of earlier versions
    frame = pd.concat([pd.DataFrame([first]), frame[[*first, *tests]]], ignore_index=True)
    hint = "KS, chi-square: up to 1,000 rows, 95 %; Wasserstein, Jensen-Shannon: above, 0.1"
    columns = [
        text_column("column"),
        bar_column("CSI", "csi", full=max(0.25, float(frame["csi"].max())), write=number),
        number_column("by chance below", "no_shift", hint="95 %, without any shift"),
        text_column("verdict"),
        text_column("drift test", _drift, hint),
    ]
    note = "Below 0.10 stable, to 0.25 watch, above act. A test at 95 % finds drift in one of twenty columns by chance."
    return frame_table(frame, columns, note, marked=frame["verdict"] != "stable")


def _drift(row: Row) -> str:
    if not isinstance(row.get("test"), str) or not row["test"]:
        return ""
    return f"{row['test']} {number(row['statistic'])}: {'drift' if row['drift'] else 'none'}"


def importance_table(frame: pd.DataFrame, *, family: str = "", most: int = 20) -> Table:
    """Return the importance of each column for the model (`riskml.validation.explain.importance`)."""
    top = frame.head(most)
    colour = family_colour(family) if family else NON_EVENT

    def bar(title: str, name: str, write: Callable[[Any], str], hint: str) -> Any:
        full = float(top[name].max()) if len(top) else 1.0
        return bar_column(title, name, full=full, colour=colour, write=write, hint=hint)

    columns = [
        text_column("column"),
        bar("AUC lost without it", "auc_drop", _signs(4), "when its values are shuffled"),
        number_column("±", "se", _decimals(4), "standard error over the shuffles"),
        bar("mean contribution", "mean_abs_contribution", number, "absolute, log-odds"),
    ]
    if "mean_abs_points" in frame:
        columns.append(
            number_column("mean points", "mean_abs_points", _decimals(1), "absolute distance from the average")
        )
    columns.append(text_column("description"))
    rest = len(frame) - len(top)
    return frame_table(top, columns, f"{rest} weaker columns are in explanation.csv." if rest else "")


def violations_table(frame: pd.DataFrame) -> Table:
    """Return the violations of declared directions (`riskml.validation.explain.monotone_violations`)."""
    columns = [
        text_column("column"),
        text_column("declared", "direction"),
        number_column("customers tested", "customers", count),
        bar_column("with a violation", "violated"),
        number_column("largest violation", "largest", percent, "change of one customer's probability"),
        text_column("used by the model", lambda row: "yes" if row["used"] else "no"),
    ]
    nothing = "The experiment declares no directions (data.columns.<name>.monotone): none were tested."
    return frame_table(frame, columns, marked=frame["violated"] > 0, nothing=nothing)


def reasons_table(frame: pd.DataFrame, probability: pd.Series) -> Table:
    """Return customers' reasons as sentences (`riskml.validation.explain.reasons_in_words`)."""
    rows = []
    for customer, chance in probability.items():
        own = frame.loc[frame["customer"] == customer, "sentence"]
        first = [Cell(str(customer)), bar_cell(chance, 1.0, EVENT)]
        sentences = list(own) or ["no column raises the risk above that of the average customer"]
        rows += [[*(first if not at else [Cell(""), Cell("")]), Cell(text)] for at, text in enumerate(sentences)]
    return Table([Head("customer"), Head("probability", True), Head("reasons")], rows)


def findings_table(frame: pd.DataFrame) -> Table:
    """Return the findings, most severe first (`riskml.validation.findings.findings`)."""
    severity = dot_column("severity", "severity", lambda row: _SEVERITIES[row["severity"]])
    note = "act: resolve before use. watch: resolve, or accept in writing. note: for information."
    return frame_table(frame, [severity, text_column("about"), text_column("finding")], note, nothing="No findings.")


def _decimals(digits: int) -> Callable[[Any], str]:
    return lambda value: number(value, digits)


def _signs(digits: int) -> Callable[[Any], str]:
    return lambda value: signed(value, digits)


def _between(name: str, digits: int, bounds: str = "") -> Callable[[Row], str]:
    """Return the writer of a value with its interval, from the columns ``…_lower`` and ``…_upper``."""

    def write(row: Row) -> str:
        if not is_number(row[name]):
            return MISSING
        low, high = row[f"{bounds or name}_lower"], row[f"{bounds or name}_upper"]
        limits = interval(low, high, digits) if low != high else ""
        return number(row[name], digits) + (f" ({limits})" if limits else "")

    return write
