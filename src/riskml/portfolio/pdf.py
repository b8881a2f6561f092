"""PDF files of pages, printed by an installed Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from riskml.errors import InputError, RunError
from riskml.io import replacing

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SECONDS = 120


def print_pdf(page: Path, out: Path) -> Path:
    """Print a page."""
    if not page.is_file():
        raise InputError("the page does not exist", where=str(page))
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        raise RunError("Chromium is not installed", fix="install it, or print the page from any browser")
    with tempfile.TemporaryDirectory(prefix="riskml-pdf-") as profile, replacing(out) as temporary:
        options = ["--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        options += [f"--print-to-pdf={temporary.absolute()}", page.absolute().as_uri()]
        try:
            done = _printed(browser, options)
        except subprocess.TimeoutExpired:
            raise RunError(f"Chromium took more than {_SECONDS} seconds", where=str(page)) from None
        if done.returncode or not temporary.is_file():
            raise RunError(f"Chromium failed: {done.stderr.strip()[-300:]}", where=str(page))
    return out


def _printed(browser: str, options: list[str]) -> subprocess.CompletedProcess[str]:
    """Return the end of Chromium: in its sandbox, except as root or where the system has no user namespaces.

    The page's content security policy forbids scripts and requests in either case.
    """
    if os.geteuid() != 0:
        done = _ended([browser, *options])
        if not done.returncode or not re.search("sandbox|namespace", done.stderr, re.IGNORECASE):
            return done
    return _ended([browser, "--no-sandbox", *options])


def _ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
