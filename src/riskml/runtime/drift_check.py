"""Drift check: schema violations, values out of range and PSI of a table against the training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .checksums import PackageError
from .distribution import Distribution, verdict
from .frame import Floats
from .frame import columns as read_columns

if TYPE_CHECKING:
    import pandas as pd

SCORE = "probability"


class DriftCheck:
    """Counts of a table that may be added in parts."""

    def __init__(
        self,
        columns: Sequence[Mapping[str, Any]],
        distributions: Mapping[str, Distribution],
        score: Callable[[pd.DataFrame], pd.DataFrame],
    ) -> None:
        self._columns = {column["name"]: _ColumnCheck(column, distributions) for column in columns}
        self._score = _ColumnCheck({"name": SCORE, "kind": "numeric"}, distributions)
        self._scores_of = score
        self._scored = True

    def add(self, frame: pd.DataFrame) -> None:
        """Count the rows of a table."""
        for name, check in self._columns.items():
            try:
                values = read_columns(frame, {name: check.kind}, {name: check.missing_words})[name]
            except ValueError as error:
                check.message = str(error)
            else:
                check.add(values)
        try:
            self._score.add(self._scores_of(frame)[SCORE].to_numpy())
        except PackageError as error:
            self._scored = False
            # An unseen level violates the schema only if the model refuses it.
            if not any(check.message for check in self._columns.values()):
                self._score.message = str(error)

    def table(self) -> pd.DataFrame:
        """Return a row per column, and one for the score if all rows could be scored."""
        import pandas as pd

        checks = [*self._columns.values()]
        if self._scored or self._score.message:
            checks.append(self._score)
        names = ["column", "status", "psi", "missing", "missing_in_training", "out_of_range", "unseen", "message"]
        return pd.DataFrame([check.row() for check in checks], columns=names)


class _ColumnCheck:
    def __init__(self, column: Mapping[str, Any], distributions: Mapping[str, Distribution]) -> None:
        self.name, self.kind, self.message = column["name"], column["kind"], ""
        self._expected = distributions.get(self.name)
        self._missing_before = column.get("missing")
        self._low, self._high = column.get("min"), column.get("max")
        self._special = np.asarray(column.get("special", []), dtype=np.float64 if self.kind == "numeric" else object)
        self.missing_words = frozenset(column.get("missing_words") or ())
        self._known = {*(column.get("levels") or ()), *self._special.tolist(), None}
        self._rows = self._missing = self._outside = self._unseen = 0
        self._counts: Floats = np.zeros(len(self._expected.counts) if self._expected else 0)

    def add(self, values: Any) -> None:
        """Count values."""
        self._rows += len(values)
        if self._expected is not None:
            self._counts += self._expected.count(values)
        if self.kind == "numeric":
            self._missing += int(np.isnan(values).sum())
            if self._low is not None and self._high is not None:
                outside = (values < self._low) | (values > self._high)
                self._outside += int((outside & ~np.isin(values, self._special)).sum())
        else:
            self._missing += sum(value is None for value in values)
            self._unseen += sum(value not in self._known for value in values)

    def row(self) -> dict[str, Any]:
        """Return the column's row of the report."""
        psi = float("nan") if self._expected is None or self.message else self._expected.psi(self._counts)
        notes = [self.message] if self.message else []
        if self._outside:
            notes.append(f"{_rows(self._outside)} outside the training range {self._low:g} to {self._high:g}")
        if self._unseen:
            notes.append(f"{_rows(self._unseen)} with a level not seen in training")
        before = self._missing_before
        if before is None:
            before = self._expected.missing if self._expected is not None else float("nan")
        return {
            "column": self.name,
            "status": "broken" if self.message else verdict(psi),
            "psi": psi,
            "missing": self._missing / self._rows if self._rows else float("nan"),
            "missing_in_training": before,
            "out_of_range": self._outside,
            "unseen": self._unseen,
            "message": "; ".join(notes),
        }


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"
