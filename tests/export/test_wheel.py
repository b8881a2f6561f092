from __future__ import annotations

import base64
import csv
import hashlib
import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import riskml.runtime
from riskml.errors import InputError, RunError
from riskml.export.artifact import write_artifact
from riskml.export.verify import _environment, pinned, verify_wheel
from riskml.export.wheel import build_wheel, write_package
from riskml.runtime.package import Artifact, PackageError

INFO = "riskml_hand_made-1.2.3.dist-info"


@pytest.fixture(scope="module")
def wheel(artifacts, tmp_path_factory):
    return build_wheel(artifacts["blend"], tmp_path_factory.mktemp("dist"))


def content(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def headers(wheel):
    return HeaderParser().parsestr(content(wheel)[f"{INFO}/METADATA"].decode())


def needs(said):
    """Return what a wheel needs whatever it is used for."""
    return [text.split(">")[0] for text in said.get_all("Requires-Dist") if "extra ==" not in text]


def test_its_name_has_package_version_and_any_platform(wheel):
    assert wheel.name == "riskml_hand_made-1.2.3-py3-none-any.whl"


def test_it_holds_the_runtime_to_the_letter_the_model_and_nothing_else(wheel, artifacts):
    files = content(wheel)
    runtime = Path(riskml.runtime.__file__).parent
    expected = {f"riskml_hand_made/_runtime/{path.name}": path.read_bytes() for path in runtime.glob("*.py")}
    expected |= {f"riskml_hand_made/model/{path.name}": path.read_bytes() for path in artifacts["blend"].iterdir()}
    assert {name: files[name] for name in expected} == expected
    rest = {name.rpartition("/")[2] for name in files.keys() - expected.keys()}
    assert rest == {
        "__init__.py", "__main__.py", "py.typed", "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt",
        "top_level.txt", "card.md", "manifest.json", "riskml.cdx.json",
    }  # fmt: skip


def test_the_runtime_imports_nothing_of_riskml():
    for path in Path(riskml.runtime.__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(from|import) riskml", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_its_record_has_the_checksum_and_size_of_every_file(wheel):
    files = content(wheel)
    record = {name: (checksum, size) for name, checksum, size in csv.reader(files[f"{INFO}/RECORD"].decode().split())}
    assert record.pop(f"{INFO}/RECORD") == ("", "")
    assert record == {
        name: (
            "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode(),
            str(len(data)),
        )
        for name, data in files.items()
        if name != f"{INFO}/RECORD"
    }


def test_its_metadata_say_what_it_needs_and_carry_the_model_card(wheel):
    said = headers(wheel)
    assert (said["Name"], said["Version"], said["Requires-Python"]) == ("riskml-hand-made", "1.2.3", ">=3.11")
    assert needs(said) == ["numpy", "pandas", "xgboost"]
    assert said["License-Expression"] == "Apache-2.0"
    assert said.get_payload().startswith("# Which customers \\| will &lt;default>?")


def test_a_wheel_without_boosting_does_not_need_xgboost(artifacts, tmp_path):
    for kind in ("scorecard", "logistic", "tree", "ebm"):
        assert needs(headers(build_wheel(artifacts[kind], tmp_path))) == ["numpy", "pandas"]


def test_rebuilding_gives_the_same_bytes(wheel, artifacts, tmp_path, monkeypatch):
    assert build_wheel(artifacts["blend"], tmp_path).read_bytes() == wheel.read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = build_wheel(artifacts["blend"], tmp_path)
    assert content(dated) == content(wheel)
    assert {entry.date_time for entry in zipfile.ZipFile(dated).infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_a_title_of_several_lines_forges_no_metadata(handmade, loans, loan_experiment, tmp_path):
    experiment = loan_experiment.model_copy(update={"title": 'x"""\nRequires-Dist: evil\n\nimport os'})
    folder = write_artifact(
        handmade["tree"], tmp_path / "model", experiment=experiment, family="tree", X_train=loans, metrics={}
    )
    wheel = build_wheel(folder, tmp_path)
    assert "evil" not in str(headers(wheel).get_all("Requires-Dist"))
    compile(content(wheel)["riskml_hand_made/__init__.py"], "init", "exec")


def test_an_altered_model_is_not_packed(artifacts, tmp_path):
    import shutil

    copy = shutil.copytree(artifacts["tree"], tmp_path / "model")
    (copy / "model.json").write_text((copy / "model.json").read_text().replace("40.5", "41.5"))
    with pytest.raises(PackageError, match="was altered"):
        build_wheel(copy, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_a_folder_that_cannot_be_written_is_refused(artifacts, tmp_path):
    (tmp_path / "dist").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        build_wheel(artifacts["tree"], tmp_path / "dist")


def test_the_package_s_folder_is_what_the_wheel_holds(wheel, artifacts, tmp_path):
    folder = write_package(artifacts["blend"], tmp_path)
    inside = {name: data for name, data in content(wheel).items() if name.startswith("riskml_hand_made/")}
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == inside


# -- installed for real: one environment for all that follows


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the Python of a fresh environment that has the wheel, and what the wheel needs, and nothing else."""
    needs = pinned(headers(wheel).get_all("Requires-Dist"))
    return _environment(tmp_path_factory.mktemp("fresh") / "environment", [str(wheel), *needs])


@pytest.fixture
def run(installed, tmp_path):
    def run(*words):
        done = subprocess.run(
            [str(installed.parent / words[0]), *map(str, words[1:])],
            cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


def test_installed_its_command_scores_and_explains_a_file_as_the_model_here(run, artifacts, loans, tmp_path):
    loans.to_csv(tmp_path / "book.csv")
    scored = run("riskml-hand-made", "score", "book.csv", "-o", "scores.csv", "--id", "customer")
    assert (scored.code, scored.err) == (0, "300 customers scored: scores.csv\n")
    expected = Artifact.load(artifacts["blend"]).score(loans)
    scores = pd.read_csv(tmp_path / "scores.csv", index_col="customer")
    assert scores.index.tolist() == loans.index.tolist()
    np.testing.assert_array_equal(scores["probability"], expected["probability"])
    assert run("riskml_hand_made", "explain", "book.csv", "-o", "why.csv").code == 0
    assert pd.read_csv(tmp_path / "why.csv").columns.tolist() == ["row", "rank", "column", "value", "contribution"]


def test_installed_it_refuses_bad_input_with_2_and_one_message(run, tmp_path):
    (tmp_path / "book.csv").write_text("Age,Income,Home\nold,1,rent\n")
    refused = run("riskml-hand-made", "score", "book.csv", "-o", "scores.csv")
    assert refused.code == 2
    assert refused.err == "error: book.csv: column 'Age', row 1: 'old' is not a number\n"
    assert not (tmp_path / "scores.csv").exists()


def test_installed_its_doors_open_without_riskml_and_without_loading_what_is_not_used(run):
    script = """
import sys, riskml_hand_made as package
assert package.__version__ == "1.2.3", package.__version__
assert not {"pandas", "numpy", "xgboost"} & sys.modules.keys()
assert package.schema()["name"].tolist() == ["Age", "Income", "Home"]
import pandas as pd
frame = pd.DataFrame({"Home": ["castle"], "Income": [None], "Age": ["25"], "more": [1]}, index=["c1"])
assert 0 < package.score(frame).loc["c1", "probability"] < 1
assert len(package.explain(frame, n=1)) == 1
assert not [name for name in sys.modules if name.split(".")[0] in {"riskml", "sklearn", "mlflow"}]
"""
    done = run("python", "-I", "-c", script)
    assert (done.code, done.err) == (0, "")


# -- the verification


def test_verification_says_what_was_compared_and_where(artifacts, loans, tmp_path):
    wheel = build_wheel(artifacts["scorecard"], tmp_path)
    expected = Artifact.load(artifacts["scorecard"]).score(loans)["probability"]
    said = verify_wheel(wheel, loans, expected)
    assert (said.rows, said.max_difference) == (300, 0.0)
    assert said.python == ".".join(map(str, sys.version_info[:3]))
    assert said.packages["riskml-hand-made"] == "1.2.3"
    assert said.packages["pandas"] == pd.__version__
    assert not {"riskml", "mlflow", "scikit-learn", "xgboost"} & said.packages.keys()


def test_a_wheel_that_differs_by_more_than_the_tolerance_fails_and_says_where(
    wheel, installed, artifacts, loans, monkeypatch
):
    monkeypatch.setattr("riskml.export.verify._environment", lambda *_: installed)
    expected = Artifact.load(artifacts["blend"]).score(loans)["probability"]
    assert verify_wheel(wheel, loans, expected + 1e-10).max_difference == pytest.approx(1e-10, rel=1e-3)
    expected.loc["c007"] += 1e-6
    with pytest.raises(RunError, match="other probabilities than expected: row 'c007'"):
        verify_wheel(wheel, loans, expected)
    with pytest.raises(RunError, match="does not score in a fresh environment: columns missing"):
        verify_wheel(wheel, loans[["Age"]], expected)


def test_a_missing_expectation_is_a_difference(wheel, installed, loans, monkeypatch):
    monkeypatch.setattr("riskml.export.verify._environment", lambda *_: installed)
    with pytest.raises(RunError, match="other probabilities"):
        verify_wheel(wheel, loans.head(2), pd.Series([0.5, np.nan]))


def test_what_cannot_be_installed_says_how_to_mend_it(wheel, loans, monkeypatch):
    monkeypatch.setattr("riskml.export.verify.pinned", lambda _: ["riskml-no-such-package==0.0.1"])
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(RunError, match="(?s)cannot be installed.*riskml-no-such-package.*fix:.*connect"):
        verify_wheel(wheel, loans, pd.Series(0.5, index=loans.index))


def test_what_a_package_needs_is_pinned_to_what_runs_here_without_nvidia():
    pins = pinned(["xgboost>=3.1"])
    assert [pin.split("==")[0] for pin in pins] == ["numpy", "scipy", "xgboost"]
    assert f"numpy=={np.__version__}" in pins
    with pytest.raises(RunError, match="needs no-such-package, which is not installed here"):
        pinned(["no-such-package"])
