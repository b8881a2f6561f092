"""Words in the languages that people are spoken to in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints

Language = Literal["en", "zh"]
Text = Annotated[str, StringConstraints(min_length=1)]


def _by_language(said: Any) -> Any:
    return {"en": said} if isinstance(said, str) else said


# One text for every language, or a text for each.
Titles = Annotated[dict[Language, Text], BeforeValidator(_by_language), Field(min_length=1)]


def in_language(said: Mapping[Language, str], language: Language) -> str:
    """Return a text in a language; where it is not said in it, as it is said.

    Examples
    --------
    >>> in_language({"en": "a call", "zh": "致电"}, "zh"), in_language({"en": "a call"}, "zh")
    ('致电', 'a call')
    """
    return said[language] if language in said else next(iter(said.values()))


Role = Literal["sales", "finance", "service", "risk"]
ROLES: tuple[Role, ...] = get_args(Role)
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {role: role for role in ROLES},
    "zh": {"sales": "销售", "finance": "财务", "service": "客服", "risk": "风险管理"},
}


def role_words(role: str, language: Language) -> str:
    """Return a role in words; any other name, such as whom a mail goes to, as it is."""
    return _WORDS[language].get(role, role)
