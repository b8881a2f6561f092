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

    from riskml.data.simulate import Simulated
    from riskml.pipeline.stages import Progress as Where
    from riskml.runs.run import Run
    from riskml.runs.tiers import Proposal

# Paths and names are told whole: a line that wraps is better than one that cannot be copied.
_console = Console(highlight=False, soft_wrap=True)


class StageLines:
    """A bar for the stage at work, where there is a terminal, and a line for each that is done."""

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


class CustomerBar:
    """A bar of the customers that are done, where there is a terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.completed:,} of {task.total:,} customers"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=_console,
            transient=True,
            disable=not _console.is_terminal,
        )
        self._task = self._bar.add_task("", total=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, done: int, customers: int) -> None:
        """Show how many are done."""
        self._bar.update(self._task, completed=done, total=customers)


def show_simulated(book: Simulated) -> None:
    """Show where a simulated book lies, and how large its tables are."""
    _console.print(f"{escape(str(book.folder))}: simulated, about.json says how")
    width = max(map(len, book.rows))
    for name, rows in book.rows.items():
        _console.print(f"  {name.ljust(width)}  {rows:>13,} rows")


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
        for family, why in run.left_out.items():
            _console.print(f"[yellow]left out:[/yellow] {escape(family)}: {escape(' '.join(why.split()))}")
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
        page = state.get("mlflow_page", "")
        if state["mlflow_uri"].startswith("http"):
            _console.print(f"{'':9} to look at it:  {escape(state['mlflow_uri'].rstrip('/'))}/{page}")
        elif state["mlflow_uri"].startswith("sqlite:"):
            _console.print(f"{'':9} to look at it:  mlflow ui --backend-store-uri {escape(state['mlflow_uri'])}")
            _console.print(f"{'':9}                 http://127.0.0.1:5000/{page}")


def show_gate(run: Run) -> None:
    """Show what the gate says of the run's model, check by check, and what can be done about it."""
    if not run.path("gate.json").is_file():
        return
    verdict = run.read_json("gate.json")
    model, version = verdict["model"], verdict["version"]
    if verdict["champion"]:
        outcome = f"passed: version {version} of {model} is the champion"
        then = f"back again:  riskml promote {model} --back" if verdict["against"] else ""
    elif verdict["passed"]:
        outcome = f"passed: version {version} of {model} is the challenger, a person decides"
        then = f"to make it champion:  riskml promote {model} {version}"
    else:
        outcome = f"not passed: version {version} of {model} stays the challenger"
        then = f"to make it champion nevertheless:  riskml promote {model} {version} --force --by WHO --why TEXT"
    _console.print(f"{'gate:':9} {outcome}")
    width = max(len(check["name"]) for check in verdict["checks"])
    for check in verdict["checks"]:
        mark = "yes" if check["passed"] else "[yellow]no [/yellow]"
        bound = "" if check["passed"] or not check["bound"] else f" (asked for: {check['bound']})"
        _console.print(f"{'':9} {mark}  {escape(check['name'].ljust(width) + '  ' + check['reason'] + bound)}")
    if then:
        _console.print(f"{'':9} {then}")


def show_models(table: pd.DataFrame) -> None:
    """Show the versions of registered models, the champion and the challenger among them."""
    if table.empty:
        _console.print("no model is registered yet: a whole `riskml run`, without --sample, registers one")
    for model, versions in table.groupby("model", sort=False):
        _console.print(f"[bold]{escape(str(model))}[/bold]")
        grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for title in ("version", "", "family", "gate", "decision", "by", "on"):
            grid.add_column(title)
        for row in versions.itertuples():
            decided = (row.decision, row.decided_by, str(row.decided_at)[:10])
            cells = (row.version, row.aliases, row.family, row.gate, *decided)
            grid.add_row(*(escape(str(cell)) for cell in cells))
        _console.print(grid)
        for row in versions.itertuples():
            for why in filter(None, [row.reason if row.gate != "passed" else "", row.decided_why]):
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


def _leaderboard(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("family", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("AUC, cross-validated", "AUC, rows set aside", "Gini", "KS", "Brier"):
        table.add_column(title, justify="right")
    for row in rows:
        figures = [f"{row[name]:.4f}" for name in ("auc_test", "gini_test", "ks_test", "brier_test")]
        name = f"[bold]{row['family']} *[/bold]" if row["chosen"] else row["family"]
        table.add_row(name, f"{row['auc_cv']:.4f} ± {row['auc_cv_se']:.4f}", *figures)
    return table


def _wide() -> Console:
    """Return a console on which, in a file or a pipe, a row of a table stays a line."""
    return _console if _console.is_terminal else Console(highlight=False, width=140)


def show_tiers(proposal: Proposal, rule: str | None) -> None:
    """Show what tiers hold on the rows set aside, and, where they are proposed, how an experiment says them."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    money = f", {proposal.currency}" if proposal.currency else ""
    heads = {
        "from_probability": ("from", "{:.4g}"),
        "rows": ("customers", "{:,}"),
        "expected": ("expected", "{:.1%}"),
        "observed": ("observed", "{:.1%}"),
        "interval": ("95 % interval", "{}"),
        "p_value": ("Jeffreys p", "{:.3f}"),
        "value_at_stake": (f"at stake{money}", "{:,.0f}"),
        "expected_loss": (f"expected loss{money}", "{:,.0f}"),
        "observed_loss": (f"observed loss{money}", "{:,.0f}"),
    }
    rows = proposal.table.assign(interval=[f"{row.lower:.1%} – {row.upper:.1%}" for row in proposal.table.itertuples()])
    columns = [name for name in heads if name in rows]
    table.add_column("tier")
    for name in columns:
        head = heads[name][0]
        table.add_column(head, justify="right", min_width=max(map(len, head.split())))
    for _, row in rows.iterrows():
        cells = [heads[name][1].format(row[name]) if row["rows"] or name == "rows" else "" for name in columns]
        table.add_row(escape(str(row["tier"])), *cells)
    _wide().print(table)
    low = [str(row.tier) for row in rows.itertuples() if row.underestimated]
    falls = [str(row.tier) for row in rows.itertuples() if row.monotone is False]
    if low:
        _console.print(f"[yellow]probabilities too low in:[/yellow] {escape(', '.join(low))} (Jeffreys test, 5 %)")
    if falls:
        _console.print(f"[yellow]observed no higher than in the tier beneath:[/yellow] {escape(', '.join(falls))}")
    if rule:
        _console.print(f"\n# {rule}, learnt on out-of-fold probabilities of the training rows")
        _console.print(escape(proposal.yaml), end="")
