"""Where runs are tracked."""

from __future__ import annotations

import os
import re
from pathlib import Path

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
    """Return a tracking URI as it may be written down: without the user and the password in it.

    >>> without_secrets("postgresql://me:secret@db/risk"), without_secrets("sqlite:////book/mlflow.db")
    ('postgresql://db/risk', 'sqlite:////book/mlflow.db')
    """
    # A password may hold a slash or an @ itself: what lies before the last @, up to where another address begins.
    return re.sub(r"(?<=:)//(?!/)(?:(?!://)\S)*@", "//", uri)
