"""A fitted model as a folder of files: read with its checksums, and asked for scores and reasons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .encoding import Columns
from .frame import Floats, level, shown
from .frame import columns as read_columns
from .model import Additive, Model, model_from_dict, probability
from .segmented import Segmented

FORMAT = 1
MANIFEST = "model.json"
MISSING = "missing"  # what a reason shows where nothing is known
_NOISE = 1e-12  # log-odds: a sum's rounding is no reason


class PackageError(ValueError):
    """The table, or the package's own files, cannot be used; the message says why."""


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
    model : Model
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

    @classmethod
    def load(cls, folder: str | Path) -> Artifact:
        """Read an artifact folder.

        Parameters
        ----------
        folder : path
            It holds model.json and the files that it names.

        Returns
        -------
        Artifact

        Raises
        ------
        PackageError
            When a file is missing or was altered, its format is not known here, or a needed package is not installed.
        """
        folder = Path(folder)
        said = _manifest(folder / MANIFEST)
        blobs = {name: _verified(folder, name, digest) for name, digest in said["files"].items()}
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
        )

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return each customer's probability of the event, and tier.

        Parameters
        ----------
        frame : DataFrame of shape (n, any)
            Raw columns. Extra ones are ignored, and the order is free; cells may be empty.

        Returns
        -------
        DataFrame of shape (n, 2 or 3)
            The same index; ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not.
        """
        columns = self._read(frame)
        chance = probability(self._margin(columns, len(frame)))
        points = self._points(columns, len(frame))
        scores: dict[str, Any] = {"probability": chance}
        if points is not None:
            scores["points"] = points
        bounds = [tier.from_probability for tier in self.tiers]
        names = np.array([tier.name for tier in self.tiers], dtype=object)
        scores["tier"] = names[np.searchsorted(bounds, chance, side="right") - 1]
        return pd.DataFrame(scores, index=frame.index)

    def explain(self, frame: pd.DataFrame, n: int | None = None) -> pd.DataFrame:
        """Return what raised each customer's risk most, above the average customer of the training rows.

        Parameters
        ----------
        frame : DataFrame of shape (rows, any)
        n : int, optional
            Reasons per customer at the most; the package's own number by default.

        Returns
        -------
        DataFrame
            One row per customer and reason: ``customer`` (the frame's index), ``rank`` (from 1), ``column``, ``value``
            (as text) and ``contribution`` (log-odds above the reference, greater than 0). A customer with nothing
            above the average has no row.

        Raises
        ------
        PackageError
            When columns are missing, or hold what they must not.
        """
        most = self.reasons if n is None else n
        if most < 1:
            raise PackageError(f"the number of reasons must be 1 or more; got {most}")
        columns = self._read(frame)
        names = np.array(list(self.model.kinds), dtype=object)
        above = self._contributions(columns, len(frame)) - np.array([self.reference[name] for name in names])
        order = np.argsort(-above, axis=1, kind="stable")[:, :most]
        gains = np.take_along_axis(above, order, axis=1)
        rows, ranks = np.nonzero(gains > _NOISE)
        chosen = order[rows, ranks]
        values = [_text(columns[names[column]][row]) for row, column in zip(rows, chosen, strict=True)]
        return pd.DataFrame(
            {
                "customer": frame.index.to_flat_index().take(rows),
                "rank": ranks + 1,
                "column": names[chosen],
                "value": np.array(values, dtype=object),
                "contribution": gains[rows, ranks],
            }
        )

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the log-odds that each column adds to ``model.base``, shape (n, columns); higher is riskier."""
        columns = self._read(frame)
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
        names = ["name", "kind", "description", "special", "min", "max", "levels", "missing"]
        table = pd.DataFrame([{key: column.get(key) for key in names} for column in self.columns], columns=names)
        return table.astype({"min": "float64", "max": "float64", "missing": "float64"})

    def _read(self, frame: pd.DataFrame) -> Columns:
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

    def _margin(self, columns: Columns, rows: int) -> Floats:
        return self.model.margin(columns) if columns and rows else np.full(rows, self.model.base)

    def _contributions(self, columns: Columns, rows: int) -> Floats:
        return self.model.contributions(columns) if columns and rows else np.zeros((rows, len(columns)))

    def _points(self, columns: Columns, rows: int) -> Floats | None:
        if not isinstance(self.model, (Additive, Segmented)) or self.model.base_points is None:
            return None
        return self.model.points(columns) if columns and rows else np.full(rows, self.model.base_points)


def digest(said: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that model.json says, itself left out."""
    rest = {key: value for key, value in said.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _manifest(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackageError(f"the model's file is missing: {path}") from None
    except (OSError, ValueError) as error:
        raise PackageError(f"the model's file cannot be read: {path}: {error}") from None
    found = said.get("format") if isinstance(said, dict) else None
    if found != FORMAT:
        raise PackageError(f"the model's format is {found!r}, and {FORMAT} is understood here: {path}")
    if said.get("digest") != _digest_of(said):
        raise PackageError(f"the model's file was altered, its checksum does not agree: {path}")
    return dict(said)


def _digest_of(said: Mapping[str, Any]) -> str | None:
    try:
        return digest(said)
    except ValueError:  # NaN, which was never written
        return None


def _verified(folder: Path, name: str, expected: str) -> bytes:
    if Path(name).name != name:
        raise PackageError(f"the model names a file outside its folder: {name!r}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"a file of the model is missing: {folder / name} ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise PackageError(f"a file of the model was altered, its checksum does not agree: {folder / name}")
    return content


def _text(value: Any) -> str:
    return MISSING if value is None or value != value else level(value)
