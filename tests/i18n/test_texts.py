"""Texts: every language holds the same keys with the same placeholders."""

from __future__ import annotations

from importlib.resources import files
from string import Formatter

import pytest
import yaml

from riskml.i18n import LANGUAGES, label, text


def _texts(language: str) -> dict[str, str]:
    sections = yaml.safe_load((files("riskml.i18n") / f"{language}.yaml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": value for section, texts in sections.items() for key, value in texts.items()}


def _placeholders(value: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(value) if name is not None}


ENGLISH = _texts("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_holds_the_same_keys_in_the_same_order(language: str) -> None:
    assert list(_texts(language)) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ENGLISH)
def test_a_text_has_the_same_placeholders_in_every_language(key: str, language: str) -> None:
    assert _placeholders(_texts(language)[key]) == _placeholders(ENGLISH[key])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_and_text_is_a_string(language: str) -> None:
    assert all(isinstance(value, str) and value for value in _texts(language).values())


def test_a_code_without_a_text_is_its_own_label() -> None:
    assert label("alert", "red", "zh") == "红色"
    assert label("alert", "violet", "zh") == "violet"


def test_a_text_is_filled_in() -> None:
    assert text("monitoring.missing", "zh", column="income", now="9 %", before="1 %") == (
        "income：缺失 9 %，训练时为 1 %。"
    )
