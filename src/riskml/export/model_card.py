"""Model card in Markdown: purpose, training data, performance and limits of a packaged model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskml.display.format import markdown
from riskml.models.families import ALL_FAMILIES
from riskml.runtime.package import Artifact

_OUTCOMES = {"default": "default", "churn": "leave"}


def model_card(artifact: Artifact) -> str:
    """Return a model's card (Mitchell et al. 2019, "Model cards for model reporting") as Markdown."""
    package = f"riskml_{artifact.name}"
    command = package.replace("_", "-")
    training = artifact.training
    return "\n".join(
        [
            f"# {_text(artifact.title)}",
            "",
            f"The probability that a customer will {_OUTCOMES[artifact.task]} "
            f"(`{_code(artifact.target)}` = `{_code(artifact.event)}`), by {_description(artifact.family)}. "
            "Higher is riskier.",
            "",
            "## Use",
            "",
            "```python",
            f"import {package}",
            "",
            f"{package}.score(frame)         # probability, tier" + (", points" if _has_points(artifact) else ""),
            f"{package}.explain(frame, n={artifact.reasons})  # what raised each customer's risk",
            f"{package}.schema()             # the columns that a table must have",
            "```",
            "",
            "```sh",
            f"{command} score customers.csv -o scores.csv",
            f"{command} explain customers.csv -o reasons.csv",
            "```",
            "",
            "## Data",
            "",
            f"Trained on {training['rows']:,} rows of `{_code(training['source'])}`{_events(training)}.",
            "",
            "## How well it ranks, and how well its probabilities hold",
            "",
            *_table(["measure", "value"], _metrics(artifact.metrics)),
            "",
            "## Tiers",
            "",
            *_table(
                ["tier", "from probability", "treatment"],
                [[tier.name, f"{tier.from_probability:g}", tier.treatment] for tier in artifact.tiers],
            ),
            "",
            "## Columns",
            "",
            *_table(
                ["column", "kind", "in training", "missing", "description"], [_column(c) for c in artifact.columns]
            ),
            "",
            "## Limits",
            "",
            f"- {_unseen(artifact.unseen)}",
            "- Empty cells are scored. Infinite values, and text in a numeric column, are refused.",
            "- The figures above hold for customers like those of the training rows; watch the columns' distributions "
            "and the outcomes, and validate again before any other use.",
            "- A reason says what raised the score of a customer above the average one; it is no cause, and changing "
            "it need not change the outcome.",
            "- The code of this package is under the Apache License 2.0; the model's numbers belong to who trained it.",
            "",
        ]
    )


def _description(family: str) -> str:
    if family == "segmented scorecard":
        return "a points scorecard for each segment of customers, on one points scale"
    return ALL_FAMILIES[family].description if family in ALL_FAMILIES else "a model of one's own"


def _text(value: Any) -> str:
    return markdown(str(value).replace("&", "&amp;"))


def _code(value: Any) -> str:
    return " ".join(str(value).split()).replace("`", "'")


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [header, ["---"] * len(header), *[[_text(cell) for cell in row] for row in rows]]
    return [f"| {' | '.join(line)} |" for line in lines]


def _metrics(metrics: Mapping[str, Any]) -> list[list[str]]:
    return [[name, _metric(value)] for name, value in metrics.items()]


def _metric(value: Any) -> str:
    if isinstance(value, Mapping) and "value" in value:
        low, high = value.get("low"), value.get("high")
        interval = "" if low is None or high is None else f" ({_metric(low)} to {_metric(high)})"
        return _metric(value["value"]) + interval
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _column(column: Mapping[str, Any]) -> list[str]:
    if column["kind"] == "numeric":
        known = "" if column["min"] is None else f"{column['min']:.6g} to {column['max']:.6g}"
    else:
        levels = column["levels"]
        known = ", ".join(levels[:8]) + (f" and {len(levels) - 8} more" if len(levels) > 8 else "")
    codes = ", ".join(f"{code:g}" if isinstance(code, float) else code for code in column["special"])
    known += f" (special: {codes})" if codes else ""
    missing = "" if column["missing"] is None else f"{column['missing']:.1%}"
    return [column["name"], column["kind"], known, missing, column["description"]]


def _events(training: Mapping[str, Any]) -> str:
    events, rows = training["events"], training["rows"]
    return "" if events is None or not rows else f", {events / rows:.1%} of them events"


def _unseen(unseen: str) -> str:
    if unseen == "refuse":
        return "A category that training never saw is refused."
    return "A category that training never saw is scored, as an average or missing one."


def _has_points(artifact: Artifact) -> bool:
    return getattr(artifact.model, "base_points", None) is not None
