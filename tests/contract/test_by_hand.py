"""The test servers by hand: what they print is a script of the whole way, and it works as it stands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from riskml.cli import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("system", ["zoho", "fxiaoke"])
def test_the_commands_that_a_server_prints_work_as_they_stand(system, tmp_path, monkeypatch, capsys):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    words = [sys.executable, "-m", f"tests.contract.{system}_server", "--customers", "20", "--months", "3"]
    monkeypatch.chdir(ROOT)
    with subprocess.Popen(
        [*words, "--folder", str(tmp_path / "try")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        try:
            told = []
            while not told or not told[-1].startswith("# rm -r"):
                assert (line := server.stdout.readline()), "the server ended"
                told.append(line)
            for command, *rest in filter(None, (shlex.split(line, comments=True) for line in told)):
                if command == "export":
                    monkeypatch.setenv(*rest[0].split("=", 1))
                else:
                    assert (command, main(rest)) == ("riskml", 0), rest
        finally:
            server.kill()
    said = capsys.readouterr().out
    for words in ("fields of the mapping are there", "20 customers for the first time", "20 written", "3 created"):
        assert words in said
