"""Commands on experiments: runs, comparison, features, scores and simulated data."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from riskml.errors import InputError, RunError

app = typer.Typer()


@app.command()
def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Experiment file, or its name in experiments/.")],
    to: Annotated[str | None, typer.Option(metavar="STAGE", help="Last stage, such as 2_models.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Folder of a run to resume at its first unfinished stage.")
    ] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="Number of rows to sample (default: all).")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Setting to override: -p models.trials=5.")
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
    with stopped_as_interrupt(), console.StageLines(begun.lacking(last)) as lines:
        try:
            execute(begun, to=last, progress=lines)
        except RunError as error:
            again = f"riskml run {file} --resume {begun.folder}"
            raise RunError(error.what, where=error.where, fix="; ".join(filter(None, [error.fix, again]))) from error
    console.show_results(begun)


@contextmanager
def stopped_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM, which CI servers send to stop a job, as Ctrl-C: an interrupted run can be resumed."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the experiment: lower case letters, digits, underscores.")],
    data: Annotated[str, typer.Option(metavar="FILE", help="CSV, Parquet or Excel file, or name of a sample.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the outcome.")],
    event: Annotated[str | None, typer.Option(metavar="VALUE", help="Value of the event, default or churn.")] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="Customer ID column.")] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the as-of date.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column that no model may see; may be repeated.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV file, such as gb18030 or windows-1252.")] = "utf-8",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an experiment of this name.")] = False,
) -> None:
    """Write a commented experiment file for your own table."""
    from riskml.data.experiment_template import draft_experiment
    from riskml.io import replacing

    folder = Path.cwd() if Path.cwd().name == "experiments" else Path("experiments")
    file = folder / f"{name}.yaml"
    if file.exists() and not force:
        raise InputError("the experiment exists already", where=str(file), fix="choose another name, or add --force")
    text = draft_experiment(
        name, data, target, event, id, date, exclude=exclude or (), encoding=encoding, folder=folder
    )
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(f"{file} is written: review it, then\n  riskml run {file}")


@app.command()
def samples() -> None:
    """List the included data sets."""
    from riskml.cli.output import runs as console

    console.show_samples()


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")],
    customers: Annotated[int, typer.Option(metavar="N", help="Number of customers, 1 to 10 million.")] = 10_000,
    months: Annotated[int, typer.Option(metavar="M", help="Number of months.")] = 36,
    start: Annotated[str, typer.Option(metavar="DATE", help="A date in the first month.")] = "2021-01-01",
    seed: Annotated[int, typer.Option(metavar="S", help="Random seed.")] = 7,
    horizon: Annotated[int, typer.Option(metavar="DAYS", help="Horizon of the true probabilities in days.")] = 90,
    drift: Annotated[
        str | None,
        typer.Option(metavar="DATE[:SIZE]", help="Date from which other columns drive the risk: 2022-06-01:1."),
    ] = None,
    shock: Annotated[
        str | None, typer.Option(metavar="DATE[:SIZE]", help="Date of an unforeseeable economic shock.")
    ] = None,
    late: Annotated[
        str | None,
        typer.Option(metavar="SHARE[:DAYS]", help="Share of records that arrive late, and by how many days: 0.05:5."),
    ] = None,
    dirty: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of rows with errors: duplicates, no customer, …")
    ] = 0.0,
    late_payers: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of customers who always pay late without a higher risk.")
    ] = 0.1,
) -> None:
    """Simulate customers with known true risk, for experiments and tests."""
    from riskml.cli.output import CountBar
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
    with stopped_as_interrupt(), CountBar("customers") as bar:  # an interrupted simulation leaves no folder
        book = write_book(folder, customers, start, months, seed, switches, horizon_days=horizon, progress=bar)
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
        raise InputError(f"{text!r} is not a number", where=option, fix="see riskml simulate --help") from None


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN…", help="Two or more runs: folders, or IDs or names in MLflow.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--notebook", metavar="FILE.html", help="HTML page for the executed review notebook."),
    ] = None,
) -> None:
    """Compare runs: settings, data, and performance on the same customers."""
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
    file: Annotated[str, typer.Argument(metavar="FILE", help="Experiment on dated records, or its name.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="As-of date of the features.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="File to write: .csv or .parquet.")],
) -> None:
    """Build the features of a date for `riskml score`: one row per customer, using only what was known before it."""
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
        Path, typer.Argument(metavar="MODEL", help="Folder of a run or a model, a wheel, or a scorecard file.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Customers: .csv, .tsv (also .gz) or .parquet.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="File to write: .csv or .parquet.")],
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="Customer ID column.")] = None,
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="Prefix formulas in a CSV with an apostrophe, for spreadsheets.")
    ] = False,
) -> None:
    """Score a file of customers: probability, points of a scorecard, tier."""
    from riskml.runs.model_loading import load_model
    from riskml.runtime.batch import score_file

    artifact = load_model(model)
    inputs = artifact.input_counts()
    rows = score_file(artifact, data, out, id_column=id, escape_formulas=escape_formulas, inputs=inputs)
    typer.echo(f"{rows} customers scored: {out}")
    for count in inputs.beyond_training():
        typer.echo(f"warning: {count}", err=True)
