"""Reason statements: the texts of a notice, in English and Chinese, for a column that raised a customer's risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from riskml.errors import ConfigError, did_you_mean
from riskml.io import parse_yaml
from riskml.runtime.reasons import LANGUAGES

Statements = dict[str, dict[str, str]]
_LONGEST = 300  # characters: a notice's line


def statements_file(run_folder: str | Path, name: str) -> Path:
    """Return where the statements of an experiment are looked for: ``statements/<name>.yaml`` beside its file."""
    return Path(run_folder).resolve().parents[2] / "statements" / f"{name}.yaml"


def read_statements(file: str | Path, columns: Iterable[str]) -> Statements:
    """Read a file of statements.

    Parameters
    ----------
    file : path
        YAML: for each column its statement, or one for each language (``en``, ``zh``). A file that is not there says
        nothing: every column is then stated by its description, or its name.
    columns : iterable of str
        All columns that there are.

    Raises
    ------
    ConfigError
        When the file is no YAML mapping, or names a column or a language that is not known.
    """
    path = Path(file)
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"the statements cannot be read: {error}", where=str(path), fix="write it as YAML") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError("the statements are no mapping of columns", where=str(path), fix="write `column: statement`")
    known = list(columns)
    statements: Statements = {}
    for column, texts in raw.items():
        if column not in known:
            raise ConfigError(
                f"a statement for {column!r}, which is no column",
                where=str(path),
                fix=did_you_mean(str(column), known) or "name a column of the table",
            )
        statements[column] = _texts(texts, f"{path}, {column}")
    return statements


def _texts(raw: Any, where: str) -> dict[str, str]:
    texts: Mapping[Any, Any] = raw if isinstance(raw, dict) else dict.fromkeys(LANGUAGES, raw)
    for language, text in texts.items():
        if language not in LANGUAGES:
            raise ConfigError(f"a statement in {language!r}", where=where, fix=f"use {' and '.join(LANGUAGES)}")
        if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
            raise ConfigError(
                f"a statement is a line of up to {_LONGEST} characters; got {str(text)[:40]!r}", where=where
            )
    return {language: " ".join(text.split()) for language, text in texts.items()}
