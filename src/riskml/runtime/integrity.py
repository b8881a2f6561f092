"""Integrity of an installed package: checksums of all files, and an optional ed25519 signature."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checksums import PackageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILES = "manifest.json"
SIGNATURE = "manifest.sig"
ALGORITHM = "ed25519"


def sealed(content: bytes) -> dict[str, str]:
    """Return the SHA-256 of every file in a manifest."""
    try:
        payload = json.loads(content)
        files = payload["files"]
        if payload["format"] != 1 or not all(isinstance(part, str) for pair in files.items() for part in pair):
            raise ValueError("unknown format")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackageError(f"cannot read the package's {FILES}: {error}") from None
    return dict(files)


def verify_folder(package: Path) -> int:
    """Verify the files of an installed package, and return their number."""
    prefix = f"{package.name}/"
    inside = {name: sha for name, sha in sealed(manifest_of(package)).items() if name.startswith(prefix)}
    for name, expected in inside.items():
        path = package / name.removeprefix(prefix)
        if ".." in Path(name).parts:
            raise PackageError(f"the package's {FILES} refers to a file outside its folder: {name!r}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PackageError(f"a file of the package is missing: {path} ({error.strerror})") from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise PackageError(f"a file of the package was altered: its checksum does not match: {path}")
    return len(inside)


def unlisted(package: Path) -> Iterator[str]:
    """Yield the files of an installed package that are not in its manifest."""
    named = {*sealed(manifest_of(package)), f"{package.name}/{FILES}", f"{package.name}/{SIGNATURE}"}
    for path in sorted(package.rglob("*")):
        name = f"{package.name}/{path.relative_to(package).as_posix()}"
        if path.is_file() and "__pycache__" not in path.parts and name not in named:
            yield name


def manifest_of(package: Path) -> bytes:
    """Return the bytes of a package's manifest."""
    try:
        return (package / FILES).read_bytes()
    except OSError as error:
        raise PackageError(f"package manifest missing: {package / FILES} ({error.strerror})") from None


def verify_signature(manifest: bytes, signature: bytes | None, public_key_pem: bytes) -> str:
    """Return the fingerprint of the key that signed a manifest."""
    if signature is None:
        raise PackageError("the package is not signed")
    key = public_key(public_key_pem)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    own = hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()
    payload = _signature(signature)
    try:
        key.verify(base64.b64decode(payload["signature"], validate=True), manifest)
    except (InvalidSignature, ValueError):
        signer = "" if payload["key"] == own else f": signed with key {payload['key'][:16]}…, verified with {own[:16]}…"
        raise PackageError(f"the signature does not match the manifest and this key{signer}") from None
    return own


def public_key(content: bytes) -> Ed25519PublicKey:
    """Return the ed25519 public key that a PEM file holds."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise PackageError("verifying a signature requires cryptography: pip install cryptography") from None
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise PackageError("the key is not an ed25519 public key in PEM format")
    return key


def _signature(content: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(content)
        if payload["algorithm"] != ALGORITHM or not all(isinstance(payload[key], str) for key in ("key", "signature")):
            raise ValueError(payload["algorithm"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackageError(f"cannot read the package's {SIGNATURE}: {error}") from None
    return dict(payload)
