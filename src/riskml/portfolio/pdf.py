"""PDF files of pages, printed by an installed Chromium."""

from __future__ import annotations

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
        # Containers allow no sandbox; the page's content security policy forbids scripts and requests.
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--no-pdf-header-footer", f"--print-to-pdf={temporary.absolute()}", page.absolute().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise RunError(f"Chromium took more than {_SECONDS} seconds", where=str(page)) from None
        if done.returncode or not temporary.is_file():
            raise RunError(f"Chromium failed: {done.stderr.strip()[-300:]}", where=str(page))
    return out
