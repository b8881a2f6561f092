"""A fitted model as a folder of files: read with its checksums, and asked for scores and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checksums import FORMAT, MANIFEST, PackageError, digest, read_manifest, verified
from .distribution import Distribution
from .encoding import Columns
from .frame import Floats, shown
from .frame import columns as read_columns
from .model import Additive, Model, model_from_dict, probability
from .reasons import MISSING, groups_of, number_of_reasons, ranked, statement, value_text
from .segmented import Segmented

if TYPE_CHECKING:
    import pandas as pd

    from .single import Scorer

__all__ = ["FORMAT", "MANIFEST", "MISSING", "Artifact", "PackageError", "Tier", "digest"]


@dataclass(frozen=True)
class Tier:
    """A band of probability; it reaches up to the next tier's lower bound, which is not included."""

    name: str
    from_probability: float
    treatment: str = ""


@dataclass(frozen=True)
class Artifact:
    """A fitted model, and what is said of it.

    Parameters
    ----------
    name, version : str
        Of the package.
    family : str
        scorecard, segmented scorecard, logistic, tree, boosting, ebm, lightgbm, catboost or blend.
    title, task, target : str
        The question in words; "default" or "churn"; the column that held the outcome.
    event : bool, int, float or str
        The outcome's value whose probability is given.
    unseen : {"score", "refuse"}
        What is done with a category never seen in training.
    columns : tuple of mapping
        What is known of each column that the model reads.
    tiers : tuple of Tier
        From the lowest probability to the highest.
    reasons : int
        Reasons per customer unless asked otherwise.
    reference : mapping of column name to float
        Mean contribution in training (log-odds).
    metrics, training : mapping
        How well it ranked; how many rows and events it was trained on.
    requires : tuple of str
        The packages it needs, as in a package's metadata.
    statements : mapping of column name to mapping of language ("en", "zh") to text
        What a notice says of a column that raised the risk.
    distributions : mapping of column name to Distribution
        How training's customers were spread; ``probability`` is that of their scores.
    """

    name: str
    version: str
    family: str
    title: str
    task: str
    target: str
    event: bool | int | float | str
    unseen: str
    columns: tuple[Mapping[str, Any], ...]
    tiers: tuple[Tier, ...]
    reasons: int
    reference: Mapping[str, float]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    requires: tuple[str, ...]
    model: Model = field(repr=False)
    statements: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    distributions: Mapping[str, Distribution] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, folder: str | Path) -> Artifact:
        """Read an artifact folder.

        Parameters
        ----------
        folder : path
            It holds model.json and the files that it names.

        Raises
        ------
        PackageError
            When a file is missing or was altered, its format is not known here, or a needed package is not installed.
        """
        folder = Path(folder)
        said = read_manifest(folder / MANIFEST)
        blobs = {name: verified(folder, name, expected) for name, expected in said["files"].items()}
        try:
            model = model_from_dict(said["model"], blobs)
        except ImportError as error:
            raise PackageError(f"this model needs {error.name}: pip install {error.name}") from None
        plain = ("name", "version", "family", "title", "task", "target", "event", "unseen", "reasons", "reference")
        return cls(
            **{key: said[key] for key in plain},
            columns=tuple(said["schema"]),
            tiers=tuple(Tier(**tier) for tier in said["tiers"]),
            metrics=said["metrics"],
            training=said["training"],
            requires=tuple(said["requires"]),
            model=model,
            statements=said.get("statements", {}),
            distributions={name: Distribution.from_dict(one) for name, one in said.get("distributions", {}).items()},
        )

    def score(self, frame: pd.DataFrame, cut_offs: Sequence[float] | None = None) -> pd.DataFrame:
        """Return each customer's probability of the event, and tier.

        Parameters
        ----------
        frame : DataFrame of shape (n, any)
            Raw columns. Extra ones are ignored, and the order is free; cells may be empty.
        cut_offs : sequence of float, optional
            Lower bounds of the tiers in place of the package's own; the first is 0.

        Returns
        -------
        DataFrame of shape (n, 2 or 3)
            The same index; ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not, or the cut-offs are not the tiers' bounds.
        """
        import pandas as pd

        bounds = [tier.from_probability for tier in self.tiers] if cut_offs is None else self._bounds(cut_offs)
        columns = self.read(frame)
        margin, points = self._margin(columns, len(frame))
        chance = probability(margin)
        scores: dict[str, Any] = {"probability": chance}
        if points is not None:
            scores["points"] = points
        # Text is made once for each tier, and not for each customer.
        names: Any = pd.Series([tier.name for tier in self.tiers]).array
        scores["tier"] = names.take(_tier_numbers(chance, bounds))
        return pd.DataFrame(scores, index=frame.index, copy=False)

    def _bounds(self, cut_offs: Sequence[float]) -> list[float]:
        bounds = [float(bound) for bound in cut_offs]
        rising = all(low < high for low, high in zip(bounds, bounds[1:], strict=False))
        if len(bounds) != len(self.tiers) or bounds[0] != 0 or not rising or bounds[-1] > 1:
            names = ", ".join(tier.name for tier in self.tiers)
            raise PackageError(f"the tiers {names} need as many rising cut-offs from 0 up to 1; got {bounds}")
        return bounds

    def score_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return one customer's probability, points where the model has them, and tier, without pandas.

        Parameters
        ----------
        record : mapping of column name to value
            Extra names are ignored; None, NaN and blank text are missing.

        Returns
        -------
        dict
            ``probability``, ``points`` where there are some, ``tier``: what ``score`` says of the same row.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not.
        """
        return self.scorer.score(record)

    def explain_record(
        self, record: Mapping[str, Any], n: int | None = None, language: str | None = None
    ) -> list[dict[str, Any]]:
        """Return what raised one customer's risk most, as ``explain`` does: a dict per reason, the greatest first."""
        most = number_of_reasons(n, self.reasons, language)
        columns = self.scorer.arrays(record)
        return [
            {key: value for key, value in reason.items() if key != "row"}
            for reason in self._reasons(columns, 1, most, language)
        ]

    def explain(self, frame: pd.DataFrame, n: int | None = None, language: str | None = None) -> pd.DataFrame:
        """Return what raised each customer's risk most, above the average customer of the training rows.

        Parameters
        ----------
        n : int, optional
            Reasons per customer at the most; the package's own number by default.
        language : {"en", "zh"}, optional
            Adds the statement of a notice; then there are four reasons at the most, and no statement occurs twice.

        Returns
        -------
        DataFrame
            One row per customer and reason: ``customer`` (the frame's index), ``rank`` (from 1), ``column``, ``value``
            (as text), ``contribution`` (log-odds above the reference, greater than 0), ``statement`` where a language
            is given. A customer with nothing above the average has no row.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not, or the index does not name a customer.
        """
        import pandas as pd

        most = number_of_reasons(n, self.reasons, language)
        columns = self.read(frame)
        _check_named(frame.index)
        found = self._reasons(columns, len(frame), most, language)
        names = ["rank", "column", "value", "contribution"] + ([] if language is None else ["statement"])
        rows = np.fromiter((reason["row"] for reason in found), dtype=np.intp, count=len(found))
        types = {"rank": np.int64, "contribution": np.float64}
        said = {name: np.array([reason[name] for reason in found], dtype=types.get(name, object)) for name in names}
        return pd.DataFrame({"customer": frame.index.to_flat_index().take(rows)} | said)

    def _reasons(self, columns: Columns, rows: int, most: int, language: str | None) -> list[dict[str, Any]]:
        names = list(self.model.kinds)
        above = self._contributions(columns, rows) - np.array([self.reference[name] for name in names])
        texts = None if language is None else [self.statement(name, language) for name in names]
        order = ranked(above, most, None if texts is None else groups_of(texts))
        found = []
        for row, rank in zip(*(places.tolist() for places in np.nonzero(order >= 0)), strict=True):
            place = order[row, rank]
            reason = {
                "row": row,
                "rank": rank + 1,
                "column": names[place],
                "value": value_text(columns[names[place]][row]),
                "contribution": float(above[row, place]),
            }
            found.append(reason if texts is None else reason | {"statement": texts[place]})
        return found

    def statement(self, column: str, language: str) -> str:
        """Return what a notice says of a column, in "en" or "zh"."""
        return statement(column, language, self.statements, self._descriptions)

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        return {column["name"]: column.get("description") or "" for column in self.columns}

    @cached_property
    def scorer(self) -> Scorer:
        """The model, ready for one customer at a time."""
        from .single import Scorer

        return Scorer(self)

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Compare a table with the training rows: what breaks the schema, lies out of range, or has moved.

        Returns
        -------
        DataFrame
            One row per column, and one for ``probability`` where the table can be scored: ``column``, ``status``
            (stable, watch, act, broken, or unknown without training's distributions), ``psi``, ``missing`` and
            ``missing_in_training`` (shares), ``out_of_range`` (numbers beyond training's), ``unseen`` (rows with a
            level that training never saw), ``message``. Nothing in the table makes it fail.
        """
        from .drift_check import Check

        found = Check(self)
        found.add(frame)
        return found.table()

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the log-odds that each column adds to ``model.base``, shape (n, columns); higher is riskier."""
        import pandas as pd

        columns = self.read(frame)
        values = self._contributions(columns, len(frame))
        return pd.DataFrame(values, index=frame.index, columns=list(self.model.kinds))

    def schema(self) -> pd.DataFrame:
        """Return the columns that a table must have.

        Returns
        -------
        DataFrame of shape (columns, 8)
            ``name``, ``kind`` (numeric or categorical), ``description``, ``special`` (codes), ``min`` and ``max``
            (numeric, in training), ``levels`` (categorical, in training), ``missing`` (share in training).
        """
        import pandas as pd

        names = ["name", "kind", "description", "special", "min", "max", "levels", "missing"]
        table = pd.DataFrame([{key: column.get(key) for key in names} for column in self.columns], columns=names)
        return table.astype({"min": "float64", "max": "float64", "missing": "float64"})

    def read(self, frame: pd.DataFrame) -> Columns:
        """Return the columns that the model reads as arrays.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not.
        """
        import pandas as pd

        if not isinstance(frame, pd.DataFrame):
            raise PackageError(f"customers are expected as a pandas DataFrame; got {type(frame).__name__}")
        try:
            columns = read_columns(frame, self.model.kinds)
        except ValueError as error:
            raise PackageError(str(error)) from None
        if self.unseen == "refuse":
            self._refuse_unseen(frame, columns)
        return columns

    def _refuse_unseen(self, frame: pd.DataFrame, columns: Columns) -> None:
        for column in self.columns:
            if column["kind"] == "categorical":
                known = {*column["levels"], *column["special"], None}
                values = columns[column["name"]]
                new = np.fromiter((value not in known for value in values), dtype=bool, count=len(values))
                if new.any():
                    first = int(np.flatnonzero(new)[0])
                    raise PackageError(
                        f"column {column['name']!r}, row {shown(frame.index[first])}: {values[first]!r} was never seen "
                        f"in training; known: {', '.join(map(repr, column['levels']))}"
                    )

    # A model without columns, or a table without rows, still has an answer for every row.

    def _margin(self, columns: Columns, rows: int) -> tuple[Floats, Floats | None]:
        model = self.model
        if not isinstance(model, (Additive, Segmented)) or model.base_points is None:
            return (model.margin(columns) if columns and rows else np.full(rows, model.base)), None
        if not columns or not rows:
            return np.full(rows, model.base), np.full(rows, model.base_points)
        if isinstance(model, Additive):
            return model.margin_and_points(columns)
        return model.margin(columns), model.points(columns)

    def _contributions(self, columns: Columns, rows: int) -> Floats:
        return self.model.contributions(columns) if columns and rows else np.zeros((rows, len(columns)))


def _check_named(index: pd.Index) -> None:
    if index.nlevels == 1 and index.hasnans:
        first = int(index.isna().argmax()) + 1
        raise PackageError(
            f"the table's index, row {first}: a customer without a name ({shown(index[first - 1])}); "
            "give each row one, or number the rows: frame.reset_index()"
        )


def _tier_numbers(chance: Floats, bounds: Sequence[float]) -> NDArray[np.intp]:
    """Return the place of each probability's tier, shape (n,)."""
    # The lowest tier begins at 0; to compare with the few others is faster than to search among them.
    places = np.zeros(len(chance), dtype=np.intp)
    for bound in bounds[1:]:
        places += chance >= bound
    return places
