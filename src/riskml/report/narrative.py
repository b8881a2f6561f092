"""Narrative of a run: the choice, its reason, the performance and the limits, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from riskml.display.format import count, interval, is_number, number, p_value, percent
from riskml.display.texts import sentence, texts
from riskml.models.families import ALL_FAMILIES, family_label
from riskml.report.run_results import Results

_FEW_EVENTS = 100
_REJECTED = 0.05


def report_text(section: str, key: str, **values: object) -> str:
    """Return a text of the report with its placeholders filled in."""
    template: str = texts("riskml.report")[section][key]
    return template.format(**values)


def words(results: Results) -> Mapping[str, str]:
    """Return the names of the outcome: ``event``, ``events``, ``did``, ``not_did``."""
    names: Mapping[str, str] = texts("riskml.report")["outcomes"][results.experiment.task]
    return names


def headline(results: Results) -> list[str]:
    """Return the result in a few sentences."""
    chosen, validation = results.champion, results.validation
    if chosen is None:
        return [report_text("narrative", "no_model", absent=absent(results, "2_models"))]
    n = 1 if results.leaderboard is None else len(results.leaderboard)
    rule = report_text("rules", results.experiment.models.select)
    name, auc = family_name(chosen["family"]), number(chosen["auc_cv"])
    key = "chosen" if n > 1 else "only"
    sentences = [sentence(report_text("narrative", key, family=name, n=n, rule=rule, auc=auc))]
    if validation is None:
        return [*sentences, report_text("narrative", "not_validated", absent=absent(results, "3_validation"))]
    return [
        *sentences,
        *_ranking(results, validation),
        *_riskiest(results, validation),
        *_calibrated(results, validation),
    ]


def limits(results: Results) -> list[str]:
    """Return the limits of the data, of the validation, and of the search."""
    return [*_of_the_data(results), *_of_the_validation(results), *_of_the_search(results)]


def left_out(results: Results) -> list[str]:
    """Return the requested families that could not be fitted, and the reasons."""
    failures = (results.fit or {}).get("failures") or {}
    return [
        sentence(report_text("narrative", "left_out", family=family_name(family), reason=" ".join(str(reason).split())))
        for family, reason in failures.items()
    ]


def why(results: Results) -> list[str]:
    """Return why the chosen family was chosen, and its lead over the others."""
    chosen, board = results.champion, results.leaderboard
    if chosen is None or board is None:
        return []
    family, rule = str(chosen["family"]), results.experiment.models.select
    name, reason = family_name(family), report_text("rules", rule)
    sentences = [report_text("narrative", "rule", rule=rule, family=name, reason=reason)]
    if family in ALL_FAMILIES:
        sentences.append(report_text("narrative", "nature", nature=nature(family)))
    others = board.loc[board["family"] != family].sort_values("auc_cv", ascending=False, kind="stable")
    if len(others) and is_number(chosen.get("auc_cv_se")):
        other = others.iloc[0]
        gap, se = chosen["auc_cv"] - other["auc_cv"], chosen["auc_cv_se"]
        meaning = report_text("narrative", "lead_small" if abs(gap) < se else "lead_large", se=number(se))
        place, other_name = "ahead of" if gap >= 0 else "behind", family_name(other["family"])
        lead = {"gap": number(abs(gap)), "place": place, "other": other_name, "meaning": meaning}
        sentences.append(report_text("narrative", "lead", **lead))
    if "auc_test" in board and board["auc_test"].notna().any() and is_number(chosen.get("auc_test")):
        best = board.sort_values("auc_test", ascending=False, kind="stable").iloc[0]
        if best["auc_test"] > chosen["auc_test"]:
            figures = {"auc": number(best["auc_test"]), "own": number(chosen["auc_test"])}
            other_name = family_name(best["family"])
            sentences.append(report_text("narrative", "better_on_test", other=other_name, **figures))
    return sentences


def family_name(family: object) -> str:
    """Return a family's name within a sentence."""
    return family_label(str(family))


def nature(family: object) -> str:
    """Return a family's description."""
    return ALL_FAMILIES[str(family)].description if family in ALL_FAMILIES else "a model of another tool"


def absent(results: Results, stage: str) -> str:
    """Return why the results of a stage are absent."""
    status = next((entry["status"] for entry in results.stages() if entry["name"] == stage), "pending")
    return report_text("absent", status, stage=stage)


def metric(validation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return ``value``, ``low`` and ``high`` of a measure of the validation; empty where it is absent."""
    figure: Mapping[str, Any] = validation.get("metrics", {}).get(name, {})
    return figure


def _ranking(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    figure = metric(validation, "auc")
    if not is_number(figure.get("value")):
        return
    between = interval(figure.get("low"), figure.get("high"))
    level = f"{percent(validation['level'], 0)} " if is_number(validation.get("level")) else ""
    yield report_text(
        "narrative",
        "ranking",
        rows=count(validation.get("rows")),
        unseen="of a later period" if validation.get("part") == "oot" else "of the test set",
        auc=number(figure["value"]),
        interval=f" ({level}interval {between})" if between else "",
        share=percent(figure["value"], 0),
        **words(results),
    )


def _riskiest(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    bands: Sequence[Mapping[str, Any]] = validation.get("gains") or []
    if not bands or not all(is_number(bands[0].get(name)) for name in ("cumulative_share", "event_rate", "captured")):
        return
    first = bands[0]
    yield report_text(
        "narrative",
        "riskiest",
        share=percent(first["cumulative_share"], 0),
        rate=percent(first["event_rate"], 0),
        overall=percent(validation["events"] / validation["rows"], 0),
        captured=percent(first["captured"], 0),
        **words(results),
    )


def _calibrated(results: Results, validation: Mapping[str, Any]) -> Iterator[str]:
    tiers = results.tiers
    if tiers is None or not {"rows", "expected", "event_rate"} <= set(tiers.columns):
        return
    tiers = tiers.loc[tiers["rows"] > 0]
    expected = count(float((tiers["rows"] * tiers["expected"]).sum()))
    events = words(results)["events"]
    yield report_text("narrative", "calibrated", expected=expected, observed=count(validation["events"]), events=events)


def _of_the_data(results: Results) -> Iterator[str]:
    truth = (results.data or {}).get("truth")
    if truth:
        yield sentence(str(truth))
    sample = results.run.get("sample") or 0
    if sample:
        yield report_text("limits", "sample", rows=count(sample))
    if results.notes is not None:
        columns = results.notes.loc[results.notes["severity"] == "warning", "column"]
        if len(columns):
            warnings = "1 warning" if len(columns) == 1 else f"{count(len(columns))} warnings"
            yield report_text("limits", "warnings", warnings=warnings, columns=", ".join(columns.head(5)))


def _of_the_validation(results: Results) -> Iterator[str]:
    experiment, validation = results.experiment, results.validation or {}
    events = words(results)["events"]
    if experiment.split.kind == "stratified":
        no_dates = "; the data have no dates" if experiment.data.date is None else ""
        yield report_text("limits", "same_period", no_dates=no_dates)
    if validation and validation.get("events", _FEW_EVENTS) < _FEW_EVENTS:
        yield report_text("limits", "few_events", events=f"{count(validation['events'])} {events}")
    chosen = results.champion or {}
    if all(is_number(chosen.get(name)) for name in ("auc_cv", "auc_cv_se", "auc_test")):
        gap = chosen["auc_cv"] - chosen["auc_test"]
        if gap > 2 * chosen["auc_cv_se"] > 0:
            yield report_text("limits", "overfitting", gap=number(gap))
    tiers = results.tiers
    if tiers is not None and "jeffreys_p" in tiers:
        for tier in tiers.loc[tiers["jeffreys_p"] < _REJECTED].to_dict(orient="records"):
            rates = {"expected": percent(tier.get("expected")), "observed": percent(tier["event_rate"])}
            yield report_text("limits", "tier", tier=tier["tier"], p=p_value(tier["jeffreys_p"]), **rates)
    balance = metric(validation, "observed_expected")
    if is_number(balance.get("low")) and float(balance["low"]) > 1:
        between = interval(balance["low"], balance["high"], 2)
        yield report_text("limits", "level", ratio=number(balance["value"], 2), events=events, interval=between)
    shift = validation.get("psi") or {}
    if shift.get("verdict", "stable") != "stable":
        yield report_text("limits", "shift", psi=number(shift["value"]), no_shift=number(shift["no_shift"]))


def _of_the_search(results: Results) -> Iterator[str]:
    yield from left_out(results)
    stopped = (results.fit or {}).get("search_stopped_by")
    if isinstance(stopped, Mapping):
        families = [str(family) for family, by in stopped.items() if by == "time"]
        if families:
            yield report_text("limits", "search_time_of", families=", ".join(families))
    elif stopped == "time":
        yield report_text("limits", "search_time")
