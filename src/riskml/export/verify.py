"""Verification of a wheel: installed into a fresh environment, it must give the expected probabilities."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from packaging.requirements import Requirement

from riskml.errors import RunError
from riskml.export.wheelfile import read_wheel

# XGBoost's Linux wheel asks for NVIDIA's collective library (300 MB), which only multi-GPU training loads.
_NEEDLESS = "nvidia-"
_TIMEOUT = 600  # seconds


@dataclass(frozen=True)
class Verification:
    """What a wheel did in a fresh environment.

    Parameters
    ----------
    rows : int
        Customers scored.
    max_difference : float
        Greatest difference between a probability and the expected one.
    python : str
        Version of the fresh environment's Python.
    packages : mapping of name to version
        All that was installed there.
    """

    rows: int
    max_difference: float
    python: str
    packages: Mapping[str, str]


def verify_wheel(wheel: str | Path, frame: pd.DataFrame, expected: pd.Series, tolerance: float = 1e-9) -> Verification:
    """Install a wheel into a fresh virtual environment and compare its probabilities there.

    What it needs is installed in the versions that run here, so that a difference can only come from the wheel.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns of customers.
    expected : Series of shape (n,)
        Their probabilities, in the same order.

    Raises
    ------
    RunError
        When the wheel cannot be installed, fails to score, or differs by more than the tolerance.
    """
    wheel = Path(wheel).resolve()
    name, requirements = _metadata(wheel)
    with tempfile.TemporaryDirectory(prefix="riskml-verify-") as folder:
        python = _environment(Path(folder) / "environment", [str(wheel), *pinned(requirements)])
        task = {"package": name, "columns": list(map(str, frame.columns)), "rows": len(frame), "data": _cells(frame)}
        answer = _ask(python, task, Path(folder))
    if answer["score"] is None:
        raise RunError(f"the wheel does not score in a fresh environment: {answer['error']}", where=str(wheel))
    difference = np.abs(np.array(answer["score"], dtype=float) - expected.to_numpy(dtype=float))
    largest = float(difference.max(initial=0.0))
    if not largest <= tolerance:
        row = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
        raise RunError(
            f"the wheel gives other probabilities than expected: row {frame.index[row]!r} has "
            f"{answer['score'][row]!r}, expected {float(expected.iloc[row])!r} (tolerance {tolerance:g})",
            where=str(wheel),
        )
    return Verification(len(frame), largest, answer["python"], answer["packages"])


def pinned(requirements: Iterable[str]) -> list[str]:
    """Return all that some requirements need, directly or not, in the versions installed here."""
    pins: dict[str, str] = {}
    todo = [Requirement(text) for text in requirements]
    while todo:
        requirement = todo.pop()
        key = requirement.name.lower().replace("_", "-")
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if key in pins or key.startswith(_NEEDLESS) or not applies:
            continue
        try:
            there = importlib.metadata.distribution(key)
        except importlib.metadata.PackageNotFoundError:
            raise RunError(f"the wheel needs {key}, which is not installed here", fix=f"pip install {key}") from None
        pins[key] = f"{key}=={there.version}"
        todo += [Requirement(text) for text in there.requires or ()]
    return sorted(pins.values())


def _metadata(wheel: Path) -> tuple[str, list[str]]:
    """Return the name of the package that a wheel installs, and what it requires."""
    files = read_wheel(wheel)
    info = next(name.split("/")[0] for name in files if name.endswith(".dist-info/METADATA"))
    headers = HeaderParser().parsestr(files[f"{info}/METADATA"].decode("utf-8"))
    return files[f"{info}/top_level.txt"].decode("utf-8").strip(), headers.get_all("Requires-Dist", [])


def _environment(folder: Path, install: Sequence[str]) -> Path:
    """Make a virtual environment with exactly these packages, and return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = _uv()
    if uv is None:
        _run([sys.executable, "-m", "venv", str(folder)], "a virtual environment cannot be made")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *install]
        _run(pip, "the wheel cannot be installed")
        return python
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], "a virtual environment cannot be made")
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
    offline = subprocess.run([*command, "--offline", *install], capture_output=True, timeout=_TIMEOUT, check=False)
    if offline.returncode:
        _run([*command, *install], "the wheel cannot be installed")
    return python


def _uv() -> str | None:
    try:
        import uv
    except ImportError:
        return shutil.which("uv")
    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError:
        return shutil.which("uv")


def _run(command: Sequence[str], failure: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise RunError(f"{failure}: no answer within {_TIMEOUT} seconds", fix=_FIX) from None
    if done.returncode:
        raise RunError(f"{failure}: {' '.join((done.stderr or done.stdout).split())[-1000:]}", fix=_FIX)


_FIX = (
    "the packages it needs are taken from uv's cache, or from a package index: connect to one, or set up riskml's own "
    "environment with uv once, which fills the cache; then export again"
)


def _cells(frame: pd.DataFrame) -> list[list[Any]]:
    # JSON keeps every bit of a float, which a CSV's reader need not; it has no word for a missing one.
    return [
        [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
        for _, column in frame.items()
    ]


def _ask(python: Path, task: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    (folder / "task.json").write_text(json.dumps(task, default=str), encoding="utf-8")
    keep = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    # -I: neither this folder, nor the user's packages, nor any variable lends it a module. -B: nothing is used twice.
    command = [str(python), "-I", "-B", "-c", _SCRIPT, str(folder)]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"the wheel gave no answer within {_TIMEOUT} seconds") from None
    if done.returncode:
        raise RunError(f"the wheel cannot be used in a fresh environment: {done.stderr.strip()[-2000:]}")
    answer: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return answer


# Runs in the fresh environment, where riskml is not.
_SCRIPT = """
import importlib, importlib.metadata, json, pathlib, platform, sys
folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
import pandas as pd
frame = pd.DataFrame(dict(enumerate(task["data"])), index=range(task["rows"])).set_axis(task["columns"], axis=1)
package = importlib.import_module(task["package"])
answer = {"score": None, "error": None, "python": platform.python_version()}
try:
    answer["score"] = package.score(frame)["probability"].tolist()
except ValueError as error:
    answer["error"] = str(error)
installed = sorted((found.metadata["Name"], found.version) for found in importlib.metadata.distributions())
answer["packages"] = dict(installed)
(folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
"""
