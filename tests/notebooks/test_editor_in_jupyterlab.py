"""The bin editor where it is used: JupyterLab on this machine, a notebook in it, headless Chromium before it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no chromium and chromedriver on this machine: JupyterLab is not tried"
)

CELLS = [
    """import numpy as np, pandas as pd
from riskml.scorecard import OptimalBinner
from riskml.scorecard.editor import BinEditor
rng = np.random.default_rng(0)
X = pd.DataFrame({"income": rng.gamma(4, 30, 2000).round()})
y = (rng.random(2000) < 1 / (1 + np.exp(X["income"] / 40 - 2))).astype(int)
editor = BinEditor(OptimalBinner().fit(X, y), X, y)
editor""",
    "print('kernel says', editor.overrides)",
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "bins.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    home = {
        name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    }
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root",
            f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}", "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        env={**os.environ, **home, "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _answers(f"http://127.0.0.1:{port}/api/status?token={token}", server)
        yield f"http://127.0.0.1:{port}/lab/tree/bins.ipynb?token={token}"
    finally:
        # All of its group: the kernel's process too.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1300,1100",
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


def test_two_bins_are_merged_in_jupyterlab_and_the_kernel_knows(lab: str, browser: webdriver.Chrome) -> None:
    wait = WebDriverWait(browser, 60, poll_frequency=0.1)
    read = browser.execute_script
    browser.get(lab)
    wait.until(lambda _: "ipykernel) | Idle" in read("return document.body.textContent"))
    run = wait.until(lambda page: page.find_element(By.CSS_SELECTOR, "[data-command^='notebook:run-cell']"))
    run.click()
    merge = wait.until(lambda page: page.find_element(By.CSS_SELECTOR, ".riskml-bins [data-key=merge-0]"))
    before = float(read("return document.querySelector('[data-fact=iv] strong').textContent"))
    merge.click()
    code = "return document.querySelector('.riskml-bins textarea').value"
    wait.until(lambda _: "splits" in read(code))
    assert float(read("return document.querySelector('[data-fact=iv] strong').textContent")) < before
    if picture := os.environ.get("RISKML_EDITOR_PICTURE"):
        browser.save_screenshot(picture)

    # Keys that JupyterLab has shortcuts for (d d deletes the cell, b adds one) belong to the control with the focus.
    cells = "return document.querySelectorAll('.jp-Notebook .jp-Cell').length"
    count = read(cells)
    for control in ("button[data-key=merge-0]", "select.column", "textarea"):
        read(f"document.querySelector('.riskml-bins {control}').focus()")
        ActionChains(browser).send_keys("d", "d", "b", "x").perform()
    time.sleep(0.5)
    assert read(cells) == count
    assert read("return document.querySelectorAll('.riskml-bins').length") == 1

    # The click into the editor chose its cell.
    browser.find_elements(By.CSS_SELECTOR, ".jp-Notebook .cm-content")[1].click()
    run.click()
    said = "return [...document.querySelectorAll('.jp-OutputArea-output pre')].map((p) => p.textContent).join('')"
    wait.until(lambda _: "kernel says" in read(said))
    scope: dict[str, object] = {}
    exec(read(code), scope)
    assert f"kernel says {scope['overrides']}" in read(said)
