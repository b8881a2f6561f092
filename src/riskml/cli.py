"""The command line: exit code 0 done, 2 the input is wrong, 1 anything else."""

from __future__ import annotations

import datetime as dt
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from riskml import __version__
from riskml.errors import InputError, RiskmlError, RunError
from riskml.project import nearest_project, project_folder

if TYPE_CHECKING:
    import pandas as pd

# What is heavy is imported in the commands: help must come at once.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes as long to import as all the rest
    help="Find, rank, explain and manage customers who may default, or leave.",
    epilog="--debug, anywhere, shows where an error came from.",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``riskml``; those of the process when left out.

    Returns
    -------
    int
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    try:
        app([word for word in words if word != "--debug"], prog_name="riskml")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return _failed("stopped by hand", 1, debug)
    except InputError as error:
        return _failed(str(error), 2, debug)
    except RiskmlError as error:
        return _failed(str(error), 1, debug)
    except Exception as error:
        from riskml.runtime.package import PackageError

        if isinstance(error, PackageError):
            return _failed(str(error), 2, debug)
        hint = "" if debug else "\n  mend:  this should not happen; --debug shows where it did"
        return _failed(f"{type(error).__name__}: {error}{hint}", 1, debug)
    return 0


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"error: {message}\n")
    return code


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"riskml {__version__}")
        raise typer.Exit


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
    from riskml import console
    from riskml.pipeline import begin, execute
    from riskml.project import experiment_file
    from riskml.run import STAGES, stage_name

    last = stage_name(to) if to else STAGES[-1]
    begun = begin(experiment_file(file), resume=resume, sample=sample, overrides=overrides or [])
    console.show_beginning(begun)
    # What a CI server sends to stop a job leaves the run as Ctrl-C does: ready to go on.
    before = signal.signal(signal.SIGTERM, _stop)
    with console.StageLines(begun.lacking(last)) as lines:
        try:
            execute(begun, to=last, progress=lines)
        except RunError as error:
            again = f"riskml run {file} --resume {begun.folder}"
            raise RunError(error.what, where=error.where, mend="; ".join(filter(None, [error.mend, again]))) from error
        finally:
            signal.signal(signal.SIGTERM, before)
    console.show_results(begun)


def _stop(*_: object) -> NoReturn:
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
    from riskml.data.draft import draft_experiment
    from riskml.files import replacing

    folder = Path.cwd() if Path.cwd().name == "experiments" else Path("experiments")
    file = folder / f"{name}.yaml"
    if file.exists() and not force:
        raise InputError("the experiment exists already", where=str(file), mend="choose another name, or add --force")
    text = draft_experiment(name, data, target, event, id, date, folder=folder)
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(f"{file} is written: read it through, then\n  riskml run {file}")


@app.command()
def samples() -> None:
    """List the data sets that need no download."""
    from riskml import console

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
    from riskml import console
    from riskml.data.simulate import Drift, Late, Shock, Switches
    from riskml.data.simulate import simulate as write_book

    switches = Switches(
        drift=Drift(*_sized(drift, "--drift")) if drift else None,
        shock=Shock(*_sized(shock, "--shock")) if shock else None,
        late=Late(*_share(late)) if late else None,
        dirty=dirty,
        late_payers=late_payers,
    )
    # What is stopped leaves no half of a folder.
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with console.CustomerBar() as bar:
            book = write_book(folder, customers, start, months, seed, switches, horizon_days=horizon, progress=bar)
    finally:
        signal.signal(signal.SIGTERM, before)
    console.show_simulated(book)


def _sized(said: str, option: str) -> tuple[str, float]:
    date, _, size = said.partition(":")
    return date, _number(size or "1", option)


def _share(said: str) -> tuple[float, float]:
    share, _, days = said.partition(":")
    return _number(share, "--late"), _number(days or "5", "--late")


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number", where=option, mend="riskml simulate --help shows the form") from None


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
        from riskml.console_comparison import show_comparison

        show_comparison(views)
    else:
        from riskml.reviewing import write_review

        typer.echo(f"{write_review(runs, out)} is written")


@app.command()
def features(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An experiment on dated records, or its name.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day the customers are looked at.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The file to write: .csv or .parquet.")],
) -> None:
    """Make the features of a day, for `riskml score`: one row for each customer, of what was known before it."""
    from riskml.config import read_experiment
    from riskml.features.table import book_on
    from riskml.project import experiment_file, panel_folder

    path = experiment_file(file)
    experiment = read_experiment(path)
    rows = book_on(experiment, as_of, panel_folder(path, experiment.name), out)
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
    from riskml.book import load_model
    from riskml.runtime.command import score_file

    rows = score_file(load_model(model), data, out, id_column=id, escape_formulas=escape_formulas)
    typer.echo(f"{rows} customers scored: {out}")


@app.command()
def track(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
) -> None:
    """Write a finished run to MLflow: after a tracking server was away, or to another one."""
    from riskml import console, pipeline
    from riskml.run import Run

    tracked = pipeline.track(Run.open(run))
    console.show_gate(tracked)
    console.show_tracking(tracked)
    if tracked.state["mlflow_trouble"]:
        raise RunError("the run is not tracked", where=str(tracked.folder), mend="check MLFLOW_TRACKING_URI")


@app.command()
def models(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A registered model, or its experiment; else all.")
    ] = "",
) -> None:
    """List the registered models: who is champion, what the gate said, who decided."""
    from riskml import console
    from riskml.tracking.client import mlflow_client
    from riskml.tracking.registry import standings

    model, project = _registered(name) if name else ("", nearest_project())
    with mlflow_client(project) as client:
        console.show_models(standings(client, model))


@app.command()
def promote(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A registered model, or its experiment.")],
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="The challenger when left out.")] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides; you when left out.")] = "",
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Although the gate says no; needs --by and --why.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Make the champion before this one champion again.")] = False,
) -> None:
    """Make a version of a model the champion, or go back to the one before."""
    import getpass

    from riskml.tracking import registry, standing
    from riskml.tracking.client import mlflow_client

    if force and not (by.strip() and why.strip()):
        raise InputError("who overrules the gate says who it is, and why", where="--force", mend="add --by and --why")
    if back and (force or version is not None):
        raise InputError("--back takes neither a version nor --force", mend="riskml promote NAME --back")
    decision = registry.Decision(by or getpass.getuser(), why, dt.datetime.now(dt.UTC))
    model, project = _registered(name)
    with mlflow_client(project) as client:
        if back:
            done = registry.take_back(client, model, decision)
        else:
            done = registry.promote(client, model, version, decision, force=force)
        standing.tell(client, done.name, done.champion, done.before)
    was = f"; it was version {done.before}" if done.before else ""
    typer.echo(f"version {done.champion} is the champion of {done.name} now{was}")


def _registered(name: str) -> tuple[str, Path]:
    """Return the registered model that is meant, and the project that it is looked for in."""
    from riskml.config import read_experiment
    from riskml.tracking.items import registered_name

    if name.endswith((".yaml", ".yml")):
        file = Path(name).expanduser().absolute()
        return registered_name(read_experiment(file)), project_folder(file)
    return name if name.startswith("riskml_") else f"riskml_{name}", nearest_project()


@app.command()
def tiers(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    rule: Annotated[
        str | None, typer.Option(metavar="RULE", help="Propose cut-offs instead: equal_risk or profit_best.")
    ] = None,
    names: Annotated[str, typer.Option(metavar="A,B,C", help="Of the proposed tiers, the safest first.")] = "",
) -> None:
    """Show a run's tiers on its rows set aside, or propose others as YAML for the experiment file."""
    from riskml import console
    from riskml.run import Run
    from riskml.tiering import tiers_of_run

    named = tuple(filter(None, map(str.strip, names.split(","))))
    console.show_tiers(tiers_of_run(Run.open(run), rule, named), rule)


# -- CRM systems

crm = typer.Typer(no_args_is_help=True, help="Read customers from a CRM, write risk back, raise alerts.")
app.add_typer(crm, name="crm")
_MAPPING = Annotated[str, typer.Argument(metavar="MAPPING", help="A mapping file, or its name in experiments/crm/.")]
_SETTINGS = Annotated[
    Path | None, typer.Option(metavar="FILE", help="How to log in, of mode 0600; else the environment: RISKML_….")
]
_YES = Annotated[bool, typer.Option("--yes", help="Do it; without, what would be done is shown.")]
_AUDIT = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What was written; experiments/runs/crm/<mapping>.db by default.")
]
_AUTOMATIONS = Annotated[bool, typer.Option("--automations", help="Let the CRM's own workflows and approvals run.")]


@crm.command("check")
def crm_check(
    mapping: _MAPPING,
    settings: _SETTINGS = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create missing fields to write to, where it can be.")
    ] = False,
) -> None:
    """Log in, and say which fields of a mapping the CRM has."""
    from riskml import console_crm
    from riskml.crm.commands import check

    if not console_crm.show_fields(check(mapping, settings, create=create)):
        raise InputError("the mapping and the CRM do not fit together", mend="see above")


@crm.command("pull")
def crm_pull(
    mapping: _MAPPING,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the tables go, as Parquet files.")],
    settings: _SETTINGS = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, and not only what changed.")] = False,
) -> None:
    """Bring a folder of tables up to date; after a break it goes on where it was."""
    import datetime as dt

    from riskml import console_crm
    from riskml.crm.commands import pull

    with console_crm.TableBars() as bars:
        pulled = pull(mapping, settings, folder, now=dt.datetime.now(dt.UTC), full=full, progress=bars)
    console_crm.show_pulled(pulled)


@crm.command("push")
def crm_push(
    mapping: _MAPPING,
    scores: Annotated[
        Path, typer.Argument(metavar="SCORES", help="Customers with their scores: .csv, .parquet; or a month's folder.")
    ],
    settings: _SETTINGS = None,
    id: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column with the customer's id in the CRM.")
    ] = "customer",
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Of the scores, where no column tells.")] = "",
    model_version: Annotated[str, typer.Option("--model-version", metavar="TEXT", help="Likewise.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="Write this part alone, such as tier; may be repeated.")
    ] = None,
    customer: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Write to this customer alone; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Write what did not change as well.")] = False,
    automations: _AUTOMATIONS = False,
    audit: _AUDIT = None,
    yes: _YES = False,
) -> None:
    """Write scores, tiers, reasons and actions to customers: what changed, by id, with an outcome for each."""
    import datetime as dt

    from riskml import console_crm
    from riskml.crm import commands
    from riskml.managing.command import scores_of_month

    table = scores_of_month(scores) if scores.is_dir() else scores
    asked = commands.Push(table, id, as_of, model_version, everything, automations, only or (), customer or ())
    with console_crm.RowBar("rows") as bar:
        planned, pushed = commands.push(
            mapping, settings, asked, audit=audit, now=dt.datetime.now(dt.UTC), yes=yes, progress=bar
        )
    console_crm.show_plan(planned, done=pushed is not None)
    if pushed is not None:
        console_crm.show_pushed(pushed)
        if pushed.count("written") < len(pushed.outcomes):
            raise RunError(
                "not every customer was written",
                mend="see above, and what `riskml crm check` says; the next push tries them again",
            )


@crm.command("alerts")
def crm_alerts(
    mapping: _MAPPING,
    alerts: Annotated[
        Path,
        typer.Argument(
            metavar="ALERTS",
            help="A list of `riskml alerts`, or a table with key, customer, cause, owner, due, text.",
        ),
    ],
    settings: _SETTINGS = None,
    automations: _AUTOMATIONS = False,
    audit: _AUDIT = None,
    yes: _YES = False,
) -> None:
    """Raise alerts to those who look after the customers; each key once, however often it is asked."""
    import datetime as dt

    from riskml import console_crm
    from riskml.crm import commands

    with console_crm.RowBar("alerts") as bar:
        told = commands.alerts(
            mapping,
            settings,
            alerts,
            audit=audit,
            now=dt.datetime.now(dt.UTC),
            yes=yes,
            automations=automations,
            progress=bar,
        )
    console_crm.show_alerts(told, done=yes)
    if (told["status"] == "failed").any():
        raise RunError("not every alert was raised", mend="see above; the next run tries them again")


@app.command()
def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run's folder, a wheel, a model's folder, a card.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help=".sql, .onnx, .html or .xlsx")],
    dialect: Annotated[str, typer.Option(help="Of SQL: duckdb, postgres, spark, tsql or snowflake.")] = "duckdb",
    table: Annotated[str, typer.Option(help="Of SQL: the table of the customers.")] = "customers",
    keep: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Of SQL: a column to carry through.")] = None,
) -> None:
    """Write a model beside its wheel: SQL for a database, ONNX, or a card to read (HTML, Excel)."""
    from riskml.book import load_model
    from riskml.export.formats import write_model

    written = write_model(load_model(model), out, dialect=dialect, table=table, keep=keep or ())
    typer.echo(f"{written} is written")


@app.command()
def verify(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A wheel that riskml built.")],
    key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="An ed25519 public key: the wheel must be signed with it.")
    ] = None,
) -> None:
    """Prove that a wheel is what riskml built: no file altered, added or taken away; and who signed it."""
    from riskml.export.wheelfile import verify as verify_wheel

    found = verify_wheel(wheel, key)
    signed = f"signed with the key {found.key[:16]}…" if found.key else "signed" if found.signed else "not signed"
    unchecked = "" if found.key or not found.signed else " (by whom, --key tells)"
    typer.echo(f"{found.package} {found.version}: {found.files} files are what they were; {signed}{unchecked}")


@app.command()
def sign(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A wheel that riskml built.")],
    key: Annotated[Path, typer.Option(metavar="PEM", help="An ed25519 private key.")],
) -> None:
    """Sign a wheel, for `riskml verify --key`; the key's password is read from RISKML_KEY_PASSWORD."""
    import os

    from riskml.export.signing import sign_wheel

    fingerprint = sign_wheel(wheel, key, os.environ.get("RISKML_KEY_PASSWORD"))
    typer.echo(f"{wheel} is signed with the key {fingerprint[:16]}…")


# -- early warning

alerts = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Early warning: alerts from a scored book.")
app.add_typer(alerts, name="alerts")
_Rules = Annotated[Path, typer.Argument(metavar="RULES", help="A rules file, as in experiments/warnings/.")]
_Store = Annotated[Path, typer.Option("--store", metavar="FILE", help="The file that holds the alerts.")]
_On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day it is; today when left out.")]
_By = Annotated[str, typer.Option("--by", metavar="WHO", help="Who does it; you when left out.")]
_Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="What is to be remembered.")]
_Panel = Annotated[Path, typer.Option("--panel", metavar="FOLDER", help="Books of past days: as_of=….parquet.")]
_Model = Annotated[Path | None, typer.Option("--model", metavar="MODEL", help="What scores them, as for `score`.")]
_Events = Annotated[
    Path | None, typer.Option("--events", metavar="FILE", help="Who had the event, and when; else the panel's outcome.")
]
_Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Later events are not in FILE yet.")]
_Customer = Annotated[str, typer.Option("--customer", metavar="COLUMN", help="The column that names the customers.")]
_Date = Annotated[str, typer.Option("--date", metavar="COLUMN", help="The column of the events' days.")]
_Horizon = Annotated[int, typer.Option("--horizon", metavar="DAYS", min=1, help="An alert is right for so long.")]
_Lead = Annotated[int, typer.Option("--lead", metavar="DAYS", min=0, help="So early is early enough.")]


@alerts.command("update")
def alerts_update(
    rules: _Rules,
    book: Annotated[
        list[Path], typer.Option("--book", metavar="FILE", help="The scored book; may be said again for more columns.")
    ],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day that the book is of.")],
    store: _Store,
    customer: _Customer = "customer",
) -> None:
    """Record a day's book: open alerts, raise those that became worse, escalate what is overdue."""
    from riskml.console_alerts import show_recorded
    from riskml.warning.inputs import day, read_books
    from riskml.warning.readings import read_book
    from riskml.warning.store import Store
    from riskml.warning.update import update
    from riskml.warning_config import read_rules

    said, date = read_rules(rules), day(as_of, "--as-of")
    # Before the store is opened, which would make it: of a book that is refused nothing is left.
    frame = read_book(said, read_books(book, date, customer), customer)
    with Store(store) as opened:
        show_recorded(update(opened, said, frame, date, dt.date.today()))


@alerts.command("list")
def alerts_list(
    store: _Store,
    role: Annotated[str | None, typer.Option("--role", help="sales, finance, service or risk.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE.csv", help="Write them all.")] = None,
    on: _On = None,
) -> None:
    """List alerts: red before amber, then by priority."""
    from dataclasses import asdict

    from riskml.console_alerts import show_alerts
    from riskml.files import replacing
    from riskml.warning.delivery.table import alerts_table, csv_text
    from riskml.warning.inputs import known_role
    from riskml.warning.store import Store

    with Store(store, create=False) as opened:
        found = opened.alerts(open_only=not every, role=None if role is None else known_role(role))
    if out is None:
        show_alerts(found, _today(on))
        return
    with replacing(out) as temporary:
        temporary.write_text(csv_text(alerts_table([asdict(alert) for alert in found])), "utf-8-sig", newline="")
    typer.echo(f"{len(found)} alerts: {out}")


@alerts.command("ack")
def alerts_ack(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The alert's key, or its beginning.")],
    store: _Store,
    by: _By = "",
    note: _Note = "",
    on: _On = None,
) -> None:
    """Acknowledge an alert: somebody has taken it up."""
    import getpass

    from riskml.warning.alerts import acknowledge
    from riskml.warning.store import Store
    from riskml.warning.update import change

    with Store(store, create=False) as opened:
        who = by or getpass.getuser()
        done = change(opened, key, lambda alert: acknowledge(alert, _today(on), who, note))
    typer.echo(f"alert {done.key} of customer {done.customer} is acknowledged; it is due on {done.due}")


@alerts.command("close")
def alerts_close(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The alert's key, or its beginning.")],
    outcome: Annotated[str, typer.Option("--outcome", help="event, averted, false_alarm or other.")],
    store: _Store,
    by: _By = "",
    note: _Note = "",
    on: _On = None,
) -> None:
    """Close an alert with what came of it."""
    import getpass

    from riskml.warning.alerts import close
    from riskml.warning.store import Store
    from riskml.warning.update import change

    with Store(store, create=False) as opened:
        who = by or getpass.getuser()
        done = change(opened, key, lambda alert: close(alert, _today(on), who, outcome, note))
    typer.echo(f"alert {done.key} of customer {done.customer} is closed: {outcome}")


@alerts.command("overdue")
def alerts_overdue(rules: _Rules, store: _Store, on: _On = None) -> None:
    """Escalate what is overdue for too long, and list all that is overdue."""
    from riskml.console_alerts import show_alerts
    from riskml.warning.alerts import overdue_days
    from riskml.warning.store import Store
    from riskml.warning.update import escalate_overdue
    from riskml.warning_config import read_rules

    said, today = read_rules(rules), _today(on)
    with Store(store, create=False) as opened:
        escalated = escalate_overdue(opened, said, today)
        late = [alert for alert in opened.alerts(said.name, open_only=True) if overdue_days(alert, today)]
    show_alerts(late, today)
    typer.echo(f"{len(late)} overdue, {len(escalated)} escalated now")


@alerts.command("send")
def alerts_send(
    rules: _Rules,
    store: _Store,
    only: Annotated[str | None, typer.Option("--only", help="table, mail or webhook; all when left out.")] = None,
    on: _On = None,
) -> None:
    """Deliver what is new: lists by role, mail, webhook, as the rules say. What was delivered is not sent again."""
    import time

    from riskml.console_alerts import show_sent
    from riskml.warning.delivery.table import write_tables
    from riskml.warning.inputs import channels
    from riskml.warning.outbox import send
    from riskml.warning.store import Store
    from riskml.warning_config import read_rules

    said = read_rules(rules)
    ways = channels(said, time.time, only)
    troubles: list[str] = []
    with Store(store, create=False) as opened:
        if said.delivery.table is not None and only in (None, "table"):
            for path in write_tables(said.delivery.table, said, opened.alerts(said.name, open_only=True), _today(on)):
                typer.echo(f"{path} is written")
        for way in ways:
            sent = send(opened, said.name, way, time.time)
            show_sent(sent)
            troubles += sent.troubles
    if troubles:
        raise RunError("\n".join(troubles), where=str(store), mend="what is waiting goes out with the next send")


@alerts.command("backtest")
def alerts_backtest(
    rules: _Rules,
    panel: _Panel,
    model: _Model = None,
    events: _Events = None,
    until: _Until = None,
    customer: _Customer = "customer",
    date: _Date = "date",
    horizon: _Horizon = 180,
    lead: _Lead = 30,
    officers: Annotated[
        list[str] | None, typer.Option("--officers", metavar="ROLE=N", help="How many share the work: risk=3.")
    ] = None,
) -> None:
    """Show how early, how many and how right alerts would have been on past days."""
    from riskml.console_alerts import show_backtest
    from riskml.warning import inputs
    from riskml.warning.backtest import backtest
    from riskml.warning.past import past
    from riskml.warning_config import read_rules

    said, shared = read_rules(rules), inputs.officers(officers or [])
    known = inputs.outcomes(panel, events, customer, date, inputs.day(until, "--until") if until else None)
    dates = past(said, inputs.books(panel, _scorer(model)))
    found = backtest(said, dates, known, horizon_days=horizon, lead_days=lead, officers=shared)
    show_backtest(found, lead, horizon, known.exact)


@alerts.command("tune")
def alerts_tune(
    rules: _Rules,
    panel: _Panel,
    at_most: Annotated[float, typer.Option("--at-most", metavar="SHARE", help="Of the book, newly alerted on a day.")],
    judge_from: Annotated[str, typer.Option("--judge-from", metavar="DATE", help="Days that only judge.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.yaml", help="The rules to write.")],
    model: _Model = None,
    events: _Events = None,
    until: _Until = None,
    customer: _Customer = "customer",
    date: _Date = "date",
    horizon: _Horizon = 180,
    lead: _Lead = 30,
) -> None:
    """Seek thresholds that announce the most events within a limit of work, and judge them on later days."""
    from riskml.console_alerts import show_tuned
    from riskml.files import replacing
    from riskml.warning import inputs
    from riskml.warning.past import past
    from riskml.warning.tuner import tune
    from riskml.warning_config import read_rules

    if not 0 < at_most <= 1:
        raise InputError(f"{at_most} is no share above 0", where="--at-most", mend="--at-most 0.05 is 5 % of the book")
    said, judging = read_rules(rules), inputs.day(judge_from, "--judge-from")
    known = inputs.outcomes(panel, events, customer, date, inputs.day(until, "--until") if until else None)
    dates = past(said, inputs.books(panel, _scorer(model)))
    tuned = tune(said, dates, known, at_most=at_most, judge_from=judging, horizon_days=horizon, lead_days=lead)
    with replacing(out) as temporary:
        temporary.write_text(tuned.rules.to_yaml(), encoding="utf-8")
    show_tuned(tuned)
    typer.echo(f"{out} is written")


def _today(said: str | None) -> dt.date:
    if said is None:
        return dt.date.today()
    from riskml.warning.inputs import day

    return day(said, "--on")


def _scorer(model: Path | None) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    from riskml.book import load_model

    return None if model is None else load_model(model).score


# -- a book from month to month


@app.command()
def manage(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run's folder, or a wheel.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="The book: a CSV or Parquet file of customers.")],
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="As in experiments/policies/.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day that the book is of.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Of the managed book: all its months.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Of early warning, as in experiments/warnings/.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column of the customer.")] = None,
    monitoring: Annotated[
        Path | None, typer.Option("--monitoring", metavar="FILE", help="A monitoring.json, for the pack.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FOLDER", help="Of `riskml feedback`; OUT/feedback by default."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or zh; that of the policy's messages when left out.")] = None,
) -> None:
    """Make Monday's folder: tiers, actions, alerts, a list for each role, and the pack for the risk meeting."""
    from riskml.console_managing import Steps, show_month
    from riskml.managing.command import asked_for, read_customers
    from riskml.managing.manage import manage as manage_book
    from riskml.warning.inputs import day

    brought = results or (out / "feedback" if (out / "feedback" / "results.csv").is_file() else None)
    asked = asked_for(model, policy, rules, monitoring, brought, language)
    date = day(as_of, "--as-of")
    with Steps() as steps:
        done = manage_book(
            asked, read_customers(model, data, customer), date, out, today=dt.date.today(), progress=steps.begin
        )
    show_month(done)


@app.command()
def feedback(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a managed book.")],
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="Whose effects are judged.")],
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Who had the event, and when.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Later events are not in the file yet.")],
    window: Annotated[
        int, typer.Option("--window", metavar="DAYS", min=1, help="An event counts within so many.")
    ] = 90,
    customer: Annotated[str, typer.Option("--customer", metavar="COLUMN", help="The customer in FILE.")] = "customer",
    date: Annotated[str, typer.Option("--date", metavar="COLUMN", help="The day in FILE.")] = "date",
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help='Which rows count: status == "default".')
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option("--decisions", metavar="FILE", help="Lists that officers filled in; may be said again."),
    ] = None,
    complaints: Annotated[
        Path | None, typer.Option("--complaints", metavar="FILE", help="Who complained, and when.")
    ] = None,
    complaint_date: Annotated[
        str, typer.Option("--complaint-date", metavar="COLUMN", help="The day in that file.")
    ] = "date",
    complaint_where: Annotated[
        str | None, typer.Option("--complaint-where", metavar="EXPR", help='Which rows count: kind == "complaint".')
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="FOLDER/feedback by default.")
    ] = None,
) -> None:
    """Join outcomes to what was done: results of actions, labels for the next training, rules to reconsider."""
    from riskml.console_managing import show_feedback
    from riskml.managing.command import Came, feedback_of, write_feedback
    from riskml.warning.inputs import day

    said = None if complaints is None else Came(complaints, customer, complaint_date, complaint_where)
    found = feedback_of(
        folder,
        policy,
        Came(events, customer, date, where),
        day(until, "--until"),
        window,
        decisions=decisions or [],
        complaints=said,
    )
    show_feedback(found, write_feedback(found, out or folder / "feedback"))


@app.command()
def pdf(
    page: Annotated[Path, typer.Argument(metavar="PAGE", help="A page such as pack.html or report.html.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.pdf", help="Beside the page by default.")
    ] = None,
) -> None:
    """Print a page as PDF, with the Chromium of this machine."""
    from riskml.managing.printing import print_pdf

    typer.echo(f"{print_pdf(page, out or page.with_suffix('.pdf'))} is written")
