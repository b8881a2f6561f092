"""Alerts for people: causes, signs, levels and roles in English or Chinese."""

from __future__ import annotations

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.i18n import Language, in_language, label, labels, text


def cause_words(rules: WarningRules, cause: str, language: Language) -> str:
    """Return what an indicator sees, in words; its name where the rules do not know it any more."""
    return in_language(rules.indicators[cause].title, language) if cause in rules.indicators else cause


def signs_words(rules: WarningRules, signs: str, language: Language) -> str:
    """Return all that warned, in words: ``late red, score amber`` is "invoices are late (red); the score (amber)"."""
    phrases = []
    for sign in filter(None, signs.split(", ")):
        name, _, level = sign.rpartition(" ")
        cause, of = cause_words(rules, name, language), label("alert", level, language)
        phrases.append(f"{cause}（{of}）" if language == "zh" else f"{cause} ({of})")
    return text("alert.separator", language).join(phrases)


def in_words(table: pd.DataFrame, rules: WarningRules, language: Language) -> pd.DataFrame:
    """Return a list of alerts for people."""
    out = table.copy()
    plans = {name: in_language(one.plan, language) for name, one in rules.indicators.items()}
    out["plan"] = [plans.get(cause, plan) for cause, plan in zip(table["cause"], table["plan"], strict=True)]
    out["cause"] = [cause_words(rules, cause, language) for cause in table["cause"]]
    out["signs"] = [signs_words(rules, signs, language) for signs in table["signs"]]
    for name in {"what", "level", "state", "outcome"} & {*out.columns}:
        out[name] = [label("alert", code, language) for code in table[name]]
    for name in ("role", "escalated_to"):
        out[name] = [label("role", role, language) for role in table[name]]
    return out.rename(columns=dict(labels("alert_columns", language)))
