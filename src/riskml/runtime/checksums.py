"""Checksums of the files of a model; altered files are refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FORMAT = 2  # 2 added the training distributions and the reason statements
FORMATS = (1, FORMAT)  # readable formats
MANIFEST = "model.json"
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("name", "version", "family", "title", "task", "target", "unseen"), str),
    **dict.fromkeys(("reference", "metrics", "training", "model", "files"), dict),
    **dict.fromkeys(("schema", "tiers", "requires"), list),
    "event": (bool, int, float, str),
    "reasons": int,
}
_OPTIONAL = {"statements": dict, "distributions": dict, "inputs": list, "derive": list}
_ENTRIES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "schema": {"name": str, "kind": str},
    "tiers": {"name": str, "from_probability": (int, float)},
}


class PackageError(ValueError):
    """Invalid input, or invalid files of the package."""

    def __str__(self) -> str:
        """Return the message, of bounded length."""
        text = super().__str__()
        return text if len(text) <= 1900 else f"{text[:1900]}…"


def digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content of model.json without its digest."""
    rest = {key: value for key, value in manifest.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the verified content of model.json."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackageError(f"model file missing: {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"cannot read the model file: {path}: {error}") from None
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version not in FORMATS:
        raise PackageError(f"unsupported model format {version!r}; supported: {', '.join(map(str, FORMATS))}: {path}")
    if manifest.get("digest") != _digest_of(manifest):
        raise PackageError(f"the model file was altered: its checksum does not match: {path}")
    fault = next(_faults(manifest), None)
    if fault is not None:
        raise PackageError(f"the model file is damaged: {fault}: {path}")
    return dict(manifest)


def _faults(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is missing or of another type."""
    for name, kind in {**_TYPES, **{name: kind for name, kind in _OPTIONAL.items() if name in manifest}}.items():
        if name not in manifest:
            yield f"{name!r} is missing"
        elif not isinstance(manifest[name], kind):
            yield f"{name!r} has another type"
    for name, types in _ENTRIES.items():
        for number, entry in enumerate(manifest[name], start=1):
            if not isinstance(entry, dict) or not all(isinstance(entry.get(key), kind) for key, kind in types.items()):
                yield f"entry {number} of {name!r} has no {' and '.join(types)}"
    if not manifest["tiers"]:
        yield "'tiers' is empty"


def _digest_of(manifest: Mapping[str, Any]) -> str | None:
    try:
        return digest(manifest)
    except ValueError:  # NaN, which is never written
        return None


def verified(folder: Path, name: str, expected: str) -> bytes:
    """Return the content of a file whose checksum matches."""
    if Path(name).name != name:
        raise PackageError(f"the model refers to a file outside its folder: {name!r}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"a file of the model is missing: {folder / name} ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise PackageError(f"a file of the model was altered: its checksum does not match: {folder / name}")
    return content
