"""Tables of a run: frames with formatted numbers, small bars behind rates, the chosen family marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT, tier_colours
from riskml.display.format import count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import (
    Column,
    Head,
    Table,
    bar_column,
    dot_column,
    frame_table,
    number_column,
    text_cell,
    text_column,
    text_table,
)
from riskml.models.families import family_colour
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
_NO_NOTES = "No findings."
# Measures on the test set: title and meaning.
_MEASURES = {
    "auc_test": ("AUC (test)", "on the test set: probability that an event ranks above a non-event"),
    "gini_test": ("Gini", "on the test set: 2 AUC − 1"),
    "ks_test": ("KS", "on the test set: largest distance between events and non-events"),
    "brier_test": ("Brier", "on the test set: mean squared error of the probability, lower is better"),
    "logloss_test": ("log loss", "on the test set: lower is better"),
}
_METRICS = {
    "auc": ("AUC", "ranking: 0.5 is chance, 1 is perfect"),
    "gini": ("Gini", "ranking: 2 AUC − 1"),
    "ks": ("KS", "largest distance between the shares of events and of non-events found"),
    "captured_10": ("captured in the riskiest tenth", "share of all events among the riskiest 10% of customers"),
    "h_measure": ("H-measure", "ranking, weighted by costs: 0 is useless, 1 is perfect"),
    "brier": ("Brier score", "mean squared error of the probability: lower is better"),
    "logloss": ("log loss", "error of the probability: lower is better"),
    "ece": ("ECE", "mean distance of predicted and observed rates: 0 is perfect"),
    "observed_expected": ("observed / expected", "above 1 the risk is underestimated"),
    "emp": ("EMP", "expected maximum profit per customer"),
}


def leaderboard_table(frame: pd.DataFrame) -> Table:
    """Return the families, best first, the chosen one marked.

    Examples
    --------
    >>> frame = pd.DataFrame({"family": ["tree"], "auc_cv": [0.781], "auc_cv_se": [0.01], "chosen": [True]})
    >>> leaderboard_table(frame)
    family       AUC (CV)
    tree ★  0.781 ± 0.010
    ★ chosen.
    """
    chosen = frame["chosen"].astype(str) == "True" if "chosen" in frame else pd.Series(False, index=frame.index)
    measures = [name for name in _MEASURES if name in frame]
    columns = [
        dot_column("family", lambda row: f"{row['family']}{' ★' if row['star'] else ''}", _family_colour),
        number_column("AUC (CV)", _cross_validated, str, "cross-validated: mean over folds ± one standard error"),
        *(number_column(_MEASURES[name][0], name, hint=_MEASURES[name][1]) for name in measures),
    ]
    if "columns" in frame:
        columns.append(number_column("columns", "columns", count, "number of columns that the model uses"))
    notes = ["★ chosen."] if chosen.any() else []
    notes += ["AUC (CV) is a mean over folds; the measures after it are on the test set."] if measures else []
    return frame_table(frame.assign(star=chosen), columns, " ".join(notes), marked=chosen)


def comparison_table(frame: pd.DataFrame) -> Table:
    """Return how much better the chosen family ranks than each other one, on the same test set."""
    columns = [
        dot_column("compared with", "family", _family_colour),
        number_column("its AUC (test)", "auc"),
        number_column("lead of the chosen one", "champion_leads_by", lambda value: signed(value, 3)),
        number_column("95% interval", lambda row: f"{signed(row['lower'], 3)} to {signed(row['upper'], 3)}", str),
        number_column("p", "p_value", p_value, "DeLong's paired test: probability of such a lead by chance"),
    ]
    return frame_table(frame, columns, "On the same test set. An interval that contains 0 leaves the order open.")


def notes_table(frame: pd.DataFrame) -> Table:
    """Return the findings of the preparation and what was done about them, warnings first."""
    ranked = frame.sort_values("severity", key=lambda severity: severity != "warning", kind="stable")
    columns = [
        text_column("column"),
        text_column("finding"),
        dot_column("severity", "severity", lambda row: _WARNING if row["severity"] == "warning" else NON_EVENT),
        text_column("done"),
    ]
    return frame_table(ranked, columns, nothing=_NO_NOTES)


def parts_table(frame: pd.DataFrame) -> Table:
    """Return the rows and events of each part."""
    columns = [
        text_column("part"),
        number_column("rows", "rows", count),
        number_column("events", "events", count),
        bar_column("event rate", lambda row: row["events"] / row["rows"] if row["rows"] else None),
    ]
    return frame_table(frame.sort_values("part", key=lambda part: part != "train", kind="stable"), columns)


def dates_table(frame: pd.DataFrame) -> Table:
    """Return the customers on each as-of date of a panel, with those left out by reason."""
    censored = frame["censored"].astype(bool)
    fixed = ["as_of", "customers", "kept", "events", "censored"]
    columns = [
        text_column("as-of date", "as_of"),
        number_column("customers", "customers", count),
        *(number_column(name, name, count) for name in frame.columns if name not in fixed and frame[name].sum()),
        number_column("included", "kept", count),
        number_column("events", "events", count),
        bar_column("event rate", lambda row: row["events"] / row["kept"] if row["kept"] else None),
    ]
    dates = ", ".join(frame.loc[censored, "as_of"].astype(str))
    note = f"Left out, their outcome is not known yet: {dates}." if dates else ""
    return frame_table(frame[~censored], columns, note)


def remarks_table(frame: pd.DataFrame) -> Table:
    """Return the findings in the tables of a panel."""
    columns = [
        text_column("table"),
        text_column("finding"),
        number_column("records", lambda row: count(row["records"]) if row["records"] else "", str),
    ]
    return frame_table(frame, columns, nothing=_NO_NOTES)


def leakage_table(frame: pd.DataFrame) -> Table:
    """Return the columns of a panel that may contain information from the future, or the outcome."""
    columns = [text_column(name) for name in ("severity", "check", "column", "finding")]
    return frame_table(frame, columns, marked=frame["severity"] == "act", nothing=_NO_NOTES)


def profile_table(frame: pd.DataFrame) -> Table:
    """Return a profile of each column."""
    descriptions = frame.get("description", pd.Series(dtype=object))
    columns = [text_column("column")]
    if (descriptions.notna() & (descriptions != "")).any():
        columns.append(text_column("description"))
    columns += [
        text_column("kind"),
        bar_column("missing", "missing", colour=NON_EVENT),
        number_column("distinct values", "distinct", count),
        text_column("values", _values),
        text_column("suspicion"),
    ]
    note = "Numbers: minimum, median, maximum. Categories: the most frequent level and its share."
    return frame_table(frame, columns, note)


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return measures with their intervals and meanings."""
    rows = []
    for name, figure in metrics.items():
        title, meaning = _METRICS.get(name, (name.replace("_", " "), ""))
        rows.append((title, number(figure.get("value")), interval(figure.get("low"), figure.get("high")), meaning))
    return text_table(["measure", Head("value", True), Head("interval", True), "meaning"], rows)


def gains_table(frame: pd.DataFrame) -> Table:
    """Return the bands of customers, riskiest first."""
    columns = [
        text_column("band"),
        number_column("customers", "count", count),
        number_column("events", "event", count),
        bar_column("event rate", "event_rate"),
        number_column("lift", "lift", lambda value: number(value, 2), "event rate over the overall event rate"),
        bar_column("captured events", "captured", colour=NON_EVENT, hint="in this band and those above it"),
    ]
    return frame_table(frame, columns, "Bands of about equal size; 1 is the riskiest.")


def tiers_table(frame: pd.DataFrame) -> Table:
    """Return each tier's share of customers, expected and observed event rate, and the test whether they agree."""
    total = float(frame["rows"].sum())
    colours = dict(zip(frame["tier"], tier_colours(len(frame)), strict=True))

    def colour(row: Mapping[Any, Any]) -> str:
        return str(colours[row["tier"]])

    columns: list[tuple[str, Column]] = [
        ("tier", dot_column("tier", "tier", colour)),
        ("from_probability", number_column("from", "from_probability", percent, "lowest probability")),
        ("rows", number_column("customers", "rows", count)),
        ("rows", bar_column("share", lambda row: row["rows"] / total if total else None, colour=colour)),
        ("expected", number_column("expected rate", "expected", percent, "mean probability")),
        ("event_rate", bar_column("observed rate", "event_rate")),
        ("lower", number_column("interval", _rate_interval, str, "of the observed rate")),
        (
            "jeffreys_p",
            number_column("Jeffreys p", "jeffreys_p", p_value, "small where the model underestimates the tier's risk"),
        ),
        ("treatment", text_column("treatment")),
    ]
    return frame_table(frame, [column for name, column in columns if name in frame])


def drivers_table(frame: pd.DataFrame, *, most: int = 15, family: str = "") -> Table:
    """Return the columns with the largest influence on the scores."""
    ranked = frame.sort_values("mean_abs_contribution", ascending=False, kind="stable").head(most)
    top = float(ranked["mean_abs_contribution"].max()) if len(ranked) else 0.0
    colour = family_colour(family) if family else NON_EVENT
    hint = "absolute, in log-odds"
    columns = [
        text_column("column"),
        bar_column("mean contribution", "mean_abs_contribution", full=top, colour=colour, write=number, hint=hint),
        text_column("description", lambda row: row.get("description")),
    ]
    return frame_table(ranked, columns)


def watch_list(frame: pd.DataFrame, *, most: int = 20, tiers: Sequence[str] = ()) -> Table:
    """Return the customers of highest risk, with probability, tier, reasons and treatment."""
    reasons = [name for name in frame.columns if str(name).startswith("reason_")]
    colours = dict(zip(tiers, tier_colours(len(tiers)), strict=True))
    columns = [
        text_column("customer"),
        bar_column("probability", "probability"),
        dot_column("tier", "tier", lambda row: colours.get(row["tier"], EVENT)),
        text_column("reasons, strongest first", lambda row: "; ".join(_texts(row, reasons))),
    ]
    if "treatment" in frame:
        columns.append(text_column("treatment"))
    ranked = frame.sort_values("probability", ascending=False, kind="stable").head(most)
    note = f"{count(len(ranked))} of {count(len(frame))} customers on the list."
    return frame_table(ranked, columns, note, nothing="No customer is on the list.")


def _family_colour(row: Mapping[Any, Any]) -> str:
    return family_colour(row["family"])


def _cross_validated(row: Mapping[Any, Any]) -> str:
    error = row.get("auc_cv_se")
    return number(row["auc_cv"]) + (f" ± {number(error)}" if is_number(error) else "")


def _rate_interval(row: Mapping[Any, Any]) -> str:
    low, high = row["lower"], row.get("upper")
    return f"{percent(low)} to {percent(high)}" if is_number(low) and is_number(high) else text_cell(None).text


def _texts(row: Mapping[Any, Any], names: Sequence[str]) -> list[str]:
    return [str(row[name]) for name in names if row[name] == row[name] and row[name]]


def _values(row: Mapping[Any, Any]) -> str:
    if is_number(row.get("median")):
        return " · ".join(f"{row[name]:,.6g}" for name in ("min", "median", "max"))
    top = text_cell(row.get("top")).text
    return f"{top} ({percent(row['top_share'], 0)})" if is_number(row.get("top_share")) else top
