"""A model's files, read with their checksums: what was altered is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 2  # 2 added the training distributions and the reason statements
FORMATS = (1, FORMAT)  # what is understood here
MANIFEST = "model.json"


class PackageError(ValueError):
    """The table, or the package's own files, cannot be used; the message says why."""


def digest(said: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that model.json says, itself left out."""
    rest = {key: value for key, value in said.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """Return what model.json says."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackageError(f"the model's file is missing: {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"the model's file cannot be read: {path}: {error}") from None
    found = said.get("format") if isinstance(said, dict) else None
    if type(found) is not int or found not in FORMATS:
        raise PackageError(
            f"the model's format is {found!r}, and {' and '.join(map(str, FORMATS))} are understood here: {path}"
        )
    if said.get("digest") != _digest_of(said):
        raise PackageError(f"the model's file was altered, its checksum does not agree: {path}")
    return dict(said)


def _digest_of(said: Mapping[str, Any]) -> str | None:
    try:
        return digest(said)
    except ValueError:  # NaN, which was never written
        return None


def verified(folder: Path, name: str, expected: str) -> bytes:
    """Return a file's content."""
    if Path(name).name != name:
        raise PackageError(f"the model names a file outside its folder: {name!r}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"a file of the model is missing: {folder / name} ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise PackageError(f"a file of the model was altered, its checksum does not agree: {folder / name}")
    return content
