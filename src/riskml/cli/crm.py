"""CRM systems: read customers, write risk back, raise alerts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from riskml.errors import InputError, RunError

app = typer.Typer(no_args_is_help=True, help="Read customers from a CRM, write risk back, raise alerts.")
_MAPPING = Annotated[str, typer.Argument(metavar="MAPPING", help="Mapping file, or its name in experiments/crm/.")]
_SETTINGS = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Credentials, mode 0600 (default: variables RISKML_…).")
]
_YES = Annotated[bool, typer.Option("--yes", help="Write to the CRM (default: show the changes).")]
_AUDIT = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Audit file (default: experiments/runs/crm/<mapping>.db).")
]
_AUTOMATIONS = Annotated[bool, typer.Option("--automations", help="Trigger the CRM's workflows and approvals.")]


@app.command("check")
def crm_check(
    mapping: _MAPPING,
    settings: _SETTINGS = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create missing fields to write to, where the CRM allows it.")
    ] = False,
) -> None:
    """Log in, and list the fields of the mapping that the CRM lacks."""
    from riskml.cli.output import crm
    from riskml.crm.service import check

    if not crm.show_fields(check(mapping, settings, create=create)):
        raise InputError(
            "the CRM lacks fields of the mapping", fix="add the fields listed above, or correct the mapping"
        )


@app.command("pull")
def crm_pull(
    mapping: _MAPPING,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder for the tables, as Parquet files.")],
    settings: _SETTINGS = None,
    full: Annotated[bool, typer.Option("--full", help="Read all records (default: changes only).")] = False,
) -> None:
    """Update a folder of tables from the CRM; an interrupted pull is resumed."""
    from riskml.cli.output import crm
    from riskml.crm.service import pull

    with crm.TableBars() as bars:
        pulled = pull(mapping, settings, folder, now=dt.datetime.now(dt.UTC), full=full, progress=bars)
    crm.show_pulled(pulled)


@app.command("push")
def crm_push(
    mapping: _MAPPING,
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="Scores: .csv, .parquet, or the folder of a month.")],
    settings: _SETTINGS = None,
    id: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the customer's ID in the CRM.")] = "customer",
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE", help="Date of the scores (default: their column).")
    ] = "",
    model_version: Annotated[
        str, typer.Option("--model-version", metavar="TEXT", help="Model version (default: the column).")
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Part to write, such as tier; may be repeated (default: all)."),
    ] = None,
    customer: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Customer to write to; may be repeated (default: all).")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Write unchanged values too.")] = False,
    automations: _AUTOMATIONS = False,
    audit: _AUDIT = None,
    yes: _YES = False,
) -> None:
    """Write changed scores, tiers, reasons and actions to customers of the CRM."""
    from riskml.cli.output import CountBar, crm
    from riskml.crm import service
    from riskml.portfolio.inputs import scores_of_month

    table = scores_of_month(scores) if scores.is_dir() else scores
    request = service.Push(table, id, as_of, model_version, everything, automations, only or (), customer or ())
    with CountBar("rows") as bar:
        planned, pushed = service.push(
            mapping, settings, request, audit=audit, now=dt.datetime.now(dt.UTC), yes=yes, progress=bar
        )
    crm.show_plan(planned, done=pushed is not None)
    if pushed is not None:
        crm.show_pushed(pushed)
        if pushed.count("written") < len(pushed.outcomes):
            raise RunError(
                "some customers were not written",
                fix="see the messages above and `riskml crm check`; the next push tries again",
            )


@app.command("alerts")
def crm_alerts(
    mapping: _MAPPING,
    alerts: Annotated[
        Path,
        typer.Argument(
            metavar="ALERTS",
            help="File of `riskml alerts list -o`, or a table with key, customer, cause, owner, due, text.",
        ),
    ],
    settings: _SETTINGS = None,
    automations: _AUTOMATIONS = False,
    audit: _AUDIT = None,
    yes: _YES = False,
) -> None:
    """Raise alerts as tasks of the customers' owners; each key once."""
    from riskml.cli.output import CountBar, crm
    from riskml.crm import service

    with CountBar("alerts") as bar:
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
        raise RunError("some alerts were not raised", fix="see the messages above; the next run tries again")
