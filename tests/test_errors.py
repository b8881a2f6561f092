"""Errors: bounded messages that show no secret."""

from __future__ import annotations

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
    assert len(str(InputError("\n".join("line" * 1000)))) < 100_000
    assert len(preview(["x" * 1_000_000] * 5)) < 2_000
