"""Experiments: from a table to a run, and runs side by side."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from riskml.errors import InputError, RunError

if TYPE_CHECKING:
    pass

app = typer.Typer()


@app.command()
def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An experiment file, or its name in experiments/.")],
    to: Annotated[str | None, typer.Option(metavar="STAGE", help="The last stage, such as 2_models.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with this run's folder, from its first unfinished stage.")
    ] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="A quick look at N rows.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Overrule the experiment: -p models.trials=5.")
    ] = None,
) -> None:
    """Execute an experiment: features, models, validation, export, prediction."""
    from riskml.cli.output import runs as console
    from riskml.pipeline.stages import begin, execute
    from riskml.runs.paths import experiment_file
    from riskml.runs.run import STAGES, stage_name

    last = stage_name(to) if to else STAGES[-1]
    begun = begin(experiment_file(file), resume=resume, sample=sample, overrides=overrides or [])
    console.show_beginning(begun)
    # What a CI server sends to stop a job leaves the run as Ctrl-C does: ready to go on.
    before = signal.signal(signal.SIGTERM, stop_by_signal)
    with console.StageLines(begun.lacking(last)) as lines:
        try:
            execute(begun, to=last, progress=lines)
        except RunError as error:
            again = f"riskml run {file} --resume {begun.folder}"
            raise RunError(error.what, where=error.where, fix="; ".join(filter(None, [error.fix, again]))) from error
        finally:
            signal.signal(signal.SIGTERM, before)
    console.show_results(begun)


def stop_by_signal(*_: object) -> NoReturn:
    """Take a signal for Ctrl-C: what was begun is left ready to go on."""
    raise KeyboardInterrupt


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The experiment's name: lower case letters, digits, underscores.")],
    data: Annotated[str, typer.Option(metavar="FILE", help="A CSV or Parquet file, or a sample's name.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column of the outcome.")],
    event: Annotated[str | None, typer.Option(metavar="VALUE", help="Its value for default or churn.")] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="The customer's identifier.")] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN", help="The as-of date.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an experiment of this name.")] = False,
) -> None:
    """Write a commented experiment file for a table of your own."""
    from riskml.data.experiment_template import draft_experiment
    from riskml.io import replacing

    folder = Path.cwd() if Path.cwd().name == "experiments" else Path("experiments")
    file = folder / f"{name}.yaml"
    if file.exists() and not force:
        raise InputError("the experiment exists already", where=str(file), fix="choose another name, or add --force")
    text = draft_experiment(name, data, target, event, id, date, folder=folder)
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(f"{file} is written: read it through, then\n  riskml run {file}")


@app.command()
def samples() -> None:
    """List the data sets that need no download."""
    from riskml.cli.output import runs as console

    console.show_samples()


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")],
    customers: Annotated[int, typer.Option(metavar="N", help="1 to 10 million.")] = 10_000,
    months: Annotated[int, typer.Option(metavar="M", help="How long the book goes on.")] = 36,
    start: Annotated[str, typer.Option(metavar="DATE", help="A day of its first month.")] = "2021-01-01",
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed makes the same book.")] = 7,
    horizon: Annotated[int, typer.Option(metavar="DAYS", help="How far the true probabilities look ahead.")] = 90,
    drift: Annotated[
        str | None, typer.Option(metavar="DATE[:SIZE]", help="From then on risk follows other things: 2022-06-01:1.")
    ] = None,
    shock: Annotated[
        str | None, typer.Option(metavar="DATE[:SIZE]", help="An economic shock that nobody could know of.")
    ] = None,
    late: Annotated[
        str | None, typer.Option(metavar="SHARE[:DAYS]", help="Records that come late, and by how much: 0.05:5.")
    ] = None,
    dirty: Annotated[
        float, typer.Option(metavar="SHARE", help="Rows that are dirty: duplicates, no customer, …")
    ] = 0.0,
    late_payers: Annotated[
        float, typer.Option(metavar="SHARE", help="Customers who always pay late and are not the riskier for it.")
    ] = 0.1,
) -> None:
    """Simulate a book of customers whose true risk is known: for trials and proofs, never for real data."""
    from riskml.cli.output import runs as console
    from riskml.data.simulate import Drift, Late, Scenario, Shock
    from riskml.data.simulate import simulate as write_book

    switches = Scenario(
        drift=Drift(*_sized(drift, "--drift")) if drift else None,
        shock=Shock(*_sized(shock, "--shock")) if shock else None,
        late=Late(*_share(late)) if late else None,
        dirty=dirty,
        late_payers=late_payers,
    )
    # What is stopped leaves no half of a folder.
    before = signal.signal(signal.SIGTERM, stop_by_signal)
    try:
        with console.CustomerBar() as bar:
            book = write_book(folder, customers, start, months, seed, switches, horizon_days=horizon, progress=bar)
    finally:
        signal.signal(signal.SIGTERM, before)
    console.show_simulated(book)


def _sized(text: str, option: str) -> tuple[str, float]:
    date, _, size = text.partition(":")
    return date, _number(size or "1", option)


def _share(text: str) -> tuple[float, float]:
    share, _, days = text.partition(":")
    return _number(share, "--late"), _number(days or "5", "--late")


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number", where=option, fix="riskml simulate --help shows the form") from None


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN…", help="Two or more runs: folders, or ids or names in MLflow.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--notebook", metavar="FILE.html", help="Write the review notebook, executed, as a page."),
    ] = None,
) -> None:
    """Show runs beside one another: what they did differently, and what came of it."""
    from riskml.tracking.reader import fetch_all

    views = fetch_all(runs)
    if out is None:
        from riskml.cli.output.compare import show_comparison

        show_comparison(views)
    else:
        from riskml.pipeline.review import write_review

        typer.echo(f"{write_review(runs, out)} is written")


@app.command()
def features(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An experiment on dated records, or its name.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day the customers are looked at.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The file to write: .csv or .parquet.")],
) -> None:
    """Make the features of a day, for `riskml score`: one row for each customer, of what was known before it."""
    from riskml.config.experiment import read_experiment
    from riskml.features.training_table import write_portfolio
    from riskml.runs.paths import experiment_file, panel_folder

    path = experiment_file(file)
    experiment = read_experiment(path)
    rows = write_portfolio(experiment, as_of, panel_folder(path, experiment.name), out)
    typer.echo(f"{rows} customers as they were known on {as_of}: {out}")


@app.command()
def score(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A run's folder, a wheel, a model's folder, or a card file.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The customers: .csv, .tsv (also .gz) or .parquet.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The file to write: .csv or .parquet.")],
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that names the customers.")] = None,
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="For a spreadsheet: an apostrophe before formulas in a CSV.")
    ] = False,
) -> None:
    """Score a file of customers: probability, points where there are some, tier."""
    from riskml.runs.model_loading import load_model
    from riskml.runtime.batch import score_file

    rows = score_file(load_model(model), data, out, id_column=id, escape_formulas=escape_formulas)
    typer.echo(f"{rows} customers scored: {out}")
