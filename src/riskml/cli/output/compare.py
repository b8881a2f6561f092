"""Runs beside one another in a terminal: what they did differently, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskml.display.format import percent, signed
from riskml.errors import InputError
from riskml.runs import compare, diff
from riskml.runs.summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

_console = Console(highlight=False, soft_wrap=True)
_aside = Console(highlight=False, soft_wrap=True, stderr=True)
_GAP = 2  # blanks between columns
_METRICS = {"auc": "AUC", "ks": "KS", "brier": "Brier", "log_loss": "log loss", "ece": "ECE"}


def show_comparison(views: Sequence[RunSummary]) -> None:
    """Show runs beside one another: settings and data that differ, champions, and the same customers judged by each."""
    names = [f"{letter} {view.name}" for letter, view in zip(compare.letters(views), views, strict=True)]
    champions = diff.champions(views)
    tables: list[tuple[str, Sequence[str], Mapping[str, Sequence[str]]]] = [
        ("settings that differ", names, _rows(diff.settings(views))),
        ("AUC, cross-validated ± standard error", names, _rows(diff.families(views))),
        ("champion, on rows it has never seen (95 % interval)", names, _rows(champions)),
    ]
    for view in views:
        if view.lacking():
            note = f"the run {view.name} lacks {', '.join(view.lacking())}: what rests on them is left out"
            _aside.print(f"[yellow]{escape(note)}[/yellow]")
    if not any("data.json" in view.lacking() for view in views):
        facts = diff.data(views)
        tables.insert(1, ("data that differ", names, _rows(facts[facts["same"] == "no"].drop(columns="same"))))
    if not any("predictions.parquet" in view.lacking() for view in views):
        try:
            compared = compare.shared_customers(views)
        except InputError as error:
            _console.print(f"[yellow]{escape(error.what)}; their figures do not compare.[/yellow]", soft_wrap=False)
        else:
            stated = diff.stated_costs(views)
            _console.print(
                escape(f"{compared.description} {compared.tiers_note} Costs: {stated.description}"), soft_wrap=False
            )
            tables += _on_the_same_customers(compared, names)
            tables += _level_and_money(compared, names, stated)
            tables.append(("scores, from development to rows set aside", names, _shifts(compare.stability(views))))
    # The same widths in every table: what belongs to one run stands beneath its name.
    longest = max(len(name) for _, _, rows in tables for name in rows)
    first = min(longest, _console.width // 3)
    each = max((_console.width - first) // len(views) - _GAP, 12)
    for title, heads, rows in tables:
        _console.print(f"\n[bold]{escape(title)}[/bold]")
        _console.print(_beside(heads, rows, first, each), soft_wrap=False)


def _on_the_same_customers(
    compared: compare.Shared, names: Sequence[str]
) -> list[tuple[str, Sequence[str], Mapping[str, Sequence[str]]]]:
    differences, moved = compare.differences(compared), compare.moves(compare.swaps(compared))
    runs = list(compared.probability.columns[1:])
    gaps: dict[str, list[str]] = {}
    for metric, title in _METRICS.items():
        rows = differences[differences["metric"] == metric].set_index("run").to_dict(orient="index")
        gaps[title] = ["", *(_gap(rows[run]) for run in runs)]
    swapped: dict[str, list[str]] = {}
    for move in ("riskier", "safer", "same"):
        rows = moved[moved["move"] == move].set_index("run").to_dict(orient="index")
        swapped[f"moved {move}" if move != "same" else "as before"] = ["", *(_move(rows.get(run)) for run in runs)]
    return [
        ("difference from A, on the same customers (95 % interval)", names, gaps),
        ("who changes tier from A, and the event rate among them", names, swapped),
    ]


def _level_and_money(
    compared: compare.Shared, names: Sequence[str], stated: diff.StatedCosts
) -> list[tuple[str, Sequence[str], Mapping[str, Sequence[str]]]]:
    levels = compare.levels(compared).to_dict(orient="records")
    best = compare.best_cutoffs(compared, stated.costs).values()
    notes = {
        "observed / expected": [f"{row['ratio']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})" for row in levels],
        "profit per customer": [
            f"{one.profit_per_customer:.4g}, {percent(one.share_acted)} acted on, from {percent(one.cutoff)}"
            for one in best
        ],
    }
    return [("events and money, on the same customers (cut-off: the best in hindsight)", names, notes)]


def _gap(row: Mapping[Any, Any]) -> str:
    return f"{signed(row['difference'], 4)} ({signed(row['lower'], 4)} to {signed(row['upper'], 4)}) {row['verdict']}"


def _move(row: Mapping[Any, Any] | None) -> str:
    return "none" if row is None else f"{row['count']:,.0f} customers, {percent(row['event_rate'])} events"


def _shifts(table: pd.DataFrame) -> dict[str, list[str]]:
    rows = table.to_dict(orient="records")
    return {"PSI": [f"{row['psi']:.3f} {row['verdict']} (chance: {row['no_shift']:.3f})" for row in rows]}


def _rows(table: pd.DataFrame) -> dict[str, list[str]]:
    return {
        str(key): [str(value) for value in values] for key, values in zip(table.index, table.to_numpy(), strict=True)
    }


def _beside(names: Sequence[str], rows: Mapping[str, Sequence[str]], first: int, each: int) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, _GAP, 0, 0))
    table.add_column("", width=first, overflow="fold")
    for name in names:
        # A name that does not fit is broken where it may be: between the experiment and the time.
        table.add_column(escape(name if len(name) <= each else name.replace("/", "/\n")), width=each, overflow="fold")
    for name, values in rows.items():
        table.add_row(escape(name), *map(escape, values))
    if not rows:
        table.add_row("none", *[""] * len(names))
    return table
