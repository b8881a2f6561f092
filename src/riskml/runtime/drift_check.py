"""A table of customers beside those of training: the contract on drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .checksums import PackageError
from .distribution import Distribution, verdict
from .frame import Floats
from .frame import columns as read_columns

if TYPE_CHECKING:
    import pandas as pd

    from .package import Artifact

SCORE = "probability"


class Check:
    """What is counted of a table, in as many parts as it comes in."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._columns = {column["name"]: _Counted(column, artifact.distributions) for column in artifact.columns}
        self._score = _Counted({"name": SCORE, "kind": "numeric"}, artifact.distributions)
        self._scored = True

    def add(self, frame: pd.DataFrame) -> None:
        """Count the rows of a table."""
        for name, counted in self._columns.items():
            try:
                values = read_columns(frame, {name: counted.kind})[name]
            except ValueError as error:
                counted.message = str(error)
            else:
                counted.add(values)
        try:
            self._score.add(self._artifact.score(frame)[SCORE].to_numpy())
        except PackageError as error:
            self._scored = False
            # That a level was never seen breaks the contract only where the model refuses it.
            if not any(counted.message for counted in self._columns.values()):
                self._score.message = str(error)

    def table(self) -> pd.DataFrame:
        """Return a row per column, and one of the scores where all rows could be scored."""
        import pandas as pd

        counted = [*self._columns.values()]
        if self._scored or self._score.message:
            counted.append(self._score)
        names = ["column", "status", "psi", "missing", "missing_in_training", "out_of_range", "unseen", "message"]
        return pd.DataFrame([one.row() for one in counted], columns=names)


class _Counted:
    def __init__(self, column: Mapping[str, Any], distributions: Mapping[str, Distribution]) -> None:
        self.name, self.kind, self.message = column["name"], column["kind"], ""
        self._expected = distributions.get(self.name)
        self._missing_before = column.get("missing")
        self._low, self._high = column.get("min"), column.get("max")
        self._special = np.asarray(column.get("special", []), dtype=np.float64 if self.kind == "numeric" else object)
        self._known = {*(column.get("levels") or ()), *self._special.tolist(), None}
        self._rows = self._missing = self._out = self._unseen = 0
        self._counts: Floats = np.zeros(len(self._expected.counts) if self._expected else 0)

    def add(self, values: Any) -> None:
        """Count some values."""
        self._rows += len(values)
        if self._expected is not None:
            self._counts += self._expected.count(values)
        if self.kind == "numeric":
            self._missing += int(np.isnan(values).sum())
            if self._low is not None and self._high is not None:
                beyond = (values < self._low) | (values > self._high)
                self._out += int((beyond & ~np.isin(values, self._special)).sum())
        else:
            self._missing += sum(value is None for value in values)
            self._unseen += sum(value not in self._known for value in values)

    def row(self) -> dict[str, Any]:
        """Return what the report says of it."""
        psi = float("nan") if self._expected is None or self.message else self._expected.psi(self._counts)
        notes = [self.message] if self.message else []
        if self._out:
            notes.append(f"{_rows(self._out)} beyond training's {self._low:g} to {self._high:g}")
        if self._unseen:
            notes.append(f"{_rows(self._unseen)} with a level that training never saw")
        before = self._missing_before
        if before is None:
            before = self._expected.missing if self._expected is not None else float("nan")
        return {
            "column": self.name,
            "status": "broken" if self.message else verdict(psi),
            "psi": psi,
            "missing": self._missing / self._rows if self._rows else float("nan"),
            "missing_in_training": before,
            "out_of_range": self._out,
            "unseen": self._unseen,
            "message": "; ".join(notes),
        }


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"
