"""PDF files: Chromium prints in its sandbox, where the system has one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from riskml.errors import RunError
from riskml.portfolio.pdf import print_pdf

BROWSER = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in
*--no-sandbox*) ;;
*) [ -z "{message}" ] || {{ echo "{message}" >&2; exit 1; }} ;;
esac
for word in "$@"; do case "$word" in --print-to-pdf=*) echo pdf > "${{word#--print-to-pdf=}}" ;; esac; done
"""


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run(message: str = "", user: int = 1000) -> list[str]:
        log, program, page = tmp_path / "log", tmp_path / "chromium", tmp_path / "page.html"
        program.write_text(BROWSER.format(log=log, message=message))
        program.chmod(0o755)
        page.write_text("<p>x</p>")
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(shutil, "which", lambda _: str(program))
        assert print_pdf(page, tmp_path / "page.pdf").read_text() == "pdf\n"
        return log.read_text().splitlines()

    return run


def test_a_page_is_printed_in_the_sandbox(printed) -> None:
    (command,) = printed()
    assert "--no-sandbox" not in command


@pytest.mark.parametrize("message", ["No usable sandbox!", "Failed to move to new namespace"])
def test_without_user_namespaces_there_is_none(message: str, printed) -> None:
    first, second = printed(message)
    assert "--no-sandbox" not in first
    assert "--no-sandbox" in second


def test_root_has_none(printed) -> None:
    (command,) = printed(user=0)
    assert "--no-sandbox" in command


def test_another_failure_is_not_tried_again(printed) -> None:
    with pytest.raises(RunError, match="the disk is full"):
        printed("the disk is full")
