"""Addresses of MLflow."""

from __future__ import annotations

import pytest

from riskml.tracking.client import without_secrets


@pytest.mark.parametrize(
    ("uri", "written"),
    [("postgresql://me:secret@db/risk", "postgresql://db/risk"), ("sqlite:////book/mlflow.db",) * 2],
)
def test_an_address_is_written_without_its_password(uri, written):
    assert without_secrets(uri) == written
