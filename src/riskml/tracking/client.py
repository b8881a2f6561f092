"""MLflow client without output, telemetry or long retries."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from riskml.errors import InputError, RiskmlError, RunError

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # written to without a server, which would keep the files


def tracking_uri(project: Path) -> str:
    """Return where runs are tracked: MLFLOW_TRACKING_URI, or a SQLite file in the project's folder.

    Parameters
    ----------
    project : Path
        Absolute.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        # The kernel's folder, and papermill's, are not the one that this was written for.
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).absolute()}"
    return uri or f"sqlite:///{project / 'mlflow.db'}"


def without_secrets(uri: str) -> str:
    """Return a tracking URI as it may be written down: without the user and the password in it."""
    # A password may hold a slash or an @ itself: what lies before the last @, up to where another address begins.
    return re.sub(r"(?<=:)//(?!/)(?:(?!://)\S)*@", "//", uri)


if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    # Minutes, unless it is told otherwise.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a book of customers tells nobody
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def quiet_client(uri: str) -> MlflowClient:
    """Return a client of a tracking server or a database, registry included."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own type hints
        import mlflow.pyfunc

    # Only now: importing it sets them.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow.MlflowClient(uri, uri)


@contextmanager
def mlflow_client(project: Path) -> Iterator[MlflowClient]:
    """Yield a client of the MLflow that a project is tracked in.

    Parameters
    ----------
    project : Path
        Absolute.

    Raises
    ------
    InputError
        When nothing was tracked there yet.
    RunError
        When MLflow cannot be reached, or fails.
    """
    uri = tracking_uri(project)
    file = Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri.startswith("sqlite:") and not file.is_file():  # MLflow would make an empty one
        raise InputError(
            "nothing has been tracked here yet",
            where=without_secrets(uri),
            fix="run an experiment first, go to its project's folder, or set MLFLOW_TRACKING_URI",
        )
    try:
        yield quiet_client(uri)
    except RiskmlError:
        raise
    except Exception as error:  # whatever a server or a database may raise
        first = str(error).partition("\n")[0]
        raise RunError(
            without_secrets(f"MLflow does not answer: {first}"),
            where=without_secrets(uri),
            fix="check MLFLOW_TRACKING_URI, and whether the server is up; nothing is lost",
        ) from error
