"""Every command of the README and of the pages it links to, executed in order as a newcomer would."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
# Pages whose ```bash blocks are executed in order, in a clone of their own; a block without a language is a synopsis.
WALKS = [("README", "docs/runs"), ("docs/panels",), ("docs/policy", "docs/managing", "docs/monitoring")]
# What the last one finds: the run that the README begins with, in small.
QUICK_RUN = "riskml run experiments/credit_default.yaml --sample 1500 -p models.trials=1"
PYTHON_PAGES = ("README", "docs/library")
ALL_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", *sorted(ROOT.glob("docs/*.md")))
SERVERS = {"make lab": "/api", "make ui": "/health"}
# What runs these very tests.
NOT_AGAIN = {"make test"}


def _blocks(language: str, pages: tuple[str, ...]) -> list[str]:
    texts = ((ROOT / f"{page}.md").read_text(encoding="utf-8") for page in pages)
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
    return [block for text in texts for block in pattern.findall(text)]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def clone(tmp_path_factory):
    """A copy of the project's files, with the environment that is there already."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            # With its time: the environment is made anew only when the lock is newer.
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    if not (Path(sys.prefix) / ".ready").exists():
        pytest.skip("the environment was not made by `make setup`")
    _write_book(folder / "data" / "my_book.csv")
    return folder


def _write_book(path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = 900
    orders, complaints = rng.poisson(6, rows), rng.poisson(1, rows)
    lost = rng.random(rows) < 1 / (1 + np.exp(1.5 + 0.3 * (orders - 6) - 0.8 * (complaints - 1)))
    frame = pd.DataFrame({"customer": [f"K{i:05d}" for i in range(rows)], "orders": orders, "complaints": complaints})
    frame["region"] = rng.choice(["north", "south", "west"], rows)
    frame["outcome"] = np.where(lost, "lost", "kept")
    frame.to_csv(path, index=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(clone, tmp_path_factory):
    settings = tmp_path_factory.mktemp("jupyter")
    port = _free_port()
    server = {"allow_root": True, "open_browser": False, "ip": "127.0.0.1", "port": port}
    (settings / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": server}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTEST_"))}
    path = f"{clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return kept | {
        "PATH": path,
        "JUPYTER_CONFIG_DIR": str(settings),
        "JUPYTER_PORT": str(port),
        "MLFLOW_PORT": str(_free_port()),
    }


def _answers(command: str, folder: Path, environment: dict[str, str]) -> bool:
    """Return whether a server that a command starts answers within two minutes; it is ended in any case."""
    port = environment["JUPYTER_PORT" if command == "make lab" else "MLFLOW_PORT"]
    started = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{SERVERS[command]}", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                time.sleep(0.5)
        return False
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(timeout=30)


@pytest.mark.parametrize("pages", WALKS, ids=lambda pages: pages[0])
def test_a_newcomer_can_type_every_command(clone, environment, pages):
    commands = [line for block in _blocks("bash", pages) for line in block.splitlines() if line.strip()]
    if "docs/policy" in pages:
        commands.insert(0, QUICK_RUN)
    try:
        for command in commands:
            if command in NOT_AGAIN:
                continue
            if command in SERVERS:
                assert _answers(command, clone, environment), command
                continue
            done = subprocess.run(
                ["bash", "-euc", command], cwd=clone, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    finally:
        if "README" in pages:
            uninstall = [sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", "riskml-my-book"]
            subprocess.run(uninstall, check=False, capture_output=True)
    if "README" in pages:
        _check_results(clone)


def _check_results(clone: Path) -> None:
    main = json.loads((clone / "experiments/runs/credit_default/latest/run.json").read_text(encoding="utf-8"))
    assert main["status"] == "finished"
    assert main["sample"] == 0
    here, elsewhere = (pd.read_csv(clone / name) for name in ("scores.csv", "scores_elsewhere.csv"))
    np.testing.assert_allclose(here["probability"], elsewhere["probability"], rtol=0, atol=1e-9)
    assert (here["tier"] == elsewhere["tier"]).all()


def test_the_readme_begins_with_two_commands():
    assert _blocks("bash", ("README",))[0].splitlines() == ["make run", "make test"]


def test_the_python_of_the_pages_runs(tmp_path):
    for block in _blocks("python", PYTHON_PAGES):
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "scorecard" in done.stdout


@pytest.mark.parametrize("page", [ROOT / page for page in ALL_PAGES], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        assert linked.is_file(), target
        assert not anchor or anchor in _anchors(linked), f"{target}#{anchor}"
