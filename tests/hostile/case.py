"""One hostile input: what is called with it, and what must hold afterwards."""

from __future__ import annotations

import io
import os
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from riskml.cli import main
from riskml.errors import InputError, RiskmlError
from riskml.runtime.package import PackageError

SECRET = "HUNTER2"
CANARY = "pwned"  # a file of this name shows that code of an input was executed
SECONDS, CHARACTERS = 10, 2000
REFUSED, EITHER, DONE = (2,), (0, 2), (0,)


@dataclass(frozen=True)
class Case:
    """A hostile input.

    ``call`` holds the words of the command line, or is a function of the folder. ``codes`` are the exit codes that are
    right. ``check`` returns what is wrong with the folder and the output, or an empty text.
    """

    kind: str
    name: str
    call: list[str] | Callable[[Path], object]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    codes: tuple[int, ...] = REFUSED
    check: Callable[[Path, str], str] | None = None
    prepare: Callable[[Path], object] | None = None
    message: str = ""  # in the output of a refusal


@dataclass(frozen=True)
class Result:
    """What became of a case: its failures, none if it held."""

    case: Case
    failures: tuple[str, ...]
    seconds: float


def try_case(case: Case, folder: Path) -> Result:
    """Try an input in an empty folder."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    if case.prepare is not None:
        case.prepare(folder)
    before, start = _contents(folder), time.monotonic()
    with _place(folder), _no_notebooks(), _limit(SECONDS):
        code, output = _called(case.call, folder)
    seconds = time.monotonic() - start
    failures = list(_failures(case, code, output, before, _contents(folder)))
    if case.check is not None and code in case.codes:
        failures += filter(None, [case.check(folder, output)])
    if seconds > SECONDS:
        failures.append(f"{seconds:.1f} s")
    return Result(case, tuple(failures), seconds)


def _failures(
    case: Case, code: int, output: str, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> Iterator[str]:
    if code not in case.codes:
        yield f"exit code {code}, not {' or '.join(map(str, case.codes))}: {output[-400:]}"
    if "this is a bug" in output or "this should not happen" in output or "Traceback" in output:
        yield f"a message for nobody: {output[-400:]}"
    if len(output) > CHARACTERS:
        yield f"a message of {len(output)} characters"
    if code and case.message not in output:
        yield f"the message lacks {case.message!r}: {output[-400:]}"
    changed = {name: content for name, content in after.items() if before.get(name) != content}
    if SECRET in output or any(SECRET.encode() in content for content in changed.values()):
        yield "a secret is shown"
    if any(CANARY in Path(name).name for name in after):
        yield "code was executed"
    left = [name for name in changed if code or ".part" in name]
    if left or before.keys() - after.keys():
        yield f"left behind or lost: {left[:3] or sorted(before.keys() - after.keys())[:3]}"


def _contents(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder; folders and links are there without content."""
    contents = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            plain = path.is_file() and not path.is_symlink()
            contents[str(path.relative_to(folder))] = path.read_bytes() if plain else b""
    return contents


def _called(call: list[str] | Callable[[Path], object], folder: Path) -> tuple[int, str]:
    """Return exit code and output; a function ends as a command does."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(call, list):
            return main([word.replace("{folder}", str(folder)) for word in call]), output.getvalue()
        try:
            call(folder)
        except (InputError, PackageError) as error:
            return 2, f"{output.getvalue()}{error}"
        except RiskmlError as error:
            return 1, f"{output.getvalue()}{error}"
        except Exception:
            return 1, output.getvalue() + traceback.format_exc()[-1500:]
    return 0, output.getvalue()


@contextmanager
def _place(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        with mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'none.db'}"}):
            yield
    finally:
        os.chdir(before)


@contextmanager
def _no_notebooks() -> Iterator[None]:
    """Begin runs, with the check of their data, but execute no notebook."""

    def execute(run: Any, **_: object) -> Any:
        return run

    with (
        mock.patch("riskml.pipeline.stages.execute", execute),
        mock.patch("riskml.cli.output.runs.show_results"),
    ):
        yield


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def emptied(folder: Path) -> None:
    """Remove what a case left in its folder."""
    for path in folder.iterdir():
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
