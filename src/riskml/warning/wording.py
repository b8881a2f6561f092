"""Alerts in words, for those who act on them, in English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.i18n import Language, in_language, role_words

# Of levels, states and outcomes; and of the columns of lists.
ALERT_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {"raised": "turned red", "event": "the event came", "false_alarm": "false alarm", ";": "; "},
    "zh": {
        ";": "；",
        "amber": "黄色",
        "red": "红色",
        "opened": "新开",
        "raised": "升为红色",
        "acknowledged": "已受理",
        "escalated": "已升级上报",
        "closed": "已关闭",
        "event": "事件已发生",
        "averted": "已化解",
        "false_alarm": "误报",
        "other": "其他",
    },
}
_HEADS: Mapping[Language, Mapping[str, str]] = {
    "en": {},
    "zh": {
        "what": "事项",
        "key": "预警编号",
        "customer": "客户",
        "level": "级别",
        "state": "状态",
        "cause": "起因",
        "signs": "征兆",
        "opened": "开立日期",
        "due": "期限",
        "overdue_days": "逾期天数",
        "acknowledged": "受理日期",
        "escalated": "上报日期",
        "escalated_to": "上报至",
        "closed": "关闭日期",
        "outcome": "结果",
        "role": "负责部门",
        "priority": "优先级",
        "plan": "应对预案",
        "rule": "规则",
    },
}


def alert_word(code: str, language: Language) -> str:
    """Return a level, a state, an outcome, or what happened, in words."""
    return ALERT_WORDS[language].get(code, code)


def cause_words(rules: WarningRules, cause: str, language: Language) -> str:
    """Return what an indicator sees, in words; its name where the rules do not know it any more."""
    return in_language(rules.indicators[cause].title, language) if cause in rules.indicators else cause


def signs_words(rules: WarningRules, signs: str, language: Language) -> str:
    """Return all that warned, in words: ``late red, score amber`` is "invoices are late (red); the score (amber)"."""
    told = []
    for sign in filter(None, signs.split(", ")):
        name, _, level = sign.rpartition(" ")
        said, of = cause_words(rules, name, language), alert_word(level, language)
        told.append(f"{said}（{of}）" if language == "zh" else f"{said} ({of})")
    return ALERT_WORDS[language][";"].join(told)


def in_words(table: pd.DataFrame, rules: WarningRules, language: Language) -> pd.DataFrame:
    """Return a list of alerts for people."""
    told = table.copy()
    plans = {name: in_language(one.plan, language) for name, one in rules.indicators.items()}
    told["plan"] = [plans.get(cause, plan) for cause, plan in zip(table["cause"], table["plan"], strict=True)]
    told["cause"] = [cause_words(rules, cause, language) for cause in table["cause"]]
    told["signs"] = [signs_words(rules, signs, language) for signs in table["signs"]]
    for name in {"what", "level", "state", "outcome"} & {*told.columns}:
        told[name] = [alert_word(code, language) for code in table[name]]
    for name in ("role", "escalated_to"):
        told[name] = [role_words(role, language) for role in table[name]]
    return told.rename(columns=dict(_HEADS[language]))
