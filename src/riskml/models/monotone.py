"""How the risk has to go where a column rises."""

from __future__ import annotations

from collections.abc import Mapping

from riskml.errors import ConfigError, did_you_mean
from riskml.schema import Schema

_SIGNS = {"ascending": 1, "descending": -1}


def directions(schema: Schema, monotone: Mapping[str, str]) -> list[int]:
    """Return 1, -1 or 0 for each column: the risk may not fall, may not rise, or may do either.

    Examples
    --------
    >>> from riskml.schema import Column
    >>> directions(Schema((Column("age", "numeric"), Column("debt", "numeric"))), {"debt": "ascending"})
    [0, 1]
    """
    known = {column.name: column for column in schema}
    for name, direction in monotone.items():
        if name not in known:
            raise ConfigError(f"no column is called {name!r}", where="monotone", fix=did_you_mean(name, list(known)))
        if known[name].kind != "numeric":
            raise ConfigError(
                f"column {name!r} is categorical: it has no order for the risk to follow",
                where="monotone",
                fix="leave it out, or make it numeric",
            )
        if not isinstance(direction, str) or direction not in _SIGNS:
            raise ConfigError(f"{direction!r} is no direction", where=f"monotone.{name}", fix="ascending or descending")
    return [_SIGNS.get(monotone.get(column.name, ""), 0) for column in schema]
