"""All kinds of hostile inputs."""

from __future__ import annotations

from tests.hostile import (
    config,
    damaged_models,
    data_files,
    expression_texts,
    http_requests,
    injection,
    overrides,
    settings_files,
    stores,
    urls,
    values,
    versions,
)
from tests.hostile.case import Case

KINDS = (
    config, overrides, data_files, values, settings_files, expression_texts, damaged_models, stores, urls, injection, versions,
    http_requests,
)  # fmt: skip


def all_cases() -> list[Case]:
    """Return the cases of every kind."""
    return [case for kind in KINDS for case in kind.cases()]
