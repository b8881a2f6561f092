"""MLflow's client, which prints nothing, tells nobody, and gives up soon on a server that is away."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from riskml.errors import InputError, RiskmlError, RunError
from riskml.tracking.uri import tracking_uri, without_secrets

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
