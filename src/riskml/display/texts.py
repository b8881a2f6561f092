"""Texts of pages as data: sentences with placeholders, in YAML files beside the code that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def texts(package: str, file: str = "texts.yaml") -> Mapping[str, Any]:
    """Return the content of a package's YAML file of texts."""
    content: Mapping[str, Any] = yaml.safe_load(files(package).joinpath(file).read_text(encoding="utf-8"))
    return content


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter.

    >>> sentence("the scorecard was chosen.")
    'The scorecard was chosen.'
    """
    return text[:1].upper() + text[1:]
