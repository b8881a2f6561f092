"""The command of an exported package: it scores a file of customers, and explains the scores."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from . import doors
from .answers import convert
from .package import Artifact, PackageError
from .tables import ROW, Chunk, Wanted


def score_file(artifact: Artifact, source: str | Path, destination: str | Path, *, id_column: str | None = None) -> int:
    """Write the scores of a file's customers, in its order.

    Parameters
    ----------
    artifact : Artifact
    source : path
        .csv, .tsv (also .gz) or .parquet.
    destination : path
        .csv or .parquet: the identifier (or ``row``, from 1), probability, points where there are some, tier.
    id_column : str, optional
        The column that names the customers.

    Returns
    -------
    int
        Number of customers.

    Raises
    ------
    PackageError
        When a file cannot be read or written, or its content cannot be scored; then nothing is written.
    """

    def answer(chunk: Chunk) -> pd.DataFrame:
        scores = artifact.score(chunk.frame)
        scores.insert(0, _free(id_column, scores), chunk.ids.to_numpy())
        return scores

    return convert(source, destination, _wanted(artifact, id_column), answer)


def explain_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    *,
    id_column: str | None = None,
    n: int | None = None,
) -> int:
    """Write the reasons behind the scores of a file's customers, one row per customer and reason.

    Parameters
    ----------
    artifact : Artifact
    source, destination, id_column
        As in ``score_file``; written are the identifier, rank, column, value and contribution (log-odds).
    n : int, optional
        Reasons per customer at the most.

    Returns
    -------
    int
        Number of customers.

    Raises
    ------
    PackageError
        When a file cannot be read or written, or its content cannot be scored; then nothing is written.
    """

    def answer(chunk: Chunk) -> pd.DataFrame:
        reasons = artifact.explain(chunk.frame, n)
        rows = reasons.pop("customer").astype("int64")
        reasons.insert(0, _free(id_column, reasons), chunk.ids.loc[rows].to_numpy())
        return reasons

    return convert(source, destination, _wanted(artifact, id_column), answer)


def main(argv: Sequence[str] | None = None, artifact: Artifact | None = None) -> int:
    """Run the command: 0 done, 2 the input is wrong.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after the command's name.
    artifact : Artifact, optional
        The package's own by default.

    Returns
    -------
    int
        The exit code.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.task is None:
        parser.error("nothing to do: name score, explain or schema")
    try:
        _do(options, artifact or doors.artifact())
    except PackageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or ''}: {error.strerror or error}\n")
        return 2
    return 0


def _do(options: argparse.Namespace, artifact: Artifact) -> None:
    if options.task == "score":
        rows = score_file(artifact, options.file, options.output, id_column=options.id)
        sys.stderr.write(f"{rows} customers scored: {options.output}\n")
    elif options.task == "explain":
        rows = explain_file(artifact, options.file, options.output, id_column=options.id, n=options.reasons)
        sys.stderr.write(f"{rows} customers explained: {options.output}\n")
    elif options.task == "schema":
        table = artifact.schema()
        for column in ("special", "levels"):
            table[column] = [None if values is None else "; ".join(map(str, values)) for values in table[column]]
        sys.stdout.write(table.to_csv(index=False, lineterminator="\n"))
    else:
        sys.stdout.write(f"{_name()} {artifact.version}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_name(), description="Score customers: the probability of the event, the tier, and the reasons."
    )
    tasks: Any = parser.add_subparsers(dest="task", metavar="score | explain | schema")
    parser.add_argument("--version", dest="task", action="store_const", const="version", help="print the version")
    for name, does in (
        ("score", "write each customer's probability and tier"),
        ("explain", "write what raised each customer's risk"),
    ):
        task = tasks.add_parser(name, help=does, description=does)
        task.add_argument("file", help="the customers: .csv, .tsv (also .gz) or .parquet")
        task.add_argument("-o", "--output", required=True, help="the file to write: .csv or .parquet")
        task.add_argument("--id", metavar="COLUMN", help="the column that names the customers (default: row number)")
        if name == "explain":
            task.add_argument("-n", "--reasons", type=int, help="reasons per customer at the most")
    does = "print the columns that a file must have, as CSV"
    tasks.add_parser("schema", help=does, description=does)
    return parser


def _name() -> str:
    return Path(__file__).resolve().parent.parent.name.replace("_", "-")


def _wanted(artifact: Artifact, id_column: str | None) -> Wanted:
    levels = {column["name"]: column["levels"] for column in artifact.columns if column["kind"] == "categorical"}
    return Wanted(artifact.model.kinds, levels, id_column)


def _free(id_column: str | None, answers: pd.DataFrame) -> str:
    name = ROW if id_column is None else id_column
    if name in answers.columns:
        raise PackageError(f"the identifier's column has the name of a result, {name!r}; rename it")
    return name
