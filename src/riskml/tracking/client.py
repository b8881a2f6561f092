"""MLflow's client, which prints nothing, tells nobody, and gives up soon on a server that is away."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING

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
    """Return a client of a tracking server or a database, registry included.

    Parameters
    ----------
    uri : str
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own type hints
        import mlflow.pyfunc

    # Only now: importing it sets them.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow.MlflowClient(uri, uri)
