"""Data frames of other libraries: polars, Arrow and all others that narwhals reads, as pandas and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from narwhals import Series

T = TypeVar("T")

# narwhals is imported only where a table is no pandas frame: packages do without it.


def as_pandas(table: Any) -> pd.DataFrame | None:
    """Return a data frame as pandas, or None if it is none; an unreadable one raises a ValueError.

    Values are those that pandas itself would hold: text as text, also of categories; numbers with gaps as floats.
    """
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, (dict, list, tuple, np.ndarray)) or table is None:
        return None
    try:
        import narwhals as nw
    except ImportError:
        raise ValueError(
            f"a table of the type {_type(table)} requires narwhals: pip install narwhals, or convert it to pandas"
        ) from None
    if nw.dependencies.is_into_lazyframe(table):
        raise ValueError(f"{_type(table)} is a query without rows: collect it into a table first")
    if not nw.dependencies.is_into_dataframe(table):
        return None
    frame = nw.from_native(table, eager_only=True)
    if frame.implementation.is_pandas_like():
        native: pd.DataFrame = frame.to_pandas()
        return native
    index = pd.RangeIndex(len(frame))
    return pd.DataFrame({name: _values(frame[name]) for name in frame.columns}, index=index)


def like(table: Any, result: T) -> T:
    """Return a pandas frame or series in the library of a table, without its index; as it is for pandas and arrays.

    Its static type is that of pandas, which most callers hand in.
    """
    converted: T = _like(table, result)
    return converted


def _like(table: Any, result: Any) -> Any:
    import pandas as pd

    if isinstance(table, (pd.DataFrame, dict, list, tuple, np.ndarray)):
        return result
    import narwhals as nw

    if not nw.dependencies.is_into_dataframe(table):
        return result
    backend = nw.from_native(table, eager_only=True).implementation
    if backend.is_pandas():
        return result
    types: Any = {"f": nw.Float64, "i": nw.Int64, "b": nw.Boolean}
    frame = result.to_frame() if isinstance(result, pd.Series) else result
    # A column of text that is missing everywhere is text too.
    schema = {str(name): types.get(dtype.kind, nw.String) for name, dtype in frame.dtypes.items()}
    cells = {name: _cells(frame.iloc[:, i]) for i, name in enumerate(schema)}
    out = nw.from_dict(cells, schema, backend=backend)
    return (out[frame.columns[0]] if isinstance(result, pd.Series) else out).to_native()


def _values(column: Series[Any]) -> Any:
    # An Arrow dictionary would lose its missing values as an array.
    fast = column.dtype.is_integer() or column.dtype.is_float() or str(column.dtype) == "String"
    return column.to_numpy() if fast else column.to_list()


def _cells(column: pd.Series) -> Any:
    if column.dtype.kind in "fib":
        return column.to_numpy()
    return column.astype(object).where(column.notna(), None).tolist()


def _type(table: Any) -> str:
    return f"{type(table).__module__.partition('.')[0]}.{type(table).__name__}"
