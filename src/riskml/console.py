"""What the command line shows."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from riskml.pipeline import Progress as Where
    from riskml.run import Run

# Paths and names are told whole: a line that wraps is better than one that cannot be copied.
_console = Console(highlight=False, soft_wrap=True)
_GAP = 2  # blanks between columns


class StageLines:
    """A bar for the stage at work, where there is a terminal, and a line for each that is done.

    Parameters
    ----------
    stages : sequence of str
        Those that will be executed.
    """

    def __init__(self, stages: Sequence[str]) -> None:
        self._width = max(map(len, stages), default=0)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[heading]}"),
            TimeElapsedColumn(),
            console=_console,
            transient=True,
            disable=not _console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, where: Where) -> None:
        """Show where the run is."""
        if where.stage not in self._tasks:
            self._tasks[where.stage] = self._bars.add_task(where.stage, total=where.cells, heading="")
        task = self._tasks[where.stage]
        self._bars.update(task, completed=where.cell, heading=escape(where.heading))
        if where.finished:
            self._bars.remove_task(task)
            _console.print(f"  {where.stage.ljust(self._width)}  {where.seconds:6.1f} s")


def show_beginning(run: Run) -> None:
    """Show what is asked, and where the answer will lie."""
    sample = run.state["sample"]
    _console.print(f"[bold]{escape(run.experiment.title)}[/bold]" + (f"  (a look at {sample} rows)" if sample else ""))
    _console.print(f"  {escape(str(run.folder))}")


def show_results(run: Run) -> None:
    """Show the leaderboard, the champion, and where everything is."""
    state = run.state
    if state["leaderboard"]:
        _console.print()
        _console.print(_leaderboard(state["leaderboard"]))
        champion = state["champion"]
        _console.print(
            f"champion: [bold]{champion['family']}[/bold], AUC {champion['auc_test']:.4f} on rows it has never seen"
        )
    show_gate(run)
    for name in ("report", "wheel"):
        if state[name]:
            _console.print(f"{name + ':':9} {escape(str(run.path(state[name])))}")
    show_tracking(run)


def show_tracking(run: Run) -> None:
    """Show where in MLflow the run is, or why it is not."""
    state = run.state
    if state["mlflow_trouble"]:
        _console.print(
            f"[yellow]not tracked:[/yellow] MLflow failed: {escape(state['mlflow_trouble'].splitlines()[0])}"
        )
        _console.print(f"  all results are in the run's folder; later:  riskml track {escape(str(run.folder))}")
    elif state["mlflow_run_id"]:
        _console.print(f"{'mlflow:':9} {escape(state['mlflow_uri'])}  run {state['mlflow_run_id']}")
        if state["mlflow_uri"].startswith("sqlite:"):
            _console.print(f"{'':9} to look at it:  mlflow ui --backend-store-uri {escape(state['mlflow_uri'])}")


def show_gate(run: Run) -> None:
    """Show what the gate says of the run's model, check by check, and what can be done about it."""
    if not run.path("gate.json").is_file():
        return
    said = run.read_json("gate.json")
    model, version = said["model"], said["version"]
    if said["champion"]:
        outcome = f"passed: version {version} of {model} is the champion"
        then = f"back again:  riskml promote {model} --back" if said["against"] else ""
    elif said["passed"]:
        outcome = f"passed: version {version} of {model} is the challenger, a person decides"
        then = f"to make it champion:  riskml promote {model} {version}"
    else:
        outcome = f"not passed: version {version} of {model} stays the challenger"
        then = f"to make it champion nevertheless:  riskml promote {model} {version} --force --by WHO --why TEXT"
    _console.print(f"{'gate:':9} {outcome}")
    width = max(len(check["name"]) for check in said["checks"])
    for check in said["checks"]:
        mark = "yes" if check["passed"] else "[yellow]no [/yellow]"
        asked = "" if check["passed"] or not check["bound"] else f" (asked for: {check['bound']})"
        _console.print(f"{'':9} {mark}  {escape(check['name'].ljust(width) + '  ' + check['reason'] + asked)}")
    if then:
        _console.print(f"{'':9} {then}")


def show_models(table: pd.DataFrame) -> None:
    """Show the versions of registered models, the champion and the challenger among them."""
    if table.empty:
        _console.print("no model is registered yet: a whole `riskml run`, without --sample, registers one")
    for model, versions in table.groupby("model", sort=False):
        _console.print(f"[bold]{escape(str(model))}[/bold]")
        shown = Table(box=None, header_style="bold", padding=(0, _GAP, 0, 0))
        for title in ("version", "", "family", "gate", "decided by", "on"):
            shown.add_column(title)
        for row in versions.itertuples():
            cells = (str(row.version), row.aliases, row.family, row.gate, row.promoted_by, str(row.promoted_at)[:10])
            shown.add_row(*(escape(str(cell)) for cell in cells))
        _console.print(shown)
        for row in versions.itertuples():
            for why in filter(None, [row.reason if row.gate != "passed" else "", row.promoted_why]):
                _console.print(f"  {row.version}: {escape(str(why))}")


def show_samples() -> None:
    """Show the catalog of data sets."""
    from riskml.data.catalog import samples

    for sample in samples():
        outcome = f"{sample.target} = {sample.event}" if sample.target else "the outcome has to be derived from dates"
        _console.print(f"[bold]{sample.name}[/bold]  {escape(sample.title)}")
        _console.print(f"  {sample.rows:,} rows, {sample.columns} columns, {sample.task}; {escape(outcome)}")
        _console.print(f"  {sample.nature}: {escape(sample.caveat)}")
        _console.print(f"  source:  {escape(sample.source)}")
        _console.print(f"  licence: {escape(sample.licence)}\n")


def show_comparison(runs: Sequence[Run]) -> None:
    """Show runs beside one another: settings that differ, AUC by family, the champions' figures."""
    names = [f"{run.experiment.name}/{run.folder.name}" for run in runs]
    states = [run.state for run in runs]
    digests = {(state["data_digest"], state["sample"]) for state in states}
    if len(digests) > 1:
        _console.print("[yellow]These runs learnt from different rows: their figures do not compare.[/yellow]")
    tables = {
        "settings that differ": _differences(runs),
        "AUC, cross-validated ± standard error": _by_family(states),
        "champion, on rows it has never seen": {"validation": [_validation(run) for run in runs]} | _champions(states),
    }
    # The same widths in every table: what belongs to one run stands beneath its name.
    longest = max(len(name) for rows in tables.values() for name in rows)
    first = min(longest, _console.width // 3)
    each = max((_console.width - first) // len(runs) - _GAP, 12)
    for title, rows in tables.items():
        _console.print(f"\n[bold]{title}[/bold]")
        _console.print(_beside(names, rows, first, each), soft_wrap=False)


def _validation(run: Run) -> str:
    split = run.experiment.split
    return "stratified" if split.kind == "stratified" else f"out of time from {split.from_date}"


def _leaderboard(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("family", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("AUC, cross-validated", "AUC, rows set aside", "Gini", "KS", "Brier"):
        table.add_column(title, justify="right")
    for row in rows:
        figures = [f"{row[name]:.4f}" for name in ("auc_test", "gini_test", "ks_test", "brier_test")]
        name = f"[bold]{row['family']} *[/bold]" if row["chosen"] else row["family"]
        table.add_row(name, f"{row['auc_cv']:.4f} ± {row['auc_cv_se']:.4f}", *figures)
    return table


def _beside(names: Sequence[str], rows: dict[str, list[str]], first: int, each: int) -> Table:
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


def _differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    said = [_flat(run.experiment.model_dump(mode="json")) for run in runs]
    keys = dict.fromkeys(key for settings in said for key in settings)
    found = {key: [settings.get(key, "") for settings in said] for key in keys}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def _flat(said: dict[str, Any], above: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in said.items():
        out |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": str(value)}
    return out


def _by_family(states: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    boards = [{row["family"]: row for row in state["leaderboard"]} for state in states]
    families = dict.fromkeys(family for board in boards for family in board)
    return {
        family: [
            f"{board[family]['auc_cv']:.4f} ± {board[family]['auc_cv_se']:.4f}"
            + (" *" if board[family]["chosen"] else "")
            if family in board
            else "–"
            for board in boards
        ]
        for family in families
    }


def _champions(states: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    measures = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier", "logloss": "log loss"}
    champions = [state["champion"] or {} for state in states]
    rows = {"family": [champion.get("family", "–") for champion in champions]}
    for name, title in measures.items():
        values = [champion.get(f"{name}_test") for champion in champions]
        rows[title] = ["–" if value is None else f"{value:.4f}" for value in values]
    return rows
