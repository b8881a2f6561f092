"""Export formats: SQL, ONNX, HTML and Excel, by the file's suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from riskml.errors import InputError
from riskml.io import replacing
from riskml.runtime.package import Artifact

SUFFIXES = (".sql", ".onnx", ".html", ".xlsx")
_WHAT = {
    ".sql": "one query that scores a table of customers (DuckDB; riskml export has other dialects)",
    ".onnx": "a graph for ONNX runtimes",
    ".html": "the card as a page",
    ".xlsx": "the card as a workbook",
}


def write_model(
    artifact: Artifact, file: str | Path, *, dialect: str = "duckdb", table: str = "customers", keep: Sequence[str] = ()
) -> Path:
    """Write a model in the format that a file's name asks for."""
    path = Path(file)
    if path.suffix.lower() == ".sql":
        from riskml.export.sql import to_sql

        text = to_sql(artifact, table, dialect=dialect, keep=keep)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    elif path.suffix.lower() == ".onnx":
        try:
            from riskml.export.onnx import write_onnx
        except ImportError:
            raise InputError("ONNX needs the package onnx", fix="pip install 'riskml[onnx]'") from None
        write_onnx(artifact, path)
    elif path.suffix.lower() == ".html":
        from riskml.export.html_excel import write_html

        write_html(artifact, path)
    elif path.suffix.lower() == ".xlsx":
        from riskml.export.html_excel import write_xlsx

        write_xlsx(artifact, path)
    else:
        raise InputError(f"no model is written as {path.suffix or 'a file without a suffix'}", where=str(path),
                         fix=f"let the name end in one of {', '.join(SUFFIXES)}")  # fmt: skip
    return path


def write_all(artifact: Artifact, folder: str | Path) -> pd.DataFrame:
    """Write a model in every format that its family has.

    Parameters
    ----------
    folder : path
        It is made where it is missing; the files are named by the model's name.

    Returns
    -------
    DataFrame
        ``file``, ``what``: what it is, or why it is not there.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    rows = []
    for suffix in SUFFIXES:
        file = Path(folder) / f"{artifact.name}{suffix}"
        try:
            write_model(artifact, file)
        except InputError as error:
            if suffix not in (".sql", ".onnx"):
                raise
            rows.append((file.name, f"not written: {error.what}"))
        else:
            rows.append((file.name, _WHAT[suffix]))
    return pd.DataFrame(rows, columns=["file", "what"])
