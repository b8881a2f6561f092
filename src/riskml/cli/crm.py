"""CRM systems: read customers, write risk back, raise alerts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from riskml.errors import InputError, RunError

app = typer.Typer(no_args_is_help=True, help="Read customers from a CRM, write risk back, raise alerts.")
_MAPPING = Annotated[str, typer.Argument(metavar="MAPPING", help="A mapping file, or its name in experiments/crm/.")]
_SETTINGS = Annotated[
    Path | None, typer.Option(metavar="FILE", help="How to log in, of mode 0600; else the environment: RISKML_….")
]
_YES = Annotated[bool, typer.Option("--yes", help="Do it; without, what would be done is shown.")]
_AUDIT = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What was written; experiments/runs/crm/<mapping>.db by default.")
]
_AUTOMATIONS = Annotated[bool, typer.Option("--automations", help="Let the CRM's own workflows and approvals run.")]


@app.command("check")
def crm_check(
    mapping: _MAPPING,
    settings: _SETTINGS = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create missing fields to write to, where it can be.")
    ] = False,
) -> None:
    """Log in, and say which fields of a mapping the CRM has."""
    from riskml.cli.output import crm
    from riskml.crm.service import check

    if not crm.show_fields(check(mapping, settings, create=create)):
        raise InputError("the mapping and the CRM do not fit together", fix="see above")


@app.command("pull")
def crm_pull(
    mapping: _MAPPING,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the tables go, as Parquet files.")],
    settings: _SETTINGS = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, and not only what changed.")] = False,
) -> None:
    """Bring a folder of tables up to date; after a break it goes on where it was."""
    from riskml.cli.output import crm
    from riskml.crm.service import pull

    with crm.TableBars() as bars:
        pulled = pull(mapping, settings, folder, now=dt.datetime.now(dt.UTC), full=full, progress=bars)
    crm.show_pulled(pulled)


@app.command("push")
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
    from riskml.cli.output import crm
    from riskml.crm import service
    from riskml.portfolio.inputs import scores_of_month

    table = scores_of_month(scores) if scores.is_dir() else scores
    request = service.Push(table, id, as_of, model_version, everything, automations, only or (), customer or ())
    with crm.RowBar("rows") as bar:
        planned, pushed = service.push(
            mapping, settings, request, audit=audit, now=dt.datetime.now(dt.UTC), yes=yes, progress=bar
        )
    crm.show_plan(planned, done=pushed is not None)
    if pushed is not None:
        crm.show_pushed(pushed)
        if pushed.count("written") < len(pushed.outcomes):
            raise RunError(
                "not every customer was written",
                fix="see above, and what `riskml crm check` says; the next push tries them again",
            )


@app.command("alerts")
def crm_alerts(
    mapping: _MAPPING,
    alerts: Annotated[
        Path,
        typer.Argument(
            metavar="ALERTS",
            help="What `riskml alerts list -o` writes, or a table with key, customer, cause, owner, due, text.",
        ),
    ],
    settings: _SETTINGS = None,
    automations: _AUTOMATIONS = False,
    audit: _AUDIT = None,
    yes: _YES = False,
) -> None:
    """Raise alerts to those who look after the customers; each key once, however often it is asked."""
    from riskml.cli.output import crm
    from riskml.crm import service

    with crm.RowBar("alerts") as bar:
        outcomes = service.alerts(
            mapping,
            settings,
            alerts,
            audit=audit,
            now=dt.datetime.now(dt.UTC),
            yes=yes,
            automations=automations,
            progress=bar,
        )
    crm.show_alerts(outcomes, done=yes)
    if (outcomes["status"] == "failed").any():
        raise RunError("not every alert was raised", fix="see above; the next run tries them again")
