"""The work of the command on files: scores, reasons and checks, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .batch import convert
from .checksums import PackageError
from .drift_check import Check
from .package import Artifact
from .tables import ROW, Chunk, Wanted, read

Progress = Callable[[Chunk], None]


def score_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    id_column: str | None,
    escape_formulas: bool,
    progress: Progress | None,
) -> int:
    """Write the scores of a file's customers, in its order, and return their number."""

    def answer(chunk: Chunk) -> pd.DataFrame:
        scores = artifact.score(chunk.frame)
        scores.insert(0, _free(id_column, scores), chunk.ids.to_numpy())
        return scores

    return convert(source, destination, _wanted(artifact, id_column), answer, escape_formulas, progress)


def explain_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    id_column: str | None,
    n: int | None,
    language: str | None,
    escape_formulas: bool,
    progress: Progress | None,
) -> int:
    """Write the reasons of a file's customers, one row per customer and reason, and return the customers' number."""

    def answer(chunk: Chunk) -> pd.DataFrame:
        reasons = artifact.explain(chunk.frame, n, language)
        rows = reasons.pop("customer").astype("int64")
        reasons.insert(0, _free(id_column, reasons), chunk.ids.loc[rows].to_numpy())
        return reasons

    return convert(source, destination, _wanted(artifact, id_column), answer, escape_formulas, progress)


def check_file(artifact: Artifact, source: str | Path, progress: Progress | None = None) -> pd.DataFrame:
    """Return how a file of customers differs from training's, as ``Artifact.check`` does of a table."""
    found, rows = Check(artifact), 0
    for chunk in read(source, _wanted(artifact, None, all_needed=False)):
        found.add(chunk.frame)
        rows += len(chunk.frame)
        if progress is not None:
            progress(chunk)
    if not rows:
        raise PackageError(f"{source}: the table has no rows; give it at least one beneath its header")
    return found.table()


def _wanted(artifact: Artifact, id_column: str | None, *, all_needed: bool = True) -> Wanted:
    levels = {column["name"]: column["levels"] for column in artifact.columns if column["kind"] == "categorical"}
    return Wanted(artifact.model.kinds, levels, id_column, all_needed)


def _free(id_column: str | None, answers: pd.DataFrame) -> str:
    name = ROW if id_column is None else id_column
    if name in answers.columns:
        raise PackageError(f"the identifier's column has the name of a result, {name!r}; rename it")
    return name
