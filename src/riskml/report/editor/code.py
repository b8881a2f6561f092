"""Edited bins as text that can be pasted: into a notebook, or into a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import yaml

Language = Literal["python", "yaml"]


def code_of(overrides: Mapping[str, Mapping[str, Any]], language: Language = "python") -> str:
    """Return overrides as text.

    Parameters
    ----------
    overrides : mapping of column to mapping of option
        As for `OptimalBinner`.
    language : {"python", "yaml"}
        YAML goes into an experiment file, beneath ``models: fixed: scorecard:``.

    Examples
    --------
    >>> print(code_of({"Age": {"splits": [25, 30.5]}}))
    overrides = {
        'Age': {'splits': [25, 30.5]},
    }
    >>> print(code_of({"Age": {"splits": [25, 30.5]}}, "yaml"))
    overrides:
      Age: {splits: [25, 30.5]}
    """
    if language == "python":
        lines = [f"    {str(column)!r}: {dict(options)!r}," for column, options in overrides.items()]
        return "\n".join(["overrides = {", *lines, "}"]) if lines else "overrides = {}"
    said = {str(column): _OneLine(options) for column, options in overrides.items()}
    text = yaml.dump({"overrides": said}, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000)
    return str(text).rstrip("\n")


class _OneLine(dict[str, Any]):
    """A mapping that stands on one line."""


class _Writer(yaml.SafeDumper):
    """Writes a column's options on one line."""


_Writer.add_representer(
    _OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
