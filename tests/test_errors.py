"""Errors: bounded messages that show no secret."""

from __future__ import annotations

import re
import time

import pytest

from riskml.errors import InputError, hide_secrets, preview, secrets


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://risk:HUNTER2@db/book",
        "postgresql://risk:HUN?TER2@db/book",
        "postgresql://risk:HUN/TER 2@db/book",
        "postgresql://risk:${PW}@db/book?password=HUNTER2",
        "postgresql://risk:HUNTER2@db/book?sslpassword=HUNTER2",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Du%3BPWD%3DHUNTER2",
        "DRIVER=x;UID=u;PWD={HUN;TER2};DATABASE=d",
        "https://user:HUNTER2@hooks.example.com/x",
        "https://api.example.com/x?token=HUNTER2&page=2",
        "host=db private_key=HUNTER2",
        "api_key=HUNTER2",
    ],
)
def test_no_secret_is_in_a_message(text: str) -> None:
    for message in (str(InputError(text)), str(InputError("x", where=text)), str(InputError("x", fix=text))):
        assert "HUN" not in message
        assert "TER" not in message


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://risk:${PW}@db/book",
        "postgresql://db/book?password=${PW}",
        "https://host:8080/a@b",
        "sqlite:///folder/token.db",
        "monitoring.psi_act=0.3",
        "password_env: missing, but required",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert not list(secrets(text))
    assert hide_secrets(text) == text


def test_a_message_is_bounded() -> None:
    assert len(str(InputError("x" * 10_000_000))) < 2_000
    long = "\n".join(["a line of a message"] * 1000)
    message = str(InputError(long, where=long, fix="x" * 5000))
    assert len(message) < 2_000
    assert re.search(r"\n… and 9\d\d more lines\n", message)
    assert len(preview(["x" * 1_000_000] * 5)) < 2_000


@pytest.mark.parametrize("part", ["x", "a://a:", "pass", "pass=", "a.", "password ", "token=a,", "http://a:1/"])
def test_secrets_of_a_long_text_are_found_at_once(part: str) -> None:
    start = time.monotonic()
    hide_secrets(part * (20_000 // len(part)))
    assert time.monotonic() - start < 2
