"""Safe reading of wheels: limits on size, no file outside the archive, every file checked against RECORD."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from riskml.errors import InputError
from riskml.runtime.checksums import PackageError
from riskml.runtime.integrity import FILES, SIGNATURE, public_key, sealed, verify_signature

MOST_FILES = 2_000
MOST_BYTES = 1 << 30  # unpacked, all together
MOST_RATIO = 200  # of a file's size to its packed size; text as dense as a model's packs by 5 to 20
_SMALL = 1 << 20  # bytes that may be as dense as they like
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Verified:
    """What was found of a wheel."""

    package: str
    version: str
    files: int  # compared with the manifest
    signed: bool  # whether there is a signature
    key: str | None  # the key's fingerprint, where a key was given and the signature is its own


def read_wheel(wheel: str | Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    wheel = Path(wheel)
    if wheel.is_dir():
        raise InputError("this is a folder, and no wheel", where=str(wheel), fix="name the .whl file in it")
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(wheel, entries)
            return {entry.filename: _content(wheel, archive, entry) for entry in entries}
    except FileNotFoundError:
        raise InputError("the wheel does not exist", where=str(wheel), fix="check the path") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"the wheel cannot be read: {error}", where=str(wheel), fix="build it again") from None


def unpack(wheel: str | Path, folder: str | Path) -> None:
    """Write the files of a wheel into a folder, after ``read_wheel`` has judged them."""
    for name, content in read_wheel(wheel).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def verify(wheel: str | Path, key: str | Path | None = None) -> Verified:
    """Prove that a wheel is what riskml built: every file, and nothing else."""
    files = read_wheel(wheel)
    public = None if key is None else _public(Path(key))
    try:
        return _verified(files, public)
    except PackageError as error:
        raise InputError(str(error), where=str(wheel), fix="do not install it; get it again from its maker") from None


def _public(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        public_key(content)
    except OSError as error:
        raise InputError(
            f"the key cannot be read: {error.strerror}", where=str(path), fix="name a file with an ed25519 public key"
        ) from None
    except PackageError as error:
        raise InputError(str(error), where=str(path), fix="openssl pkey -in private.pem -pubout") from None
    return content


def _verified(files: Mapping[str, bytes], public: bytes | None) -> Verified:
    itself = _one(files, f"/{FILES}")
    package, manifest = itself.partition("/")[0], files[itself]
    expected = sealed(manifest)
    for name, checksum in expected.items():
        if name not in files:
            raise PackageError(f"a file of the wheel is missing: {name}")
        if hashlib.sha256(files[name]).hexdigest() != checksum:
            raise PackageError(f"a file of the wheel was altered, its checksum does not agree: {name}")
    info = _one(files, ".dist-info/RECORD").partition("/")[0]
    version = HeaderParser().parsestr(_text(files, f"{info}/METADATA"))["Version"]
    signature = files.get(f"{package}/{SIGNATURE}")
    more = files.keys() - expected.keys() - {itself, f"{package}/{SIGNATURE}", f"{info}/RECORD"}
    if more:
        raise PackageError(f"files that the wheel's manifest does not name: {', '.join(map(repr, sorted(more)[:5]))}")
    if _text(files, f"{info}/RECORD") != record(files, f"{info}/RECORD"):
        raise PackageError("the wheel's RECORD does not agree with its files")
    fingerprint = None if public is None else verify_signature(manifest, signature, public)
    return Verified(package, str(version), len(expected), signature is not None, fingerprint)


def _one(files: Mapping[str, bytes], ending: str) -> str:
    """Return the one name at the top of a wheel that ends so."""
    names = [name for name in files if name.endswith(ending) and name.count("/") == 1]
    if len(names) != 1:
        what = ending.rpartition("/")[2]
        raise PackageError(f"the wheel holds no {what} of riskml: it was built by another tool, or an older riskml")
    return names[0]


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        raise PackageError(f"a file of the wheel is missing, or is no text: {name}") from None


def record(files: Mapping[str, bytes], itself: str) -> str:
    """Return a wheel's RECORD (PEP 376): every file's SHA-256 and size, its own left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, content in sorted(files.items()):
        if name != itself:
            checksum = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            writer.writerow([name, f"sha256={checksum}", len(content)])
    writer.writerow([itself, "", ""])
    return text.getvalue()


def _check_entries(wheel: Path, entries: list[zipfile.ZipInfo]) -> None:
    def refuse(what: str) -> InputError:
        return InputError(f"the wheel is not unpacked: {what}", where=str(wheel), fix="do not trust this file")

    names = [entry.filename for entry in entries]
    if len(names) > MOST_FILES:
        raise refuse(f"it has {len(names)} files, and {MOST_FILES} are the most")
    if len({*names}) < len(names):
        raise refuse("it names a file twice")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise refuse(f"it would fill more than {MOST_BYTES >> 20} MiB")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise refuse(f"it names a file outside its folder: {entry.filename!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise refuse(f"it holds a link: {entry.filename!r}")
        if entry.file_size > max(_SMALL, MOST_RATIO * entry.compress_size):
            raise refuse(f"{entry.filename!r} would grow {entry.file_size // max(entry.compress_size, 1)}-fold")


def _content(wheel: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return a file's content, no more than its entry announced."""
    parts, left = [], entry.file_size + 1
    with archive.open(entry) as file:
        while left > 0 and (part := file.read(min(_BLOCK, left))):
            parts.append(part)
            left -= len(part)
    if left <= 0:
        raise InputError(f"{entry.filename!r} is larger than announced", where=str(wheel), fix="do not trust this file")
    return b"".join(parts)
