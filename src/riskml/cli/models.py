"""Commands on registered models: tracking, champions and challengers, tiers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from riskml.errors import InputError, RunError
from riskml.runs.paths import nearest_project, project_folder

app = typer.Typer()


@app.command()
def track(run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]) -> None:
    """Write a finished run to MLflow, for example after an outage of the tracking server."""
    from riskml.cli.output import runs
    from riskml.pipeline import stages
    from riskml.runs.run import Run

    tracked = stages.track(Run.open(run))
    runs.show_gate(tracked)
    runs.show_tracking(tracked)
    if tracked.state["mlflow_trouble"]:
        raise RunError("the run is not tracked", where=str(tracked.folder), fix="check MLFLOW_TRACKING_URI")


@app.command()
def models(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Registered model, or its experiment (default: all).")
    ] = "",
) -> None:
    """List the registered models: champions, verdicts of the gate, decisions."""
    from riskml.cli.output import runs
    from riskml.tracking.client import mlflow_client
    from riskml.tracking.registry.aliases import standings

    model, project = _registered(name) if name else ("", nearest_project())
    with mlflow_client(project) as client:
        runs.show_models(standings(client, model))


@app.command()
def promote(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Registered model, or its experiment.")],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Version (default: the challenger).")
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Name of the decision-maker (default: the user's name).")] = "",
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason of the decision.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Promote although the gate failed; needs --by and --why.")
    ] = False,
    back: Annotated[bool, typer.Option("--back", help="Restore the previous champion.")] = False,
) -> None:
    """Make a version of a model the champion, or restore the previous champion."""
    import getpass

    from riskml.tracking.client import mlflow_client
    from riskml.tracking.registry import aliases, status

    if force and not (by.strip() and why.strip()):
        raise InputError(
            "a decision against the gate needs a name and a reason", where="--force", fix="add --by and --why"
        )
    if back and (force or version is not None):
        raise InputError("--back takes neither a version nor --force", fix="riskml promote NAME --back")
    decision = aliases.Decision(by or getpass.getuser(), why, dt.datetime.now(dt.UTC))
    model, project = _registered(name)
    with mlflow_client(project) as client:
        if back:
            done = aliases.take_back(client, model, decision)
        else:
            done = aliases.promote(client, model, version, decision, force=force)
        status.refresh_descriptions(client, done.name, done.champion, done.before)
    was = f"; it was version {done.before}" if done.before else ""
    typer.echo(f"version {done.champion} is the champion of {done.name} now{was}")


def _registered(name: str) -> tuple[str, Path]:
    """Return the name of a registered model, and the project of its registry."""
    from riskml.config.experiment import read_experiment
    from riskml.tracking.log_items import registered_name

    if name.endswith((".yaml", ".yml")):
        file = Path(name).expanduser().absolute()
        return registered_name(read_experiment(file)), project_folder(file)
    return name if name.startswith("riskml_") else f"riskml_{name}", nearest_project()


@app.command()
def tiers(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    rule: Annotated[
        str | None, typer.Option(metavar="RULE", help="Rule to propose cut-offs: equal_risk or profit_best.")
    ] = None,
    names: Annotated[str, typer.Option(metavar="A,B,C", help="Names of the proposed tiers, safest first.")] = "",
) -> None:
    """Show a run's tiers on the test set, or propose others as YAML for the experiment file."""
    from riskml.cli.output import runs
    from riskml.runs.run import Run
    from riskml.runs.tiers import tiers_of_run

    named = tuple(filter(None, map(str.strip, names.split(","))))
    runs.show_tiers(tiers_of_run(Run.open(run), rule, named), rule)
