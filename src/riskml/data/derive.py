"""Derived columns of an experiment: added to its table before anything else reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from riskml.config.experiment import ColumnConfig, DataConfig
from riskml.data.features_file import function_of, kinds_made, names_in
from riskml.data.key_columns import refuse_unknown, without_blanks
from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.errors import ConfigError, DataError
from riskml.runtime.derived import Derivation, Formula, Step, computed
from riskml.runtime.encoding import Columns
from riskml.runtime.expression import ExpressionError
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.frame import without_words
from riskml.schema import Column, Kind, Schema


def derivation_of(data: DataConfig, schema: Schema) -> Derivation:
    """Return the steps of an experiment, for raw columns of the kinds that its training table had."""
    steps: tuple[Step, ...] = tuple(Formula(name, text) for name, text in data.derive.items())
    inputs = {column["name"]: column["kind"] for column in schema.inputs}
    if data.features is not None:
        kinds = dict.fromkeys(data.derive, "numeric") | inputs
        steps += (function_of(data, kinds, schema.made),)
    return Derivation(steps, inputs)


def with_derived(
    frame: pd.DataFrame, data: DataConfig
) -> tuple[pd.DataFrame, tuple[dict[str, Any], ...], dict[str, Kind]]:
    """Return a training table with its derived columns, the raw columns that they read, and those of a features file.

    Raises
    ------
    ConfigError
        When an expression or the features file reads a column that the table does not have, makes one that it has, or
        fails.
    DataError
        When a column has values that cannot be read.
    """
    if not data.derive and data.features is None:
        return frame, (), {}
    steps = [Formula(name, text) for name, text in data.derive.items()]
    for step in steps:
        where = f"data.derive.{step.name}"
        if step.name in frame.columns:
            raise ConfigError("the table has a column of this name", where=where, fix="choose another name")
        refuse_unknown([*frame.columns, *data.derive], [(where, column) for column in step.reads])
    hidden = {data.target, data.id, data.date}
    names = dict.fromkeys(name for step in steps for name in step.reads)
    names |= dict.fromkeys(name for name in frame.columns if name not in hidden and name in names_in(data))
    raw, schema = _read(frame[sorted(name for name in names if name not in data.derive)], data)
    kinds: dict[str, str] = {column.name: column.kind for column in schema}
    columns: Columns = read_columns(raw, kinds)
    entries = tuple(column.entry(columns[column.name]) for column in schema)
    for step in steps:
        try:
            columns = computed(columns, [step], len(frame))
        except ExpressionError as error:
            raise ConfigError(error.what, where=f"data.derive.{step.name}", fix=error.fix) from None
    added = {step.name: columns[step.name] for step in steps}
    made: dict[str, Kind] = {}
    if data.features is not None:
        function = function_of(data, {**dict.fromkeys(data.derive, "numeric"), **kinds}, {})
        made = kinds_made(function, columns, len(frame), [*map(str, frame.columns), *data.derive], data)
        added |= replace(function, makes=made).values(columns, len(frame))
    return frame.assign(**added), entries, made


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


def with_columns_of(frame: pd.DataFrame, data: DataConfig, schema: Schema) -> pd.DataFrame:
    """Return customers with the derived columns that their raw columns allow."""
    derivation = derivation_of(data, schema)
    words = {name: data.missing_words(name) for name in derivation.inputs or {}}
    names = [str(name) for name in frame.columns]
    added = {}
    for name, step in derivation.made.items():
        if name in names and not derivation.raw[name] <= frozenset(names):
            continue
        read, steps = derivation.plan({name: step.makes[name]}, ())
        try:
            added[name] = computed(read_columns(frame, read, words), steps, len(frame))[name]
        except ValueError:
            continue  # the report on the raw column tells what is wrong
    return frame.assign(**added)
