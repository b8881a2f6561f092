"""Edited bins as text that can be pasted: into a notebook, into an experiment file, or as edits of a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml

Language = Literal["python", "yaml", "edit"]


def code_of(overrides: Mapping[str, Mapping[str, Any]], language: Literal["python", "yaml"] = "python") -> str:
    """Return overrides as text.

    Examples
    --------
    >>> print(code_of({"Age": {"splits": [25, 30.5]}}))
    overrides = {
        'Age': {'splits': [25, 30.5]},
    }
    >>> print(code_of({"Age": {"splits": [25, 30.5]}}, "yaml"))
    # in an experiment file: beneath models: fixed: scorecard:
    overrides:
      Age: {splits: [25, 30.5]}
    """
    if language == "python":
        lines = [f"    {str(column)!r}: {dict(options)!r}," for column, options in overrides.items()]
        return "\n".join(["overrides = {", *lines, "}"]) if lines else "overrides = {}"
    options_by_column = {str(column): _OneLine(options) for column, options in overrides.items()}
    text = yaml.dump(
        {"overrides": options_by_column}, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000
    )
    return "# in an experiment file: beneath models: fixed: scorecard:\n" + str(text).rstrip("\n")


def edits_of(bins: Mapping[str, Mapping[str, Any]], fit_arguments: Sequence[str] = ()) -> str:
    """Return edited bins as calls of `Scorecard.edit`, which puts them on record with who, why and when.

    Examples
    --------
    >>> print(edits_of({"Age": {"splits": [25, 30.5]}}))
    card = card.edit('Age', splits=[25, 30.5], by='', why='', when='', X=X, y=y)
    """
    # Blank: the card refuses an edit by nobody, or for no reason.
    rest = ", ".join(["by=''", "why=''", "when=''", "X=X", "y=y", *(f"{name}={name}" for name in fit_arguments)])
    edits = {
        column: ", ".join(f"{name}={value!r}" for name, value in options.items()) for column, options in bins.items()
    }
    lines = [f"card = card.edit({str(column)!r}, {options}, {rest})" for column, options in edits.items()]
    return "\n".join(lines) or "# no bin is changed"


class _OneLine(dict[str, Any]):
    """A mapping that stands on one line."""


class _Writer(yaml.SafeDumper):
    """Writes a column's options on one line."""


_Writer.add_representer(
    _OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
