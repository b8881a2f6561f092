"""Languages and texts: what officers and customers read, by key, from ``en.yaml`` and ``zh.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal, cast, get_args

import yaml
from pydantic import BeforeValidator, Field, StringConstraints

__all__ = ["LANGUAGES", "ROLES", "Language", "Role", "Text", "Titles", "in_language", "label", "labels", "text"]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Role = Literal["sales", "finance", "service", "risk"]
ROLES: tuple[Role, ...] = get_args(Role)
Text = Annotated[str, StringConstraints(min_length=1)]


def _by_language(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


# One text for every language, or a text for each.
Titles = Annotated[dict[Language, Text], BeforeValidator(_by_language), Field(min_length=1)]


def in_language(titles: Mapping[Language, str], language: Language) -> str:
    """Return a title in a language; the first title where there is none in that language.

    Examples
    --------
    >>> in_language({"en": "a call", "zh": "致电"}, "zh"), in_language({"en": "a call"}, "zh")
    ('致电', 'a call')
    """
    return titles[language] if language in titles else next(iter(titles.values()))


@lru_cache
def _sections(language: Language) -> Mapping[str, Mapping[str, str]]:
    content = files(__name__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, str]]", yaml.safe_load(content))


def labels(section: str, language: Language) -> Mapping[str, str]:
    """Return all texts of a section by their keys."""
    return _sections(language)[section]


def label(section: str, code: str, language: Language) -> str:
    """Return the text of a code; the code itself where the section has no text for it.

    Examples
    --------
    >>> label("role", "finance", "zh"), label("role", "the branch", "zh")
    ('财务', 'the branch')
    """
    return labels(section, language).get(code, code)


def text(key: str, language: Language, /, **values: object) -> str:
    """Return the text of ``section.key`` with its placeholders filled in.

    Examples
    --------
    >>> text("meeting.range", "en", low="1 %", high="2 %")
    '1 % to 2 %'
    """
    section, _, name = key.partition(".")
    return labels(section, language)[name].format(**values)
