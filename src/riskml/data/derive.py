"""Derived columns of an experiment: added to its table before anything else reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from riskml.config.experiment import ColumnConfig, DataConfig
from riskml.data.key_columns import refuse_unknown, without_blanks
from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.errors import ConfigError, DataError
from riskml.runtime.derived import Derivation, Formula, computed
from riskml.runtime.encoding import Columns
from riskml.runtime.expression import ExpressionError
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.frame import without_words
from riskml.schema import Column, Schema


def derivation_of(data: DataConfig, inputs: Iterable[Mapping[str, Any]]) -> Derivation:
    """Return the steps of an experiment, for raw columns of the kinds that its training table had."""
    steps = tuple(Formula(name, text) for name, text in data.derive.items())
    return Derivation(steps, {column["name"]: column["kind"] for column in inputs})


def with_derived(frame: pd.DataFrame, data: DataConfig) -> tuple[pd.DataFrame, tuple[dict[str, Any], ...]]:
    """Return a training table with its derived columns, and the raw columns that they read, as an artifact's entries.

    Raises
    ------
    ConfigError
        When an expression reads a column that the table does not have, makes one that it has, or is not a number.
    DataError
        When a column has values that cannot be read.
    """
    if not data.derive:
        return frame, ()
    derivation = derivation_of(data, ())
    for name, step in derivation.made.items():
        where = f"data.derive.{name}"
        if name in frame.columns:
            raise ConfigError("the table has a column of this name", where=where, fix="choose another name")
        refuse_unknown([*frame.columns, *data.derive], [(where, column) for column in step.reads])
    names = sorted(frozenset[str]().union(*derivation.raw.values()))
    raw, schema = _read(frame[names], data)
    columns: Columns = read_columns(raw, {column.name: column.kind for column in schema})
    entries = tuple(column.entry(columns[column.name]) for column in schema)
    for name, step in derivation.made.items():
        try:
            columns = computed(columns, [step], len(frame))
        except ExpressionError as error:
            raise ConfigError(error.what, where=f"data.derive.{name}", fix=error.fix) from None
    made = {name: columns[name] for name in derivation.made}
    return frame.assign(**made), entries


def _read(frame: pd.DataFrame, data: DataConfig) -> tuple[pd.DataFrame, Schema]:
    """Return raw columns as a model reads them: words for missing values empty, numbers stored as text as numbers."""
    read = {}
    for name in frame.columns:
        config = data.columns.get(name, ColumnConfig())
        column = without_blanks(without_words(frame[name], data.missing_words(name)))
        if config.kind != "categorical":
            refuse_written([column])
            numbers, problem = text_as_numbers(column)
            if problem:
                raise DataError(
                    f"numbers and text are mixed: {problem}",
                    where="data.derive",
                    fix="correct these values or leave their cells empty; if they are codes, set "
                    "data.columns.<column>.kind to categorical",
                )
            column = column if numbers is None else numbers
        read[name] = column
    raw = pd.DataFrame(read, index=frame.index)
    columns = (
        Column(column.name, column.kind, column.special, column.description, data.missing_words(column.name))
        for column in Schema.infer(raw, data.columns)
    )
    schema = Schema(tuple(columns))
    return schema.conform(raw), schema


def with_columns_of(frame: pd.DataFrame, data: DataConfig, inputs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return customers with the derived columns that their raw columns allow."""
    derivation = derivation_of(data, inputs)
    words = {name: data.missing_words(name) for name in derivation.inputs or {}}
    names = [str(name) for name in frame.columns]
    added = {}
    for name, step in derivation.made.items():
        if name in names and not derivation.raw[name] <= frozenset(names):
            continue
        read, steps = derivation.plan({name: step.makes[name]}, [])
        try:
            added[name] = computed(read_columns(frame, read, words), steps, len(frame))[name]
        except ValueError:
            continue  # the report on the raw column tells what is wrong
    return frame.assign(**added)
