"""A software bill of materials: what a wheel is made of, and what it needs, as CycloneDX has it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping

from packaging.requirements import Requirement

from riskml.runtime.package import Artifact

NAME = "riskml.cdx.json"


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
