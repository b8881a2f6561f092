"""Cache of tables as Parquet files on disk: each copy is complete or absent, and made once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskml.io import read_json, replacing, write_json

_MANIFEST = "copy.json"
_FORMAT = 1  # to be raised when copies are written differently


@dataclass(frozen=True)
class Copy:
    """A complete copy."""

    files: tuple[Path, ...]  # Parquet
    remarks: Mapping[str, str]  # by column: the cell that explains its type


def copied(
    folder: Path, name: str, key: Iterable[str], inputs: Iterable[Path], write: Callable[[Path], Mapping[str, str]]
) -> Copy:
    """Return the copy of a table, rewritten unless the source is unchanged."""
    digest = hashlib.sha256(json.dumps([_FORMAT, *key]).encode()).hexdigest()
    # Read before the copy is made, so that a change meanwhile invalidates it.
    states = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in inputs]
    manifest = {"of": digest, "inputs": states}
    home = folder / _file_name(name, digest)
    if (cached := _complete(home, manifest)) is not None:
        return cached
    with replacing(home) as temporary:
        temporary.mkdir()
        remarks = write(temporary)
        for spilled in filter(Path.is_dir, list(temporary.iterdir())):
            shutil.rmtree(spilled)
        files = sorted(path.name for path in temporary.glob("*.parquet"))
        write_json(temporary / _MANIFEST, manifest | {"files": files, "remarks": dict(remarks)})
        shutil.rmtree(home, ignore_errors=True)
    return Copy(tuple(home / file for file in files), remarks)


def _file_name(name: str, digest: str) -> str:
    safe = re.sub(r"[^\w-]+", "_", name).strip("_")[:60]
    # Two tables whose cleaned names are the same must not share a folder.
    return safe if safe == name else f"{safe or 'table'}-{digest[:8]}"


def _complete(home: Path, expected: Mapping[str, Any]) -> Copy | None:
    try:
        manifest = read_json(home / _MANIFEST)
        files = tuple(home / name for name in manifest["files"])
        same = all(manifest[name] == value for name, value in expected.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Copy(files, manifest["remarks"]) if same and all(path.is_file() for path in files) else None
