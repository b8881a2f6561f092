"""The command of an exported package: scores of files, reasons, the card, a server, and proof that nothing was altered.

Exit code 0 done, 2 the input is wrong, 141 the reader of a pipe went away.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import api
from .checksums import PackageError
from .reasons import LANGUAGES
from .stdio import READER_GONE, STANDARD, files, say, stop_speaking

if TYPE_CHECKING:
    import pandas as pd

    from .package import Artifact
    from .tables import Chunk

Progress = Callable[["Chunk"], None]


def score_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    *,
    id_column: str | None = None,
    escape_formulas: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the scores of a file's customers, in its order."""
    from .filework import score_file

    return score_file(artifact, source, destination, id_column, escape_formulas, progress)


def explain_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    *,
    id_column: str | None = None,
    n: int | None = None,
    language: str | None = None,
    escape_formulas: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the reasons behind the scores of a file's customers, one row per customer and reason."""
    from .filework import explain_file

    return explain_file(artifact, source, destination, id_column, n, language, escape_formulas, progress)


def main(argv: Sequence[str] | None = None, artifact: Artifact | None = None) -> int:
    """Run the command: 0 done, 2 the input is wrong, 141 the reader of a pipe went away."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.task is None:
        parser.error(f"nothing to do: name one of {', '.join(_DO)}")
    try:
        _DO[options.task](options, artifact)
    except PackageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except BrokenPipeError:  # as in `… | head`: that is no error
        stop_speaking()
        return READER_GONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {where}{error.strerror or error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("error: stopped by hand\n")
        return 130
    return 0


def _score(options: argparse.Namespace, artifact: Artifact | None) -> None:
    _write(options, lambda *files, progress: score_file(
        artifact or api.artifact(), *files, id_column=options.id, escape_formulas=options.escape_formulas,
        progress=progress,
    ), "scored")  # fmt: skip


def _explain(options: argparse.Namespace, artifact: Artifact | None) -> None:
    _write(options, lambda *files, progress: explain_file(
        artifact or api.artifact(), *files, id_column=options.id, n=options.reasons, language=options.language,
        escape_formulas=options.escape_formulas, progress=progress,
    ), "explained")  # fmt: skip


def _write(options: argparse.Namespace, work: Callable[..., int], did: str) -> None:
    from .progress import progress

    with files(options.file, options.output) as (source, destination, done):
        with progress() as bar:
            rows = work(source, destination, progress=bar)
        done()
    where = "" if options.output == STANDARD else f": {options.output}"
    sys.stderr.write(f"{rows} customers {did}{where}\n")


def _schema(options: argparse.Namespace, artifact: Artifact | None) -> None:
    table = (artifact or api.artifact()).schema()
    for column in ("special", "levels"):
        table[column] = [None if values is None else "; ".join(map(str, values)) for values in table[column]]
    _print(table, options)


def _check(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .filework import check_file
    from .progress import progress

    with files(options.file, STANDARD) as (source, _, _), progress() as bar:
        table = check_file(artifact or api.artifact(), source, bar)
    _print(table, options)


def _print(table: pd.DataFrame, options: argparse.Namespace) -> None:
    from .batch import escaped

    shown = escaped(table) if options.escape_formulas else table
    say(shown.to_csv(index=False, lineterminator="\n"))


def _card(options: argparse.Namespace, artifact: Artifact | None) -> None:
    say(api.model_card())


def _serve(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .serve import Limits, run

    limits = Limits(options.max_bytes, options.max_rows, options.timeout, options.max_connections)
    card = api.model_card() if artifact is None else ""
    run(artifact or api.artifact(), host=options.host, port=options.port, limits=limits, card=card)


def _verify(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .integrity import SIGNATURE, manifest_of, unlisted, verify_folder, verify_signature

    package = api.folder()
    count = verify_folder(package)
    if more := list(unlisted(package)):
        raise PackageError(f"files that the package's manifest does not name: {', '.join(map(repr, more[:5]))}")
    api.artifact()
    said = f"{count} files are what they were when the package was built"
    if options.key is not None:
        signature = package / SIGNATURE
        content = signature.read_bytes() if signature.exists() else None
        key = verify_signature(manifest_of(package), content, Path(options.key).read_bytes())
        said += f", and signed with the key {key[:16]}…"
    say(f"{said}\n")


def _version(options: argparse.Namespace, artifact: Artifact | None) -> None:
    say(f"{_name()} {(artifact or api.artifact()).version}\n")


_DO = {
    "score": _score, "explain": _explain, "schema": _schema, "check": _check, "card": _card, "serve": _serve,
    "verify": _verify, "version": _version,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_name(), description="Score customers: the probability of the event, the tier, and the reasons."
    )
    tasks: Any = parser.add_subparsers(dest="task", metavar="score | explain | schema | check | card | serve | verify")
    parser.add_argument("--version", dest="task", action="store_const", const="version", help="print the version")

    def task(name: str, does: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = tasks.add_parser(name, help=does, description=does)
        return made

    for name, does in (
        ("score", "write each customer's probability and tier"),
        ("explain", "write what raised each customer's risk"),
    ):
        one = task(name, does)
        one.add_argument("file", help="the customers: .csv, .tsv (also .gz) or .parquet; - is standard input")
        one.add_argument("-o", "--output", required=True, help="what to write: .csv or .parquet; - is standard output")
        one.add_argument("--id", metavar="COLUMN", help="the column that names the customers (default: row number)")
        if name == "explain":
            one.add_argument("-n", "--reasons", type=int, help="reasons per customer at the most")
            one.add_argument("--language", choices=LANGUAGES, help="add the statement of a notice, at most four")
        _escape(one)
    _escape(task("schema", "print the columns that a file must have, as CSV"))
    one = task("check", "print how a file of customers differs from training's, as CSV")
    one.add_argument("file", help="the customers: .csv, .tsv (also .gz) or .parquet; - is standard input")
    _escape(one)
    task("card", "print the model card")
    one = task("serve", "answer single records over HTTP (needs the extra: serve)")
    one.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine alone)")
    one.add_argument("--port", type=int, default=8000, help="0 takes any that is free (default: 8000)")
    one.add_argument("--max-bytes", type=_positive(int), default=1 << 20, help="of a request's body (default: 1 MiB)")
    one.add_argument("--max-rows", type=_positive(int), default=1000, help="of a request (default: 1000)")
    one.add_argument("--max-connections", type=_positive(int), default=1000, help="at a time (default: 1000)")
    one.add_argument(
        "--timeout", type=_positive(float), default=10.0, help="seconds that a body may take (default: 10)"
    )
    one = task("verify", "prove that no file of this package was altered")
    one.add_argument("--key", metavar="PEM", help="an ed25519 public key: the package must be signed with it")
    return parser


def _positive(kind: type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    number.__name__ = "positive number"  # what argparse calls it in its message
    return number


def _escape(task: argparse.ArgumentParser) -> None:
    task.add_argument(
        "--escape-formulas", action="store_true",
        help="in a CSV for a spreadsheet: an apostrophe before text that it would take for a formula",
    )  # fmt: skip


def _name() -> str:
    return api.folder().name.replace("_", "-")
