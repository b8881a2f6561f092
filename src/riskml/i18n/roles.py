"""Who does what: the roles of those who look after customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from riskml.i18n import Language

Role = Literal["sales", "finance", "service", "risk"]
ROLES: tuple[Role, ...] = get_args(Role)
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {role: role for role in ROLES},
    "zh": {"sales": "销售", "finance": "财务", "service": "客服", "risk": "风险管理"},
}


def role_words(role: str, language: Language) -> str:
    """Return a role in words; any other name, such as whom a mail goes to, as it is."""
    return _WORDS[language].get(role, role)
