"""Command line of an exported package: score, explain, schema, check, card, serve, verify.

Exit codes: 0 success, 2 invalid input, 130 interrupted, 141 broken pipe.
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
from .stdio import READER_GONE, STANDARD, discard_output, files, print_text

if TYPE_CHECKING:
    import pandas as pd

    from .package import Artifact


def main(argv: Sequence[str] | None = None, artifact: Artifact | None = None) -> int:
    """Run the command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.task is None:
        parser.error(f"no task given; choose one of {', '.join(_TASKS)}")
    try:
        _TASKS[options.task](options, artifact)
    except PackageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except BrokenPipeError:  # as in `… | head`, which is no error
        discard_output()
        return READER_GONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {where}{error.strerror or error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    return 0


def _score(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .batch import score_file

    model = artifact or api.artifact()
    inputs = model.input_counts()
    _write(options, lambda *files, progress: score_file(
        model, *files, id_column=options.id, escape_formulas=options.escape_formulas, progress=progress, inputs=inputs,
    ), "scored")  # fmt: skip
    for count in inputs.beyond_training():
        sys.stderr.write(f"warning: {count}\n")


def _explain(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .batch import explain_file

    _write(options, lambda *files, progress: explain_file(
        artifact or api.artifact(), *files, id_column=options.id, n=options.reasons, language=options.language,
        escape_formulas=options.escape_formulas, progress=progress,
    ), "explained")  # fmt: skip


def _write(options: argparse.Namespace, work: Callable[..., int], verb: str) -> None:
    from .progress import progress

    with files(options.file, options.output) as (source, destination, done):
        with progress() as bar:
            rows = work(source, destination, progress=bar)
        done()
    where = "" if options.output == STANDARD else f": {options.output}"
    sys.stderr.write(f"{rows} customers {verb}{where}\n")


def _schema(options: argparse.Namespace, artifact: Artifact | None) -> None:
    table = (artifact or api.artifact()).schema()
    for column in ("special", "levels"):
        table[column] = [None if values is None else "; ".join(map(str, values)) for values in table[column]]
    _print(table, options)


def _check(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .batch import check_file
    from .progress import progress

    with files(options.file, STANDARD) as (source, _, _), progress() as bar:
        table = check_file(artifact or api.artifact(), source, bar)
    _print(table, options)


def _print(table: pd.DataFrame, options: argparse.Namespace) -> None:
    from .batch import escaped

    rows = escaped(table) if options.escape_formulas else table
    print_text(rows.to_csv(index=False, lineterminator="\n"))


def _card(options: argparse.Namespace, artifact: Artifact | None) -> None:
    print_text(api.model_card())


def _serve(options: argparse.Namespace, artifact: Artifact | None) -> None:
    try:
        from .serve import Limits, run
    except ImportError as error:
        raise PackageError(f"serving requires {error.name}: pip install '{_name()}[serve]'") from None

    limits = Limits(options.max_bytes, options.max_rows, options.timeout, options.max_connections)
    card = api.model_card() if artifact is None else ""
    names = options.allow_host
    run(artifact or api.artifact(), host=options.host, port=options.port, limits=limits, card=card, names=names)


def _verify(options: argparse.Namespace, artifact: Artifact | None) -> None:
    from .integrity import SIGNATURE, manifest_of, unlisted, verify_folder, verify_signature

    package = api.folder()
    count = verify_folder(package)
    if more := list(unlisted(package)):
        raise PackageError(f"files not listed in the package manifest: {', '.join(map(repr, more[:5]))}")
    api.artifact()
    message = f"{count} files unchanged since the package was built"
    if options.key is not None:
        signature = package / SIGNATURE
        content = signature.read_bytes() if signature.exists() else None
        key = verify_signature(manifest_of(package), content, Path(options.key).read_bytes())
        message += f", signed with the key {key[:16]}…"
    print_text(f"{message}\n")


def _version(options: argparse.Namespace, artifact: Artifact | None) -> None:
    print_text(f"{_name()} {(artifact or api.artifact()).version}\n")


_ALLOW_HOST = "host name of the service besides localhost, this machine's name and IP addresses; repeatable"

_TASKS = {
    "score": _score, "explain": _explain, "schema": _schema, "check": _check, "card": _card, "serve": _serve,
    "verify": _verify, "version": _version,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_name(), description="Score customers: probability of the event, tier and reasons."
    )
    tasks: Any = parser.add_subparsers(dest="task", metavar="score | explain | schema | check | card | serve | verify")
    parser.add_argument("--version", dest="task", action="store_const", const="version", help="print the version")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        subparser: argparse.ArgumentParser = tasks.add_parser(name, help=text, description=text)
        return subparser

    for name, text in (
        ("score", "write the probability and tier of each customer"),
        ("explain", "write the reasons that raised the risk of each customer"),
    ):
        task = add(name, text)
        task.add_argument("file", help="customers: .csv, .tsv (also .gz) or .parquet; - for standard input")
        task.add_argument("-o", "--output", required=True, help="output file: .csv or .parquet; - for standard output")
        task.add_argument("--id", metavar="COLUMN", help="customer ID column (default: row number)")
        if name == "explain":
            task.add_argument("-n", "--reasons", type=int, help="maximum number of reasons per customer")
            task.add_argument("--language", choices=LANGUAGES, help="add notice statements (at most four)")
        _escape(task)
    _escape(add("schema", "print the required columns as CSV"))
    task = add("check", "print the drift of a file of customers against the training data as CSV")
    task.add_argument("file", help="customers: .csv, .tsv (also .gz) or .parquet; - for standard input")
    _escape(task)
    add("card", "print the model card")
    task = add("serve", "score single records over HTTP (requires the extra: serve)")
    task.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    task.add_argument("--port", type=int, default=8000, help="port to listen on; 0 for any free one (default: 8000)")
    task.add_argument("--allow-host", metavar="NAME", action="append", default=[], help=_ALLOW_HOST)
    task.add_argument("--max-bytes", type=_positive(int), default=1 << 20, help="largest request body (default: 1 MiB)")
    task.add_argument("--max-rows", type=_positive(int), default=1000, help="most records per request (default: 1000)")
    task.add_argument("--max-connections", type=_positive(int), default=1000, help="most connections (default: 1000)")
    task.add_argument("--timeout", type=_positive(float), default=10.0, help="seconds per head or body (default: 10)")
    task = add("verify", "verify that no file of this package was altered")
    task.add_argument("--key", metavar="PEM", help="ed25519 public key that must have signed the package")
    return parser


def _positive(kind: type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    number.__name__ = "positive number"  # for the messages of argparse
    return number


def _escape(task: argparse.ArgumentParser) -> None:
    task.add_argument(
        "--escape-formulas", action="store_true",
        help="put an apostrophe before text that a spreadsheet would interpret as a formula",
    )  # fmt: skip


def _name() -> str:
    return api.folder().name.replace("_", "-")
