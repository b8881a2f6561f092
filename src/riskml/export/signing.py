"""Signing of wheels: ed25519 over the manifest."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from riskml.errors import InputError
from riskml.export.wheel import pack
from riskml.export.wheelfile import read_wheel, record, verify
from riskml.io import replacing
from riskml.runtime.integrity import ALGORITHM, FILES, SIGNATURE


def sign_wheel(wheel: str | Path, key: str | Path, password: str | None = None) -> str:
    """Put a signature of its manifest into a wheel, in place of an earlier one.

    Parameters
    ----------
    wheel : path
        It is verified first, and replaced whole. The same wheel and key give the same bytes.
    key : path
        An ed25519 private key as PEM (``openssl genpkey -algorithm ed25519``).
    password : str, optional
        Of the key.

    Returns
    -------
    str
        The key's fingerprint: SHA-256 of the raw public key, in hexadecimal digits.

    Raises
    ------
    InputError
        When the wheel or the key cannot be read, or the wheel is not what riskml built.
    """
    private = _private(Path(key), password)
    package = verify(wheel).package
    files = read_wheel(wheel)
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = {
        "algorithm": ALGORITHM,
        "key": hashlib.sha256(raw).hexdigest(),
        "signature": base64.b64encode(private.sign(files[f"{package}/{FILES}"])).decode(),
    }
    files[f"{package}/{SIGNATURE}"] = (json.dumps(signature, indent=1) + "\n").encode()
    itself = next(name for name in files if name.endswith(".dist-info/RECORD"))
    files[itself] = record(files, itself).encode()
    with replacing(wheel) as temporary:
        pack(files, temporary)
    return signature["key"]


def _private(path: Path, password: str | None) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password.encode() if password else None)
    except OSError as error:
        raise InputError(f"the key cannot be read: {error.strerror}", where=str(path)) from None
    except (ValueError, TypeError):
        # Nothing of what the file holds is repeated here.
        raise InputError(
            "the key cannot be read: it is no private key in PEM, or its password is another",
            where=str(path),
            fix="openssl genpkey -algorithm ed25519 -out key.pem",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the key is not one of ed25519", where=str(path), fix="openssl genpkey -algorithm ed25519")
    return key
