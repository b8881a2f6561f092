"""The run in plain words: what was chosen and why, how good it is, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskml.display.format import count, interval, is_number, number, p_value, percent
from riskml.report.run_results import Results

_FEW_EVENTS = 100
_REJECTED = 0.05
RULES = {
    "best": "it has the highest cross-validated AUC",
    "one_se": "it is the simplest family within one standard error of the best cross-validated AUC",
    "interpretable": "it has the highest cross-validated AUC of those that can be read (all but boosting and blends)",
}
_NAMES = {
    "scorecard": "the scorecard",
    "logistic": "logistic regression",
    "tree": "the decision tree",
    "boosting": "boosting",
    "ebm": "the explainable boosting machine",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "blend": "the blend",
}
_NATURES = {
    "scorecard": "each column is cut into bins, each bin is worth fixed points, and the points are added up",
    "logistic": "a weighted sum of the columns, with the weights kept small by a penalty",
    "tree": "a short list of yes-or-no questions; each customer ends in one leaf",
    "boosting": "many small trees, each correcting those before it (XGBoost)",
    "ebm": "a curve for each column and a table for some pairs of columns, added up",
    "lightgbm": "many small trees, each correcting those before it (LightGBM)",
    "catboost": "many small trees, each correcting those before it (CatBoost)",
    "blend": "a weighted mixture of the other families",
}


@dataclass(frozen=True)
class Words:
    """How an outcome is spoken of."""

    event: str  # "default", "defaults"
    events: str
    did: str  # "defaulted", "did not"
    not_did: str


_WORDS = {
    "default": Words("default", "defaults", "defaulted", "did not default"),
    "churn": Words("churn", "leavers", "left", "stayed"),
}


def words(results: Results) -> Words:
    """Return how the outcome of an experiment is spoken of."""
    return _WORDS[results.experiment.task]


def headline(results: Results) -> list[str]:
    """Return the whole result in a few sentences."""
    chosen = results.champion
    if chosen is None:
        return [f"No model was chosen. {absent(results, '2_models')}"]
    board = results.leaderboard
    n = len(board) if board is not None else 1
    rule = RULES[results.experiment.models.select]
    name = family_name(chosen["family"])
    chosen_as = f"was chosen out of {n} families, because {rule} ({number(chosen['auc_cv'])})."
    sentences = [sentence(f"{name} {chosen_as if n > 1 else 'was the only family, and needed no choice.'}")]
    validation = results.validation
    if validation is None:
        return [*sentences, f"It has not been validated. {absent(results, '3_validation')}"]
    sentences += _ranking(results, validation)
    return [*sentences, *_riskiest(results, validation), *_calibrated(results, validation)]


def limits(results: Results) -> list[str]:
    """Return what must be said beside the result: limits of the data, of the check, and of the search."""
    return [*_of_the_data(results), *_of_the_check(results), *_of_the_search(results)]


def left_out(results: Results) -> list[str]:
    """Return which families were asked for and could not be fitted, and why."""
    failures = (results.fit or {}).get("failures") or {}
    return [
        sentence(f"{family_name(family)} was asked for and left out: {' '.join(str(reason).split())}")
        for family, reason in failures.items()
    ]


def why(results: Results) -> list[str]:
    """Return why the chosen family was chosen, and how close the race was."""
    chosen, board = results.champion, results.leaderboard
    if chosen is None or board is None:
        return []
    family = str(chosen["family"])
    rule = results.experiment.models.select
    sentences = [f"The rule of this experiment is “{rule}”: {family_name(family)} was chosen because {RULES[rule]}."]
    if family in _NATURES:
        sentences.append(f"What it is: {_NATURES[family]}.")
    others = board.loc[board["family"] != family].sort_values("auc_cv", ascending=False, kind="stable")
    if len(others) and is_number(chosen.get("auc_cv_se")):
        rival = others.iloc[0]
        gap, se = chosen["auc_cv"] - rival["auc_cv"], chosen["auc_cv_se"]
        place = "ahead of" if gap >= 0 else "behind"
        sentences.append(
            f"It is {number(abs(gap))} {place} {family_name(rival['family'])}; "
            + (
                f"that is less than one standard error ({number(se)}): other rows could have reversed them."
                if abs(gap) < se
                else f"one standard error is {number(se)}."
            )
        )
    if "auc_test" in board and board["auc_test"].notna().any() and is_number(chosen.get("auc_test")):
        best = board.sort_values("auc_test", ascending=False, kind="stable").iloc[0]
        if best["auc_test"] > chosen["auc_test"]:
            sentences.append(
                f"On the rows set aside {family_name(best['family'])} ranks a little better "
                f"({number(best['auc_test'])} against {number(chosen['auc_test'])}). "
                "The choice is not made on those rows: they would no longer be an independent check."
            )
    return sentences


def family_name(family: object) -> str:
    """Return what a family is called within a sentence."""
    return _NAMES.get(str(family), str(family))


def nature(family: object) -> str:
    """Return what a family is, in a few words."""
    return _NATURES.get(str(family), "a model of another maker")


def sentence(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


def absent(results: Results, stage: str) -> str:
    """Say why what a stage makes is not there."""
    status = next((entry["status"] for entry in results.stages() if entry["name"] == stage), "pending")
    reasons = {
        "failed": f"The stage {stage} failed.",
        "running": f"The stage {stage} has not ended.",
        "pending": f"The run has not come to the stage {stage}.",
    }
    return reasons.get(status, f"The stage {stage} left no such file.")


def metric(validation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a measure of the validation, value, low, high; nothing when it is not there."""
    figure: Mapping[str, Any] = validation.get("metrics", {}).get(name, {})
    return figure


def _ranking(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    figure, phrases = metric(validation, "auc"), words(results)
    if not is_number(figure.get("value")):
        return
    between = interval(figure.get("low"), figure.get("high"))
    level = f"{percent(validation['level'], 0)} " if is_number(validation.get("level")) else ""
    unseen = "of a later period" if validation.get("part") == "oot" else "it has never seen"
    yield (
        f"On {count(validation.get('rows'))} customers {unseen} it reaches an AUC of {number(figure['value'])}"
        + (f" ({level}interval {between})" if between else "")
        + f": of two customers, one who {phrases.did} and one who {phrases.not_did}, it calls the right one riskier "
        f"{percent(figure['value'], 0)} of the time."
    )


def _riskiest(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    bands: Sequence[Mapping[str, Any]] = validation.get("gains") or []
    if not bands or not all(is_number(bands[0].get(name)) for name in ("cumulative_share", "event_rate", "captured")):
        return
    first, phrases = bands[0], words(results)
    overall = validation["events"] / validation["rows"]
    yield (
        f"Of the riskiest {percent(first['cumulative_share'], 0)} of these customers {percent(first['event_rate'], 0)} "
        f"{phrases.did} ({percent(overall, 0)} of all did); they make up {percent(first['captured'], 0)} of all "
        f"{phrases.events}."
    )


def _calibrated(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    tiers, phrases = results.tiers, words(results)
    if tiers is None or not {"rows", "expected", "event_rate"} <= set(tiers.columns):
        return
    tiers = tiers.loc[tiers["rows"] > 0]
    expected = float((tiers["rows"] * tiers["expected"]).sum())
    yield f"In all, the model expected {count(expected)} {phrases.events}; {count(validation['events'])} came."


def _of_the_data(results: Results) -> Iterator[str]:
    data = results.data or {}
    if data.get("truth"):
        yield sentence(str(data["truth"]))
    sample = results.run.get("sample") or 0
    if sample:
        yield f"A quick look: at most {count(sample)} rows of the table were used. Do not decide on this run."
    if results.notes is not None:
        warned = results.notes.loc[results.notes["severity"] == "warning", "column"]
        if len(warned):
            warnings = "1 warning" if len(warned) == 1 else f"{count(len(warned))} warnings"
            yield f"Preparation raised {warnings} about columns ({', '.join(warned.head(5))}); see the data."


def _of_the_check(results: Results) -> Iterator[str]:
    experiment, validation = results.experiment, results.validation or {}
    if experiment.split.kind == "stratified":
        yield (
            "The rows set aside were drawn at random from the same period as those learnt from"
            + (": the data hold no dates. " if experiment.data.date is None else ". ")
            + "How the model does on later customers is not known; ranking often holds while the level of risk moves."
        )
    if validation and validation.get("events", _FEW_EVENTS) < _FEW_EVENTS:
        events = f"{count(validation['events'])} {words(results).events}"
        yield f"Only {events} are among the rows set aside: intervals are wide."
    chosen = results.champion or {}
    if all(is_number(chosen.get(name)) for name in ("auc_cv", "auc_cv_se", "auc_test")):
        gap = chosen["auc_cv"] - chosen["auc_test"]
        if gap > 2 * chosen["auc_cv_se"] > 0:
            yield (
                f"The AUC on the rows set aside is {number(gap)} below the cross-validated one, more than two standard "
                "errors: the search may have fitted the training rows too closely."
            )
    tiers = results.tiers
    if tiers is not None and "jeffreys_p" in tiers:
        for tier in tiers.loc[tiers["jeffreys_p"] < _REJECTED].to_dict(orient="records"):
            yield (
                f"In the tier “{tier['tier']}” the model underestimates the risk: {percent(tier.get('expected'))} "
                f"expected, {percent(tier['event_rate'])} observed (Jeffreys test, p = {p_value(tier['jeffreys_p'])})."
            )
    balance = metric(validation, "observed_expected")
    if is_number(balance.get("low")) and float(balance["low"]) > 1:
        yield (
            f"Over all rows set aside the model underestimates the risk: {number(balance['value'], 2)} times as many "
            f"{words(results).events} came as expected (interval {interval(balance['low'], balance['high'], 2)})."
        )
    shift = validation.get("psi") or {}
    if shift.get("verdict", "stable") != "stable":
        yield (
            "The scores of the rows set aside are spread otherwise than those learnt from: "
            f"PSI {number(shift['value'])}, where chance alone stays below {number(shift['no_shift'])}."
        )


def _of_the_search(results: Results) -> Iterator[str]:
    yield from left_out(results)
    stopped = (results.fit or {}).get("search_stopped_by")
    if isinstance(stopped, Mapping):
        families = [str(family) for family, by in stopped.items() if by == "time"]
        if families:
            yield f"The search was stopped by time, not by trials, for {', '.join(families)}: longer may find better."
    elif stopped == "time":
        yield "The search was stopped by time, not by trials: a longer one may find better."
