"""The environment is said once: conda's file and the lock name what pyproject.toml names, and no registry's address."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _conda() -> tuple[list[str], list[str]]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    from_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    return [entry for entry in listed if isinstance(entry, str)], from_pip


def test_conda_gets_the_packages_and_ranges_of_pyproject():
    conda, _ = _conda()
    expected = [f"python{PROJECT['requires-python']}", "pip", *PROJECT["dependencies"], *EXTRAS["dev"]]
    assert sorted(conda) == sorted(expected)


def test_conda_gets_the_samples_and_the_kit_itself_from_pip():
    _, from_pip = _conda()
    assert from_pip == [*EXTRAS["samples"], "--editable ."]


def test_the_set_up_leaves_out_spark_until_its_tests_ask_for_it():
    assert "pyspark" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "test: $(SPARK)" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_lock_pins_every_dependency_with_hashes(extra):
    lock = (ROOT / ("requirements-spark.lock" if extra == "spark" else "requirements.lock")).read_text(encoding="utf-8")
    for requirement in EXTRAS[extra] if extra else PROJECT["dependencies"]:
        name = re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==\S+.*\\\n    --hash=sha256:", lock, flags=re.MULTILINE), name


def test_no_file_names_a_package_index():
    # Spelled in parts, so that this file passes its own test.
    hosts = ["pypi" + ".org", "python" + "hosted", "anaconda" + ".org", "npmjs" + ".org", "--index" + "-url h"]
    for path in _tracked_files():
        text = path.read_bytes().decode("utf-8", "replace")  # of pictures and models as well
        assert not [host for host in hosts if host in text], path


def test_ci_runs_what_a_contributor_runs():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert "make lint type test" in script
    assert workflow["jobs"]["check"]["steps"][-1]["run"] == "bash .ci/run"
