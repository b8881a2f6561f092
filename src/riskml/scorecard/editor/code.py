"""Edited bins as code: Python, YAML of an experiment, or edits of a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from riskml.scorecard.card.file import OneLine, yaml_text

Language = Literal["python", "yaml", "edit"]


def code_of(overrides: Mapping[str, Mapping[str, Any]], language: Literal["python", "yaml"] = "python") -> str:
    """Return overrides as text."""
    if language == "python":
        lines = [f"    {str(column)!r}: {dict(options)!r}," for column, options in overrides.items()]
        return "\n".join(["overrides = {", *lines, "}"]) if lines else "overrides = {}"
    options_by_column = {str(column): OneLine(options) for column, options in overrides.items()}
    text = yaml_text({"overrides": options_by_column})
    return "# in an experiment file: beneath models: fixed: scorecard:\n" + text.rstrip("\n")


def edits_of(bins: Mapping[str, Mapping[str, Any]], fit_arguments: Sequence[str] = ()) -> str:
    """Return edited bins as calls of `Scorecard.edit`, which puts them on record with who, why and when."""
    # Blank: the card refuses an edit by nobody, or for no reason.
    rest = ", ".join(["by=''", "why=''", "when=''", "X=X", "y=y", *(f"{name}={name}" for name in fit_arguments)])
    edits = {
        column: ", ".join(f"{name}={value!r}" for name, value in options.items()) for column, options in bins.items()
    }
    lines = [f"card = card.edit({str(column)!r}, {options}, {rest})" for column, options in edits.items()]
    return "\n".join(lines) or "# no bin is changed"
