"""Wheel of a model: a Python package with the runtime and the model."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import stat
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

import riskml.runtime
from riskml.export.model_card import model_card
from riskml.export.wheelfile import record
from riskml.io import replacing
from riskml.runtime.integrity import FILES
from riskml.runtime.package import Artifact

_PYTHON = ">=3.11"
# Requirements of optional features, below the next untested major version.
_EXTRAS = {
    "serve": ("starlette>=0.40,<2", "uvicorn>=0.30,<1"),
    "parquet": ("pyarrow>=15,<26",),
    "verify": ("cryptography>=42,<51",),
}
_FIRST_DATE = dt.datetime(1980, 1, 1)  # no zip file can be older


def package_files(artifact_folder: str | Path) -> dict[str, bytes]:
    """Return the files of the package that scores with a model."""
    return _package_files(Artifact.load(artifact_folder), Path(artifact_folder))


def _package_files(artifact: Artifact, folder: Path) -> dict[str, bytes]:
    package = f"riskml_{artifact.name}"
    files = wheel_files(artifact, folder)
    prefix = f"{package}/"
    return {name.removeprefix(prefix): files[name] for name in sorted(files) if name.startswith(prefix)}


def wheel_files(artifact: Artifact, folder: Path) -> dict[str, bytes]:
    """Return all files of a wheel, by their paths in it, with the manifest that names the others."""
    package, distribution = f"riskml_{artifact.name}", _distribution(artifact)
    info = f"{distribution}-{artifact.version}.dist-info"
    runtime = Path(riskml.runtime.__file__).parent
    card = model_card(artifact)
    files = {
        "__init__.py": _INIT.format(version=artifact.version).encode(),
        "__main__.py": _MAIN.encode(),
        "py.typed": b"",
        "card.md": card.encode(),
    }
    files |= {f"_runtime/{path.name}": path.read_bytes() for path in runtime.glob("*.py")}
    files |= {f"model/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}
    members = {f"{package}/{name}": content for name, content in files.items()}
    bill = bill_of_materials(artifact, distribution.replace("_", "-"), members)
    members |= {
        f"{info}/METADATA": _metadata(artifact, distribution, card).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: riskml\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": _entry_points(package).encode(),
        f"{info}/licenses/LICENSE": Path(__file__).with_name("LICENSE").read_bytes(),
        f"{info}/sboms/{BILL}": bill,  # where PEP 770 has it
        f"{info}/top_level.txt": f"{package}\n".encode(),
    }
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())}
    manifest = {"format": 1, "package": package, "version": artifact.version, "files": checksums}
    members[f"{package}/{FILES}"] = (json.dumps(manifest, indent=1) + "\n").encode()
    members[f"{info}/RECORD"] = record(members, f"{info}/RECORD").encode()
    return members


def write_package(artifact_folder: str | Path, parent: str | Path) -> Path:
    """Write the package's folder ``riskml_<name>`` beneath ``parent``, not packed, and return it."""
    folder = Path(parent) / f"riskml_{Artifact.load(artifact_folder).name}"
    for name, content in package_files(artifact_folder).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def build_wheel(artifact_folder: str | Path, out_folder: str | Path) -> Path:
    """Write the wheel that scores with a model.

    The same model gives the same bytes: files are sorted, and dated by SOURCE_DATE_EPOCH or 1980.

    Parameters
    ----------
    out_folder : path
        It is made where it is missing.

    Returns
    -------
    Path
        The wheel, ``riskml_<name>-<version>-py3-none-any.whl``.

    Raises
    ------
    PackageError
        When the artifact is incomplete or was altered.
    InputError
        When the folder cannot be written.

    Notes
    -----
    The format is PEP 427, with the metadata of PEP 639 (version 2.4).
    """
    artifact = Artifact.load(artifact_folder)
    files = wheel_files(artifact, Path(artifact_folder))
    wheel = Path(out_folder) / f"{_distribution(artifact)}-{artifact.version}-py3-none-any.whl"
    with replacing(wheel) as temporary:
        pack(files, temporary)
    return wheel


def _distribution(artifact: Artifact) -> str:
    return re.sub(r"[-_.]+", "_", f"riskml_{artifact.name}").strip("_")


_INIT = '''"""A risk model as a package: scores customers, explains the scores, and says which columns it needs."""

from ._runtime.api import check, explain, explain_record, model_card, schema, score, score_record

__version__ = "{version}"
__all__ = [
    "__version__", "check", "explain", "explain_record", "model_card", "schema", "score", "score_record",
]
'''

_MAIN = """from ._runtime.command import main

raise SystemExit(main())
"""


def _entry_points(package: str) -> str:
    names = sorted({package, package.replace("_", "-")})
    return "[console_scripts]\n" + "".join(f"{name} = {package}._runtime.command:main\n" for name in names)


def _metadata(artifact: Artifact, distribution: str, card: str) -> str:
    summary = " ".join(artifact.title.split())
    headers = [
        ("Metadata-Version", "2.4"),
        ("Name", distribution.replace("_", "-")),
        ("Version", artifact.version),
        ("Summary", summary),
        ("License-Expression", "Apache-2.0"),
        ("License-File", "LICENSE"),
        ("Keywords", f"risk,{artifact.task},{artifact.family}"),
        ("Classifier", "Programming Language :: Python :: 3"),
        ("Classifier", "Typing :: Typed"),
        ("Requires-Python", _PYTHON),
        *[("Requires-Dist", requirement) for requirement in artifact.requires],
        *[("Provides-Extra", extra) for extra in _EXTRAS],
        *[("Requires-Dist", f'{need}; extra == "{extra}"') for extra, needs in _EXTRAS.items() for need in needs],
        ("Description-Content-Type", "text/markdown"),
    ]
    return "".join(f"{key}: {value}\n" for key, value in headers) + "\n" + card


def pack(files: Mapping[str, bytes], path: Path) -> None:
    """Write files as a zip archive with the same bytes for the same files: sorted, of SOURCE_DATE_EPOCH or 1980."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    date = max(dt.datetime.fromtimestamp(epoch, dt.UTC).replace(tzinfo=None), _FIRST_DATE)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        # PEP 427 recommends that the metadata come last.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, date.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name])


BILL = "riskml.cdx.json"


def bill_of_materials(artifact: Artifact, distribution: str, files: Mapping[str, bytes]) -> bytes:
    """Return the bill of materials of a wheel (CycloneDX 1.6, JSON)."""
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    apache = LicenseExpression("Apache-2.0")
    itself = Component(
        name=distribution,
        version=artifact.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:pypi/{distribution}@{artifact.version}",
        purl=PackageURL("pypi", None, distribution, artifact.version),
        description=" ".join(artifact.title.split()),
        licenses=[apache],
    )
    needed = [
        Component(
            name=requirement.name,
            type=ComponentType.LIBRARY,
            bom_ref=f"pkg:pypi/{requirement.name}",
            purl=PackageURL("pypi", None, requirement.name),
            properties=[Property(name="riskml:versions", value=str(requirement.specifier))],
        )
        for requirement in map(Requirement, artifact.requires)
    ]
    inside = [
        Component(
            name=name,
            type=ComponentType.MACHINE_LEARNING_MODEL if "/model/" in name else ComponentType.FILE,
            bom_ref=f"file:{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest())],
        )
        for name, content in sorted(files.items())
    ]
    seed = json.dumps({name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())})
    bom = Bom(components=[*needed, *inside], serial_number=uuid.uuid5(uuid.NAMESPACE_URL, seed))
    bom.metadata.component = itself
    bom.register_dependency(itself, needed)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
