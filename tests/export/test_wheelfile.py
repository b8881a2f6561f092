"""Wheels that are not what they seem: bombs, strangers, altered files; and who signed one."""

from __future__ import annotations

import json
import stat
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from riskml.cli import main
from riskml.errors import InputError
from riskml.export import wheelfile
from riskml.export.signing import sign_wheel
from riskml.export.wheel import build_wheel, pack
from riskml.export.wheelfile import read_wheel, record, verify
from riskml.runs.model_loading import load_model
from riskml.runtime import api

PACKAGE, INFO = "riskml_hand_made", "riskml_hand_made-1.2.3.dist-info"


@pytest.fixture
def wheel(artifacts, tmp_path):
    return build_wheel(artifacts["scorecard"], tmp_path)


def keys(folder, name="key", password=None):
    private = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    (folder / f"{name}.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)
    return folder / f"{name}.pem", folder / f"{name}.pub"


def altered(wheel, change, sealed=True):
    """Change a wheel's files; whoever does it would write the RECORD anew."""
    files = read_wheel(wheel)
    change(files)
    if sealed:
        files[f"{INFO}/RECORD"] = record(files, f"{INFO}/RECORD").encode()
    pack(files, wheel)
    return wheel


def refused(wheel, capsys, *words):
    assert main(["verify", str(wheel), *map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    return said.err


def test_an_untouched_wheel_is_verified(wheel, capsys):
    assert main(["verify", str(wheel)]) == 0
    assert "riskml_hand_made 1.2.3:" in (said := capsys.readouterr().out)
    assert "not signed" in said
    assert verify(wheel).files == len(read_wheel(wheel)) - 2  # all but the manifest itself and RECORD


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda files: files.update({f"{PACKAGE}/_runtime/model.py": b"import os"}), "was altered.*_runtime/model.py"),
        (lambda files: files.update({f"{INFO}/entry_points.txt": b""}), "was altered.*entry_points"),
        (lambda files: files.pop(f"{PACKAGE}/model/model.json"), "missing: riskml_hand_made/model/model.json"),
        (lambda files: files.update({f"{PACKAGE}/numpy.py": b""}), "does not name: 'riskml_hand_made/numpy.py'"),
        (lambda files: files.update({"evil.pth": b"import evil"}), "does not name: 'evil.pth'"),
        (lambda files: files.pop(f"{PACKAGE}/manifest.json"), "holds no manifest.json"),
        (lambda files: files.update({f"{PACKAGE}/manifest.json": b"[]"}), "cannot read the package's manifest.json"),
        (lambda files: files.update({f"{PACKAGE}/manifest.json": b"\xff"}), "cannot read the package's manifest.json"),
    ],
)
def test_what_was_altered_added_or_taken_away_is_named(change, what, wheel):
    with pytest.raises(InputError, match=what):
        verify(altered(wheel, change))


def test_a_record_that_does_not_agree_is_refused(wheel):
    with pytest.raises(InputError, match="RECORD does not agree"):
        verify(altered(wheel, lambda files: files.update({f"{INFO}/RECORD": b""}), sealed=False))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, "holds no RECORD"),
        ({"a-1.dist-info/RECORD": b"\xff"}, "is no text: a-1.dist-info/METADATA"),
        ({"a-1.dist-info/RECORD": b"\xff", "a-1.dist-info/METADATA": b"\xff"}, "is no text: a-1.dist-info/METADATA"),
        ({"a-1.dist-info/RECORD": b"", "b-1.dist-info/RECORD": b""}, "holds no RECORD"),
    ],
)
def test_a_manifest_that_promises_nothing_proves_nothing(more, what, tmp_path, capsys):
    path = tmp_path / "a-1-py3-none-any.whl"
    pack({"a/manifest.json": b'{"format": 1, "files": {}}', **more}, path)
    assert what in refused(path, capsys)


def test_a_model_that_was_replaced_is_named_with_its_wheel(wheel, tmp_path, capsys):
    (tmp_path / "book.csv").write_text("Age,Income,Home\n1,2,rent\n")
    altered(wheel, lambda files: files.update({f"{PACKAGE}/model/model.json": b"{}"}))
    assert main(["score", str(wheel), str(tmp_path / "book.csv"), "-o", str(tmp_path / "out.csv")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {wheel}: unsupported model format None")
    assert "riskml-wheel-" not in said
    assert not (tmp_path / "out.csv").exists()


# -- bombs and strangers


def test_a_zip_bomb_is_not_unpacked(tmp_path, capsys):
    bomb = tmp_path / "bomb-1-py3-none-any.whl"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (64 << 20))
    assert bomb.stat().st_size < 100_000
    assert "would grow" in refused(bomb, capsys)
    with pytest.raises(InputError, match="would grow"):
        load_model(bomb)


def test_a_bomb_that_lies_about_its_size_is_stopped(wheel, monkeypatch, tmp_path):
    content = bytearray()
    path = tmp_path / "liar-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(range(256)) * 4096)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02") + 24  # the directory's word for the unpacked size
    content[place : place + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(InputError, match="larger than announced|cannot be read"):
        read_wheel(path)


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_no_file_lands_outside(name, tmp_path, capsys):
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    assert "outside its folder" in refused(path, capsys)


def test_links_doubles_and_too_many_files_are_refused(tmp_path, capsys, monkeypatch):
    path = tmp_path / "x-1-py3-none-any.whl"
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert "holds a link" in refused(path, capsys)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    assert "names a file twice" in refused(path, capsys)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12):
            archive.writestr(f"{number}", b"")
    monkeypatch.setattr(wheelfile, "MOST_FILES", 10)
    assert "12 files" in refused(path, capsys)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no zip at all"])
def test_what_is_no_wheel_is_refused(content, tmp_path, capsys):
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(content)
    assert "cannot be read" in refused(tmp_path / "a-1-py3-none-any.whl", capsys)
    assert "does not exist" in refused(tmp_path / "none.whl", capsys)
    assert "this is a folder" in refused(tmp_path, capsys)


def test_a_truncated_wheel_is_refused(wheel, capsys):
    wheel.write_bytes(wheel.read_bytes()[:-2000])
    assert "cannot be read" in refused(wheel, capsys)


# -- signatures


def test_a_signed_wheel_is_known_by_its_key(wheel, tmp_path, capsys):
    private, public = keys(tmp_path)
    assert main(["sign", str(wheel), "--key", str(private)]) == 0
    signed = wheel.read_bytes()
    assert verify(wheel).signed
    assert main(["verify", str(wheel), "--key", str(public)]) == 0
    assert "signed with the key" in capsys.readouterr().out
    sign_wheel(wheel, private)
    assert wheel.read_bytes() == signed, "ed25519 is deterministic"
    assert load_model(wheel).name == "hand_made"


def test_another_s_key_and_an_unsigned_wheel_are_refused(wheel, tmp_path, capsys):
    (private, public), (_, other) = keys(tmp_path), keys(tmp_path, "other")
    assert "the package is not signed" in refused(wheel, capsys, "--key", public)
    sign_wheel(wheel, private)
    assert "does not match" in refused(wheel, capsys, "--key", other)


def test_a_manifest_that_was_written_anew_loses_its_signature(wheel, tmp_path, capsys):
    private, public = keys(tmp_path)
    sign_wheel(wheel, private)

    def change(files):
        card = f"{PACKAGE}/card.md"
        files[card] = b"# Good for everything"
        said = json.loads(files[f"{PACKAGE}/manifest.json"])
        said["files"][card] = wheelfile.hashlib.sha256(files[card]).hexdigest()
        files[f"{PACKAGE}/manifest.json"] = json.dumps(said).encode()

    altered(wheel, change)
    assert verify(wheel).signed, "without a key a forger's checksums agree"
    assert "does not match" in refused(wheel, capsys, "--key", public)


def test_a_key_s_password_comes_from_the_environment_and_is_never_shown(wheel, tmp_path, capsys, monkeypatch):
    private, public = keys(tmp_path, password="s3cret")
    assert main(["sign", str(wheel), "--key", str(private)]) == 2
    monkeypatch.setenv("RISKML_KEY_PASSWORD", "wr0ng")
    assert main(["sign", str(wheel), "--key", str(private)]) == 2
    assert "wr0ng" not in capsys.readouterr().err
    monkeypatch.setenv("RISKML_KEY_PASSWORD", "s3cret")
    assert main(["sign", str(wheel), "--key", str(private)]) == 0
    assert verify(wheel, public).key


def test_keys_of_another_kind_are_refused(wheel, tmp_path, capsys):
    rsa = generate_private_key(65537, 2048)
    (tmp_path / "rsa.pem").write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert main(["sign", str(wheel), "--key", str(tmp_path / "rsa.pem")]) == 2
    assert "not one of ed25519" in capsys.readouterr().err
    sign_wheel(wheel, keys(tmp_path)[0])
    (tmp_path / "text.pub").write_text("no key")
    private, _ = keys(tmp_path, "private")
    for key in (tmp_path / "text.pub", private):
        said = refused(wheel, capsys, "--key", key)
        assert "not an ed25519 public key" in said
        assert str(key) in said, "it is the key that is wrong, and not the wheel"
    assert "cannot be read" in refused(wheel, capsys, "--key", tmp_path / "none.pub")


# -- the bill of materials


def test_the_bill_of_materials_names_every_file_and_need(artifacts, tmp_path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    files = read_wheel(build_wheel(artifacts["blend"], tmp_path))
    text = files[f"{INFO}/sboms/riskml.cdx.json"].decode()
    said = json.loads(text)
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.6")
    libraries = {one["name"] for one in said["components"] if one["type"] == "library"}
    assert libraries == {"numpy", "pandas", "xgboost"}
    inside = {one["name"]: one["hashes"][0]["content"] for one in said["components"] if one["type"] != "library"}
    package = {name for name in files if name.startswith(f"{PACKAGE}/")} - {f"{PACKAGE}/manifest.json"}
    assert inside.keys() == package
    assert inside[f"{PACKAGE}/card.md"] == wheelfile.hashlib.sha256(files[f"{PACKAGE}/card.md"]).hexdigest()
    assert "timestamp" not in said["metadata"]
    try:
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except Exception as error:  # the validator is an extra of the library
        pytest.skip(str(error))
    assert problem is None


def test_the_installed_package_refuses_an_altered_file_at_load(artifacts, tmp_path, monkeypatch):
    from riskml.export.wheel import write_package
    from riskml.runtime.package import PackageError

    folder = write_package(artifacts["tree"], tmp_path)
    monkeypatch.setattr(api, "folder", lambda: folder)
    api.artifact.cache_clear()
    assert api.artifact().name == "hand_made"
    (folder / "card.md").write_text("# Good for everything")
    api.artifact.cache_clear()
    with pytest.raises(PackageError, match=r"was altered.*card\.md"):
        api.model_card()
    api.artifact.cache_clear()
