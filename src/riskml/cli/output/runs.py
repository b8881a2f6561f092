"""Output of the commands on runs, models, tiers, samples and simulated data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from riskml.cli.output import Bars, columns, console, print_text, print_wide

if TYPE_CHECKING:
    import pandas as pd

    from riskml.data.simulate import Simulated
    from riskml.pipeline.stages import Progress
    from riskml.runs.run import Run
    from riskml.runs.tiers import Proposal


class StageLines(Bars):
    """A progress bar of the current stage in a terminal, and a line for each finished stage."""

    def __init__(self, stages: Sequence[str]) -> None:
        super().__init__("{task.description}", after=["{task.fields[heading]}"])
        self._width = max(map(len, stages), default=0)

    def __call__(self, where: Progress) -> None:
        """Show the progress of the current stage."""
        self.show(where.stage, where.cell, where.cells, where.heading)
        if where.finished:
            self.remove(where.stage)
            print_text("run.stage", stage=where.stage.ljust(self._width), seconds=where.seconds)


def show_simulated(simulated: Simulated) -> None:
    """Show the folder of simulated data, and the sizes of its tables."""
    print_text("simulated.folder", folder=simulated.folder)
    width = max(map(len, simulated.rows))
    for name, rows in simulated.rows.items():
        print_text("simulated.table", name=name.ljust(width), rows=rows)


def show_beginning(run: Run) -> None:
    """Show the title of a run, and its folder."""
    sample = run.state["sample"]
    print_text("run.sample" if sample else "run.title", title=run.experiment.title, rows=sample)
    print_text("run.folder", folder=run.folder)


def show_results(run: Run) -> None:
    """Show the leaderboard, the champion, and the files of a run."""
    state = run.state
    if state["leaderboard"]:
        measures = {"auc_test": "AUC (test)", "gini_test": "Gini", "ks_test": "KS", "brier_test": "Brier"}
        titles = ("AUC (CV)", *measures.values())
        table = columns("family", *titles, numbers=titles)
        for row in state["leaderboard"]:
            name = f"[bold]{row['family']} *[/bold]" if row["chosen"] else row["family"]
            cross_validated = f"{row['auc_cv']:.4f} ± {row['auc_cv_se']:.4f}"
            table.add_row(name, cross_validated, *(f"{row[measure]:.4f}" for measure in measures))
        console.print()
        console.print(table)
        for family, why in run.left_out.items():
            print_text("run.left_out", family=family, why=" ".join(why.split()))
        print_text("run.champion", family=state["champion"]["family"], auc=state["champion"]["auc_test"])
    show_gate(run)
    for name in ("report", "wheel"):
        if state[name]:
            print_text("run.file", name=f"{name}:", path=run.path(state[name]))
    show_tracking(run)


def show_tracking(run: Run) -> None:
    """Show the address of the run in MLflow, or the reason why it has none."""
    state = run.state
    if state["mlflow_trouble"]:
        print_text("run.not_tracked", reason=state["mlflow_trouble"].splitlines()[0], folder=run.folder)
    elif state["mlflow_run_id"]:
        uri, page = state["mlflow_uri"], state.get("mlflow_page", "")
        print_text("run.mlflow", uri=uri, run=state["mlflow_run_id"])
        if uri.startswith("http"):
            print_text("run.mlflow_server", uri=uri.rstrip("/"), page=page)
        elif uri.startswith("sqlite:"):
            print_text("run.mlflow_file", uri=uri, page=page)


def show_gate(run: Run) -> None:
    """Show the gate's verdict on the run's model, check by check, and the next command."""
    if not run.path("gate.json").is_file():
        return
    verdict = run.read_json("gate.json")
    names = {"model": verdict["model"], "version": verdict["version"]}
    result = "champion" if verdict["champion"] else "challenger" if verdict["passed"] else "not_passed"
    print_text(f"gate.{result}", **names)
    width = max(len(check["name"]) for check in verdict["checks"])
    for check in verdict["checks"]:
        bound = "" if check["passed"] or not check["bound"] else f" (required: {check['bound']})"
        line = f"{check['name'].ljust(width)}  {check['reason']}{bound}"
        print_text("gate.check_passed" if check["passed"] else "gate.check_failed", check=line)
    if not verdict["champion"] or verdict["against"]:
        print_text(f"gate.{result}_command", **names)


def show_models(table: pd.DataFrame) -> None:
    """Show the versions of registered models, with the champion and the challenger."""
    if table.empty:
        print_text("models.none")
    for model, versions in table.groupby("model", sort=False):
        print_text("models.model", model=str(model))
        grid = columns("version", "", "family", "gate", "decision", "by", "on")
        for row in versions.itertuples():
            decision = (row.decision, row.decided_by, str(row.decided_at)[:10])
            cells = (row.version, row.aliases, row.family, row.gate, *decision)
            grid.add_row(*(escape(str(cell)) for cell in cells))
        console.print(grid)
        for row in versions.itertuples():
            for why in filter(None, [row.reason if row.gate != "passed" else "", row.decided_why]):
                print_text("models.reason", version=str(row.version), why=str(why))


def show_samples() -> None:
    """Show the catalog of data sets."""
    from riskml.data.catalog import samples

    for sample in samples():
        outcome = f"{sample.target} = {sample.event}" if sample.target else "the outcome is derived from dates"
        print_text("samples.sample", outcome=outcome, **vars(sample))


def show_tiers(proposal: Proposal, rule: str | None) -> None:
    """Show the tiers on the test set and, for proposed ones, their YAML."""
    money = f", {proposal.currency}" if proposal.currency else ""
    formats = {
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
    names = [name for name in formats if name in rows]
    titles = [formats[name][0] for name in names]
    table = columns("tier", *titles, numbers=titles)
    for _, row in rows.iterrows():
        cells = [formats[name][1].format(row[name]) if row["rows"] or name == "rows" else "" for name in names]
        table.add_row(escape(str(row["tier"])), *cells)
    print_wide(table)
    low = [str(row.tier) for row in rows.itertuples() if row.underestimated]
    falls = [str(row.tier) for row in rows.itertuples() if row.monotone is False]
    if low:
        print_text("tiers.underestimated", tiers=", ".join(low))
    if falls:
        print_text("tiers.not_monotone", tiers=", ".join(falls))
    if rule:
        print_text("tiers.proposed", rule=rule)
        console.print(escape(proposal.yaml), end="")
