"""Command line: exit code 0 for success, 2 for wrong input, 1 for other errors."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from riskml import __version__
from riskml.cli import alerts, crm, export, models, monitoring, portfolio, runs
from riskml.errors import InputError, RiskmlError

_LONGEST = 1950  # characters of a message

# Commands import heavy packages themselves, so that help is fast.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes as long to import as all the rest
    help="Find, rank, explain and manage customers who may default or leave.",
    epilog="Add --debug to any command for the traceback of an error.",
)
for commands in (runs, models, export, portfolio, monitoring):
    app.add_typer(commands.app)
app.add_typer(crm.app, name="crm")
app.add_typer(alerts.app, name="alerts")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    try:
        app([word for word in words if word != "--debug"], prog_name="riskml")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return _failed(
            "interrupted\n  fix:   run the command again; a run goes on with --resume and its folder", 1, debug
        )
    except InputError as error:
        return _failed(str(error), 2, debug)
    except RiskmlError as error:
        return _failed(str(error), 1, debug)
    except Exception as error:
        from riskml.runtime.package import PackageError

        if isinstance(error, PackageError):
            return _failed(str(error), 2, debug)
        if (fault := _name_fault(error)) is not None:
            return _failed(f"a file cannot be used by this name: {fault}", 2, debug)
        hint = "" if debug else "\n  fix:   this is a bug; --debug shows the traceback"
        return _failed(f"{RiskmlError(f'{type(error).__name__}: {error}')}{hint}", 1, debug)
    return 0


def _name_fault(error: Exception) -> str | None:
    """Return what is wrong with the name of a file, or None if the error is another one."""
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return f"{error.strerror}: {str(error.filename)[:200]!r}"
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        return f"it is not Unicode: {error.object[:200]!r}"
    return str(error)[:200] if str(error).startswith(("embedded null", "Symlink loop")) else None


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
    sys.stderr.write(f"error: {message}\n")
    return code


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        typer.echo(f"riskml {__version__}")
        raise typer.Exit
