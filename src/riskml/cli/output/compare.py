"""Output of `riskml compare`: differences in settings, data and performance of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskml.cli.output import console
from riskml.display.format import percent, signed
from riskml.display.texts import texts
from riskml.errors import InputError
from riskml.runs import compare, diff
from riskml.runs.summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

_GAP = 2  # blanks between columns
_METRICS = {"auc": "AUC", "ks": "KS", "brier": "Brier", "log_loss": "log loss", "ece": "ECE"}
Rows = Mapping[str, Sequence[str]]


def show_comparison(views: Sequence[RunSummary]) -> None:
    """Show the settings and data that differ, the champions, and their performance on the same customers."""
    names = [f"{letter} {view.name}" for letter, view in zip(compare.letters(views), views, strict=True)]
    titles: Mapping[str, str] = texts("riskml.cli.output")["compare"]
    for view in views:
        if view.lacking():
            note = titles["lacking"].format(run=view.name, files=", ".join(view.lacking()))
            Console(highlight=False, soft_wrap=True, stderr=True).print(f"[yellow]{escape(note)}[/yellow]")
    tables: dict[str, Rows] = {"settings": _rows(diff.settings(views))}
    if not any("data.json" in view.lacking() for view in views):
        facts = diff.data(views)
        tables["data"] = _rows(facts[facts["same"] == "no"].drop(columns="same"))
    tables |= {"families": _rows(diff.families(views)), "champions": _rows(diff.champions(views))}
    if not any("predictions.parquet" in view.lacking() for view in views):
        try:
            tables |= _on_shared_customers(views, titles)
        except InputError as error:
            note = titles["no_figures"].format(error=error.what)
            console.print(f"[yellow]{escape(note)}[/yellow]", soft_wrap=False)
    # The same widths in every table, so that the columns of a run are aligned.
    longest = max(len(name) for rows in tables.values() for name in rows)
    first = min(longest, console.width // 3)
    each = max((console.width - first) // len(views) - _GAP, 12)
    for key, rows in tables.items():
        console.print(f"\n[bold]{escape(titles[key])}[/bold]")
        console.print(_table(names, rows, first, each), soft_wrap=False)


def _on_shared_customers(views: Sequence[RunSummary], titles: Mapping[str, str]) -> dict[str, Rows]:
    shared, stated = compare.shared_customers(views), diff.stated_costs(views)
    note = titles["shared"].format(customers=shared.description, tiers=shared.tiers_note, costs=stated.description)
    console.print(escape(note), soft_wrap=False)
    differences, moved = compare.differences(shared), compare.moves(compare.swaps(shared))
    others = list(shared.probability.columns[1:])
    gaps: dict[str, list[str]] = {}
    for metric, title in _METRICS.items():
        rows = differences[differences["metric"] == metric].set_index("run").to_dict(orient="index")
        gaps[title] = ["", *(_gap(rows[run]) for run in others)]
    swapped: dict[str, list[str]] = {}
    for move, title in (("riskier", "moved riskier"), ("safer", "moved safer"), ("same", "unchanged")):
        rows = moved[moved["move"] == move].set_index("run").to_dict(orient="index")
        swapped[title] = ["", *(_move(rows.get(run)) for run in others)]
    levels = compare.levels(shared).to_dict(orient="records")
    ratios = [f"{row['ratio']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})" for row in levels]
    profits = [
        f"{best.profit_per_customer:.4g}, {percent(best.share_acted)} acted on, from {percent(best.cutoff)}"
        for best in compare.best_cutoffs(shared, stated.costs).values()
    ]
    return {
        "differences": gaps,
        "moves": swapped,
        "money": {"observed / expected": ratios, "profit per customer": profits},
        "stability": _shifts(compare.stability(views)),
    }


def _gap(row: Mapping[Any, Any]) -> str:
    return f"{signed(row['difference'], 4)} ({signed(row['lower'], 4)} to {signed(row['upper'], 4)}) {row['verdict']}"


def _move(row: Mapping[Any, Any] | None) -> str:
    return "none" if row is None else f"{row['count']:,.0f} customers, {percent(row['event_rate'])} events"


def _shifts(table: pd.DataFrame) -> Rows:
    rows = table.to_dict(orient="records")
    return {"PSI": [f"{row['psi']:.3f} {row['verdict']} (chance: {row['no_shift']:.3f})" for row in rows]}


def _rows(table: pd.DataFrame) -> Rows:
    return {str(key): list(map(str, values)) for key, values in zip(table.index, table.to_numpy(), strict=True)}


def _table(names: Sequence[str], rows: Rows, first: int, each: int) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, _GAP, 0, 0))
    table.add_column("", width=first, overflow="fold")
    for name in names:
        # A long name is broken between the experiment and the time.
        table.add_column(escape(name if len(name) <= each else name.replace("/", "/\n")), width=each, overflow="fold")
    for name, values in rows.items():
        table.add_row(escape(name), *map(escape, values))
    if not rows:
        table.add_row("none", *[""] * len(names))
    return table
