"""Features file of an experiment: a function from a frame to a frame, checked before a run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from riskml.config.experiment import DataConfig
from riskml.errors import ConfigError, preview
from riskml.runtime.derived import MODULES, Function, SourceError
from riskml.runtime.encoding import Columns
from riskml.schema import Kind, Schema

_ALONE = 5  # rows that are computed by themselves, to see that no row depends on others


def function_of(data: DataConfig, kinds: Mapping[str, str], makes: Mapping[str, str]) -> Function:
    """Return the step of a features file, which reads those columns that the file names."""
    assert data.features_file is not None
    file, name = data.features_file
    named = names_in(data)
    read = {column: kind for column, kind in kinds.items() if column in named}
    return Function(file.name, file.read_text(encoding="utf-8"), name, read, makes)


def names_in(data: DataConfig) -> frozenset[str]:
    """Return the texts, attributes and keywords of a features file: what may name a column; none without a file."""
    if data.features_file is None:
        return frozenset()
    file, _ = data.features_file
    try:
        return _names(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the features file cannot be read: {error}", where=f"data.features: {file}") from None


@lru_cache(maxsize=8)
def _names(file: str, source: str) -> frozenset[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ConfigError(
            f"the features file is not Python: {error.msg}", where=f"data.features: {file}:{error.lineno}"
        ) from None
    names = set()
    for node in ast.walk(tree):
        modules: list[str] = []
        match node:
            case ast.Import():
                modules = [name.name for name in node.names]
            case ast.ImportFrom():
                modules = ["." * node.level + (node.module or "")]
            case ast.Constant(value=str()):
                names.add(str(node.value))
            case ast.Attribute():
                names.add(node.attr)
            case ast.keyword(arg=str()):
                names.add(str(node.arg))
        for module in modules:
            if module.split(".")[0] not in (*MODULES, "__future__"):
                raise ConfigError(
                    f"the features file imports {module}, which a package for scoring does not have",
                    where=f"data.features: {file}:{getattr(node, 'lineno', '?')}",
                    fix=f"import only {' and '.join(MODULES)}",
                )
    return frozenset(names)


def kinds_made(
    function: Function, columns: Columns, rows: int, taken: Collection[str], data: DataConfig
) -> dict[str, Kind]:
    """Run a features file on the training table, check what it returns, and return the kinds of its columns."""
    where = f"data.features: {data.features}"
    if not function.kinds:
        raise ConfigError(
            "the features file names no column of the table",
            where=where,
            fix="write the name of each column that it reads as text, as in frame['income']",
        )
    try:
        frame = function.result(columns, rows)
        new = _new_columns(function, frame, columns, taken, where)
        alone = pd.concat(_of_row(function, columns, row) for row in range(min(rows, _ALONE)))
    except SourceError as error:
        raise _explained(error, function, taken, data, where) from None
    own = frame[new].replace([np.inf, -np.inf], np.nan)
    schema = Schema.infer(own, data.columns)
    _refuse_dependent_rows(own.iloc[:_ALONE], alone, function, where)
    return {column.name: column.kind for column in schema}


def _of_row(function: Function, columns: Columns, row: int) -> pd.DataFrame:
    return function.result({name: columns[name][[row]] for name in function.kinds}, 1)


def _new_columns(
    function: Function, frame: pd.DataFrame, columns: Columns, taken: Collection[str], where: str
) -> list[str]:
    """Return the columns that a function adds; those that it read may be returned, unchanged."""
    new = [name for name in frame.columns if name not in function.kinds]
    for name in frame.columns:
        unchanged = name in function.kinds and pd.Series(columns[name]).equals(
            frame[name].reset_index(drop=True).astype(columns[name].dtype)
        )
        if name in taken and not unchanged:
            raise ConfigError(
                f"{function.name} returns a column {name!r} that the table has", where=where, fix="choose another name"
            )
    if not new:
        raise ConfigError(f"{function.name} returns no new column", where=where, fix="return frames with new columns")
    return new


def _refuse_dependent_rows(together: pd.DataFrame, alone: pd.DataFrame, function: Function, where: str) -> None:
    for name in together.columns:
        before, single = together[name].reset_index(drop=True), alone[name].reset_index(drop=True)
        same = (before == single) | (before.isna() & single.replace([np.inf, -np.inf], np.nan).isna())
        if not same.all():
            row = int(np.argmin(same))
            raise ConfigError(
                f"{name!r} of a row depends on other rows: row {row} has {before[row]!r}, and alone {single[row]!r}",
                where=where,
                fix=f"let {function.name} compute each row from its own values: customers are also scored one by one, "
                "and means or ranks of all rows leak the test set",
            )


def _explained(
    error: SourceError, function: Function, taken: Collection[str], data: DataConfig, where: str
) -> ConfigError:
    """Return the error with what it means where the function reads a column that it is not given."""
    cause = error.__cause__
    name = cause.args[0] if isinstance(cause, KeyError) and cause.args else None
    roles = {data.target: "target", data.id: "id", data.date: "date"}
    fix = "correct the function; it is given the columns that the file names: " + preview(function.kinds, 20)
    if name in roles:
        return ConfigError(
            f"{error}: the column is data.{roles[name]}, which is not known of customers to score", where=where, fix=fix
        )
    if name in taken:
        fix = f"write the name of each column that it reads as text in the file; it names {preview(function.kinds, 20)}"
    return ConfigError(str(error), where=where, fix=fix)
