"""Copies of tables as Parquet files on disk: complete or not there, and made once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskml.errors import InputError
from riskml.io import read_json

_SAID = "copy.json"
_FORMAT = 1  # another one when copies are written differently


@dataclass(frozen=True)
class Copy:
    """A complete copy."""

    files: tuple[Path, ...]  # parquet
    remarks: Mapping[str, str]  # what explains the type of a column


def copied(
    folder: Path, name: str, key: Iterable[str], inputs: Iterable[Path], write: Callable[[Path], Mapping[str, str]]
) -> Copy:
    """Return the copy of a table, made anew unless there is one of the same source."""
    digest = hashlib.sha256(json.dumps([_FORMAT, *key]).encode()).hexdigest()
    # Before the copy is made: what changes meanwhile makes the next one anew.
    said = {"of": digest, "inputs": [_state(path) for path in inputs]}
    home = folder / _file_name(name, digest)
    if (there := _complete(home, said)) is not None:
        return there
    temporary = home.with_name(f".{home.name}.{os.getpid()}.part")
    try:
        _emptied(temporary)
        remarks = write(temporary)
        for spilled in filter(Path.is_dir, list(temporary.iterdir())):
            shutil.rmtree(spilled)
        files = sorted(path.name for path in temporary.glob("*.parquet"))
        content = said | {"files": files, "remarks": dict(remarks)}
        (temporary / _SAID).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(home, ignore_errors=True)
        temporary.replace(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Copy(tuple(home / file for file in files), remarks)


def _state(path: Path) -> list[Any]:
    seen = path.stat()
    return [str(path), seen.st_size, seen.st_mtime_ns]


def _file_name(name: str, digest: str) -> str:
    safe = re.sub(r"[^\w-]+", "_", name).strip("_")[:60]
    # Two tables must not share a folder because their names became one.
    return safe if safe == name else f"{safe or 'table'}-{digest[:8]}"


def _complete(home: Path, said: Mapping[str, Any]) -> Copy | None:
    try:
        there = read_json(home / _SAID)
        files = tuple(home / name for name in there["files"])
        same = all(there[name] == value for name, value in said.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Copy(files, there["remarks"]) if same and all(path.is_file() for path in files) else None


def _emptied(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(folder.parent),
            fix="choose a folder that you may write to",
        ) from error
