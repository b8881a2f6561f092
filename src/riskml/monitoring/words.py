"""What monitoring says, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from riskml.i18n import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "act": "act",
        "watch": "watch",
        "note": "note",
        "next_none": "none",
        "next_watch": "watch",
        "next_recalibrate": "recalibrate",
        "next_retrain": "retrain",
        "next_repair": "repair the data",
        "riskier": "riskier",
        "safer": "safer",
        "broken": "The model cannot read the column {column}: {message}.",
        "not_scored": "The book cannot be scored, and nothing beyond its columns was looked at.",
        "duplicates": "{count} rows repeat a customer who is there already.",
        "missing": "{column}: {now} of its cells are missing; in training it was {before}.",
        "unseen": "{column}: {now} of the rows hold a level that training never saw.",
        "out_of_range": "{column}: {now} of the rows lie beyond training's range.",
        "score_shift": "The scores have shifted and the book looks {direction}: PSI {psi} (chance stays below "
        "{no_shift}), mean probability {now} after {before} in training.",
        "score_shift_held": "The scores have shifted and the book looks {direction}: PSI {psi} (chance stays below "
        "{no_shift}), mean probability {now} after {before} in training. Outcomes show that ranking and level hold.",
        "column_shift": "{column} has shifted ({moved}): PSI {psi} (chance stays below {no_shift}); it moves the mean "
        "score by {effect} log-odds.",
        "more_shifted": "More columns have shifted ({count}): {names}.",
        "unread_shifted": "Columns that the model does not read have shifted ({count}): {names}.",
        "more_missing": "More columns miss more cells than in training ({count}): {names}.",
        "more_unseen": "More columns hold levels that training never saw ({count}): {names}.",
        "more_out_of_range": "More columns lie beyond training's range ({count}): {names}.",
        "many_shifted": "{count} of the {all} columns that the model reads have shifted beyond {limit}.",
        "migrated": "Since {since} {riskier} of {same} customers went to a riskier tier, {safer} to a safer one.",
        "concentrated": "Customers crowd in fewer tiers: Herfindahl index {now} after {before} in training.",
        "auc_estimated": "The scores promise a weaker ranking: estimated AUC {now} ({interval}); on the rows set aside "
        "the same estimate was {before}. Outcomes have to tell.",
        "estimate_off": "Do not lean on the estimated AUC: on the rows set aside it was {before}, and {realised} "
        "({interval}) came of them, so that the probabilities do not mean what they say.",
        "auc_lost": "It ranks less well than it did: AUC {now} ({interval}), {before} on the rows set aside "
        "(p {p}); a loss of {limit} is allowed.",
        "auc_weaker": "It ranks a little less well than it did: AUC {now} ({interval}), {before} on the rows set aside "
        "(p {p}); that is within the allowed loss of {limit}.",
        "auc_mix": "It ranks less well than on the rows set aside, as these customers let expect: AUC {now} "
        "({interval}) after {before}; the scores themselves promise {promised}.",
        "few_events": "Too few outcomes are known to judge the ranking: {events} events among {rows} customers.",
        "no_outcomes": "No outcome is known yet: performance is estimated from the scores.",
        "underestimated": "The risk is underestimated: {observed} events came where {expected} were expected, "
        "{now} times as many ({interval}).",
        "overestimated": "The risk is overestimated: {observed} events came where {expected} were expected, "
        "{now} times as many ({interval}).",
        "tier_underestimated": "Tier “{tier}” underestimates its risk: {expected} expected, {observed} came among "
        "{count} customers (Jeffreys p {p}).",
        "segment_shift": "Where {by} is {group}, the scores have shifted: PSI {psi} (chance stays below {no_shift}).",
        "segment_auc": "Where {by} is {group}, it ranks less well than the scores promise: AUC {now} ({interval}), "
        "{promised} estimated.",
        "segment_level": "Where {by} is {group}, {now} times the expected events came ({interval}).",
        "frequency": "{share} of the customers buy far less often than is their own way; in training it was {before}.",
        "payment": "{share} of the customers pay far later than is their own way; in training it was {before}.",
        "complaints": "{share} of the customers complain more than is their own way; in training it was {before}.",
        "higher": "higher: mean {now} after {before}",
        "lower": "lower: mean {now} after {before}",
        "more": "more “{level}”: {now} after {before}",
        "fewer": "fewer “{level}”: {now} after {before}",
        "moved_missing": "missing cells: {now} after {before}",
        "moved_": "no single move stands out",
    },
    "zh": {
        "act": "需处理",
        "watch": "关注",
        "note": "提示",
        "next_none": "无",
        "next_watch": "持续观察",
        "next_recalibrate": "重新校准",
        "next_retrain": "重新训练",
        "next_repair": "修复数据",
        "riskier": "风险更高",
        "safer": "风险更低",
        "broken": "模型无法读取列 {column}：{message}。",
        "not_scored": "客户数据无法评分，除各列检查外未做其他分析。",
        "duplicates": "{count} 行与已有客户重复。",
        "missing": "{column}：缺失 {now}，训练时为 {before}。",
        "unseen": "{column}：{now} 的行含训练中未出现的取值。",
        "out_of_range": "{column}：{now} 的行超出训练时的范围。",
        "score_shift": "评分分布发生偏移，客户整体{direction}：PSI {psi}（随机上限 {no_shift}），"
        "平均概率由训练时 {before} 变为 {now}。",
        "score_shift_held": "评分分布发生偏移，客户整体{direction}：PSI {psi}（随机上限 {no_shift}），"
        "平均概率由训练时 {before} 变为 {now}。实际结果表明排序与水平仍然成立。",
        "column_shift": "{column} 发生偏移（{moved}）：PSI {psi}（随机上限 {no_shift}）；"
        "使平均评分变动 {effect} 对数几率。",
        "more_shifted": "另有 {count} 列发生偏移：{names}。",
        "unread_shifted": "模型不使用的 {count} 列发生偏移：{names}。",
        "more_missing": "另有 {count} 列的缺失多于训练时：{names}。",
        "more_unseen": "另有 {count} 列含训练中未出现的取值：{names}。",
        "more_out_of_range": "另有 {count} 列超出训练时的范围：{names}。",
        "many_shifted": "模型使用的 {all} 列中有 {count} 列偏移超过 {limit}。",
        "migrated": "自 {since} 以来，{same} 位客户中 {riskier} 位风险等级上升，{safer} 位下降。",
        "concentrated": "客户集中于更少的等级：赫芬达尔指数由训练时 {before} 变为 {now}。",
        "auc_estimated": "评分显示排序能力减弱：估计 AUC {now}（{interval}），"
        "留出样本上同一估计为 {before}。有待实际结果验证。",
        "estimate_off": "估计 AUC 不可依赖：留出样本上估计为 {before}，"
        "实际为 {realised}（{interval}），概率并不名副其实。",
        "auc_lost": "排序能力下降：AUC {now}（{interval}），留出样本为 {before}（p {p}）；允许下降 {limit}。",
        "auc_weaker": "排序能力略有下降：AUC {now}（{interval}），"
        "留出样本为 {before}（p {p}）；在允许的 {limit} 之内。",
        "auc_mix": "排序不如留出样本，但与当前客户构成相符：AUC {now}（{interval}），"
        "留出样本为 {before}；评分本身预示 {promised}。",
        "few_events": "已知结果过少，无法评判排序：{rows} 位客户中有 {events} 个事件。",
        "no_outcomes": "尚无实际结果，表现由评分估计。",
        "underestimated": "风险被低估：预期 {expected} 个事件，实际 {observed} 个，为 {now} 倍（{interval}）。",
        "overestimated": "风险被高估：预期 {expected} 个事件，实际 {observed} 个，为 {now} 倍（{interval}）。",
        "tier_underestimated": "等级“{tier}”低估了风险：预期 {expected}，"
        "{count} 位客户中实际 {observed}（Jeffreys p {p}）。",
        "segment_shift": "{by} 为 {group} 的客户评分偏移：PSI {psi}（随机上限 {no_shift}）。",
        "segment_auc": "{by} 为 {group} 的客户排序不如评分所示：AUC {now}（{interval}），估计为 {promised}。",
        "segment_level": "{by} 为 {group} 的客户，实际事件为预期的 {now} 倍（{interval}）。",
        "frequency": "{share} 的客户购买频率远低于自身以往；训练时为 {before}。",
        "payment": "{share} 的客户付款远晚于自身以往；训练时为 {before}。",
        "complaints": "{share} 的客户投诉多于自身以往；训练时为 {before}。",
        "higher": "升高：均值由 {before} 变为 {now}",
        "lower": "降低：均值由 {before} 变为 {now}",
        "more": "“{level}”增多：由 {before} 变为 {now}",
        "fewer": "“{level}”减少：由 {before} 变为 {now}",
        "moved_missing": "缺失由 {before} 变为 {now}",
        "moved_": "没有单一突出的变化",
    },
}


def fields(text: str) -> frozenset[str]:
    """Return the names that a sentence has places for.

    >>> sorted(fields("{now} after {before}"))
    ['before', 'now']
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
