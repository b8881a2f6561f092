"""Model artifact: a fitted model with its schema, tiers and reasons, loaded from a folder of checksummed files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .additive import Additive, Segmented
from .checksums import FORMAT, MANIFEST, PackageError, digest, read_manifest, verified
from .dataframes import as_pandas, like
from .derived import Derivation, computed, step_from_dict
from .distribution import Distribution
from .drift_check import DriftCheck
from .encoding import Columns
from .frame import Floats, literal
from .frame import columns as read_columns
from .input_counts import InputCounts
from .model import Model, model_from_dict, probability
from .reasons import MISSING, groups_of, number_of_reasons, ranked, statement, value_text

if TYPE_CHECKING:
    import pandas as pd

    from .single import Scorer

__all__ = ["FORMAT", "MANIFEST", "MISSING", "Artifact", "PackageError", "Tier", "digest", "tier_numbers"]


@dataclass(frozen=True)
class Tier:
    """A band of probability, up to and excluding the lower bound of the next tier."""

    name: str
    from_probability: float
    treatment: str = ""


@dataclass(frozen=True)
class Artifact:
    """A fitted model and its description."""

    name: str
    version: str
    family: str  # scorecard, segmented scorecard, logistic, tree, boosting, ebm, lightgbm, catboost or blend
    title: str  # the question in words
    task: str  # "default" or "churn"
    target: str  # the outcome column
    event: bool | int | float | str  # the outcome value whose probability is predicted
    unseen: str  # "score" or "refuse": levels not seen in training
    columns: tuple[Mapping[str, Any], ...]  # the schema, an entry per column that the model reads
    tiers: tuple[Tier, ...]  # from the lowest probability to the highest
    reasons: int  # default number of reasons per customer
    reference: Mapping[str, float]  # mean contribution of each column in training, log-odds
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]  # number of rows and events
    requires: tuple[str, ...]  # requirements as in package metadata
    model: Model = field(repr=False)
    statements: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)  # column, language: text
    distributions: Mapping[str, Distribution] = field(default_factory=dict, repr=False)  # training; and "probability"
    derivation: Derivation = field(default=Derivation(), repr=False)
    raw: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)  # columns that derived ones alone read

    @classmethod
    def load(cls, folder: str | Path) -> Artifact:
        """Read an artifact folder; a missing or altered file, or an unknown format, raises a PackageError."""
        folder = Path(folder)
        manifest = read_manifest(folder / MANIFEST)
        blobs = {name: verified(folder, name, expected) for name, expected in manifest["files"].items()}
        try:
            model = model_from_dict(manifest["model"], blobs)
            nothing = {name: _missing(kind) for name, kind in model.kinds.items()}
            margin_and_points(model, nothing, 1)
            distributions = manifest.get("distributions", {})
            learned = {name: Distribution.from_dict(payload) for name, payload in distributions.items()}
            tiers = tuple(Tier(**tier) for tier in manifest["tiers"])
            derivation = _derivation(manifest, blobs)
        except ImportError as error:
            raise PackageError(f"this model requires {error.name}: pip install {error.name}") from None
        except PackageError:
            raise
        except Exception as error:  # whatever a library raises of damaged trees
            raise PackageError(
                f"the model file is damaged: {type(error).__name__}: {error}: {folder / MANIFEST}"
            ) from None
        keys = ("name", "version", "family", "title", "task", "target", "event", "unseen", "reasons", "reference")
        return cls(
            **{key: manifest[key] for key in (*keys, "metrics", "training")},
            columns=tuple(manifest["schema"]),
            tiers=tiers,
            requires=tuple(manifest["requires"]),
            model=model,
            statements=manifest.get("statements", {}),
            distributions=learned,
            derivation=derivation,
            raw=tuple(manifest.get("inputs", ())),
        )

    def score(
        self, frame: Any, cut_offs: Sequence[float] | None = None, inputs: InputCounts | None = None
    ) -> pd.DataFrame:
        """Return ``probability``, ``points`` (if the model has them) and ``tier`` of each row, with the same index.

        The cells are added to ``inputs``, see ``input_counts``.
        """
        import pandas as pd

        table, frame = frame, _pandas(frame)
        bounds = [tier.from_probability for tier in self.tiers] if cut_offs is None else self._bounds(cut_offs)
        columns = self.read(frame)
        if inputs is not None:
            inputs.add(columns)
        margin, points = margin_and_points(self.model, columns, len(frame))
        chance = probability(margin)
        scores: dict[str, Any] = {"probability": chance}
        if points is not None:
            scores["points"] = points
        # Text is created once per tier, not once per customer.
        names: Any = pd.Series([tier.name for tier in self.tiers]).array
        scores["tier"] = names.take(tier_numbers(chance, bounds))
        return like(table, pd.DataFrame(scores, index=frame.index, copy=False))

    def _bounds(self, cut_offs: Sequence[float]) -> list[float]:
        bounds = [float(bound) for bound in cut_offs]
        rising = all(low < high for low, high in zip(bounds, bounds[1:], strict=False))
        if len(bounds) != len(self.tiers) or bounds[0] != 0 or not rising or bounds[-1] > 1:
            names = ", ".join(tier.name for tier in self.tiers)
            raise PackageError(
                f"cut_offs must be {len(self.tiers)} increasing lower bounds from 0 to 1 (tiers {names}); got {bounds}"
            )
        return bounds

    def score_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the scores of one customer, equal to those of ``score`` for the same row, without pandas."""
        return self.scorer.score(record)

    def explain_record(
        self, record: Mapping[str, Any], n: int | None = None, language: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the reasons of one customer as ``explain`` does, a dict per reason, the largest first."""
        most = number_of_reasons(n, self.reasons, language)
        reasons = self._reasons(self.scorer.arrays(record), 1, most, language)
        return [{key: value for key, value in reason.items() if key != "row"} for reason in reasons]

    def explain(self, frame: Any, n: int | None = None, language: str | None = None) -> pd.DataFrame:
        """Return the reasons of each customer, a row per customer and reason; see ``riskml.runtime.api.explain``."""
        import pandas as pd

        most = number_of_reasons(n, self.reasons, language)
        table, frame = frame, _pandas(frame)
        columns = self.read(frame)
        _check_named(frame.index)
        reasons = self._reasons(columns, len(frame), most, language)
        names = ["rank", "column", "value", "contribution"] + ([] if language is None else ["statement"])
        rows = np.fromiter((reason["row"] for reason in reasons), dtype=np.intp, count=len(reasons))
        types = {"rank": np.int64, "contribution": np.float64}
        data = {name: np.array([reason[name] for reason in reasons], dtype=types.get(name, object)) for name in names}
        return like(table, pd.DataFrame({"customer": frame.index.to_flat_index().take(rows)} | data))

    def _reasons(self, columns: Columns, rows: int, most: int, language: str | None) -> list[dict[str, Any]]:
        names = list(self.model.kinds)
        above = self._contributions(columns, rows) - np.array([self.reference[name] for name in names])
        texts = None if language is None else [self.statement(name, language) for name in names]
        order = ranked(above, most, None if texts is None else groups_of(texts))
        reasons = []
        for row, rank in zip(*(positions.tolist() for positions in np.nonzero(order >= 0)), strict=True):
            position = order[row, rank]
            reason = {
                "row": row,
                "rank": rank + 1,
                "column": names[position],
                "value": value_text(columns[names[position]][row]),
                "contribution": float(above[row, position]),
            }
            reasons.append(reason if texts is None else reason | {"statement": texts[position]})
        return reasons

    def statement(self, column: str, language: str) -> str:
        """Return the text of a column in an adverse-action notice, in "en" or "zh"."""
        return statement(column, language, self.statements, self._descriptions)

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        return {column["name"]: column.get("description") or "" for column in self.columns}

    @cached_property
    def _known_levels(self) -> dict[str, frozenset[Any]]:
        """The accepted values of each categorical column; empty if unseen levels are scored."""
        return {
            column["name"]: frozenset([*column["levels"], *column["special"], None])
            for column in self.columns
            if self.unseen == "refuse" and column["kind"] == "categorical"
        }

    @cached_property
    def missing_words(self) -> dict[str, frozenset[str]]:
        """The words that stand for a missing value, of each column that has some."""
        return {
            column["name"]: frozenset(column["missing_words"])
            for column in (*self.columns, *self.raw)
            if column.get("missing_words")
        }

    @cached_property
    def scorer(self) -> Scorer:
        """The scoring function for single records."""
        from .single import Scorer

        bounds, names = [tier.from_probability for tier in self.tiers], [tier.name for tier in self.tiers]
        return Scorer(self.model, bounds, names, self._known_levels, self.missing_words, self.derivation)

    def input_counts(self) -> InputCounts:
        """Return counts of unseen levels and missing cells, for ``score`` to add to."""
        return InputCounts(self.columns)

    def drift_check(self) -> DriftCheck:
        """Return a comparison with the training rows, to which tables are added."""
        return DriftCheck(self.columns, self.distributions, self.score, self.values)

    def check(self, frame: Any) -> pd.DataFrame:
        """Return a row per column on schema violations and drift; see ``riskml.runtime.api.check``."""
        check = self.drift_check()
        check.add(_pandas(frame))
        return like(frame, check.table())

    def contributions(self, frame: Any) -> pd.DataFrame:
        """Return the log-odds that each column adds to ``model.base``, shape (n, columns); higher is riskier."""
        import pandas as pd

        table, frame = frame, _pandas(frame)
        values = self._contributions(self.read(frame), len(frame))
        return like(table, pd.DataFrame(values, index=frame.index, columns=list(self.model.kinds)))

    def schema(self) -> pd.DataFrame:
        """Return the columns that a table must have, a row each; see ``riskml.runtime.api.schema``."""
        import pandas as pd

        names = ["name", "kind", "description", "special", "min", "max", "levels", "missing"]
        table = pd.DataFrame([{key: column.get(key) for key in names} for column in self.inputs], columns=names)
        return table.astype({"min": "float64", "max": "float64", "missing": "float64"})

    @cached_property
    def inputs(self) -> tuple[Mapping[str, Any], ...]:
        """The schema of the raw columns that a table must have."""
        return (*(column for column in self.columns if column["name"] not in self.derivation.made), *self.raw)

    def kinds_read(self, names: Collection[str]) -> dict[str, str]:
        """Return the kinds of the columns that are read from a table with some columns."""
        return self.derivation.plan(self.model.kinds, names)[0]

    def values(self, frame: pd.DataFrame, kinds: Mapping[str, str]) -> Columns:
        """Return raw or derived columns as arrays; a missing column or an invalid value raises a ValueError."""
        read, steps = self.derivation.plan(kinds, [str(name) for name in frame.columns])
        columns = read_columns(frame, read, self.missing_words)
        every = computed(columns, steps, len(frame))
        return {name: every[name] for name in kinds}

    def read(self, frame: Any) -> Columns:
        """Return the columns of the model as arrays; a missing column or an invalid value raises a PackageError."""
        frame = _pandas(frame)
        try:
            columns = self.values(frame, self.model.kinds)
        except ValueError as error:
            raise PackageError(str(error)) from None
        for name, known in self._known_levels.items():
            values = columns[name]
            new = np.fromiter((value not in known for value in values), dtype=bool, count=len(values))
            if new.any():
                first = int(np.flatnonzero(new)[0])
                levels = next(column["levels"] for column in self.columns if column["name"] == name)
                raise PackageError(
                    f"column {name!r}, row {literal(frame.index[first])}: level {values[first]!r} was not seen in "
                    f"training; known levels: {', '.join(map(repr, levels))}"
                )
        return columns

    def _contributions(self, columns: Columns, rows: int) -> Floats:
        return self.model.contributions(columns) if columns and rows else np.zeros((rows, len(columns)))


def margin_and_points(model: Model, columns: Columns, rows: int) -> tuple[Floats, Floats | None]:
    """Return log-odds, and points if the model has them; also without columns there is a value for every row."""
    if not isinstance(model, (Additive, Segmented)) or model.base_points is None:
        return (model.margin(columns) if columns and rows else np.full(rows, model.base)), None
    if not columns or not rows:
        return np.full(rows, model.base), np.full(rows, model.base_points)
    if isinstance(model, Additive):
        return model.margin_and_points(columns)
    return model.margin(columns), model.points(columns)


def _missing(kind: str) -> NDArray[Any]:
    """Return a column of one missing value."""
    return np.array([np.nan]) if kind == "numeric" else np.array([None], dtype=object)


def _derivation(manifest: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Derivation:
    columns = {column["name"]: column["kind"] for column in (*manifest.get("inputs", ()), *manifest["schema"])}
    return Derivation(tuple(step_from_dict(step, blobs) for step in manifest.get("derive", ())), columns)


def _pandas(table: Any) -> pd.DataFrame:
    try:
        frame = as_pandas(table)
    except ValueError as error:
        raise PackageError(f"customers: {error}") from None
    if frame is None:
        raise PackageError(
            f"customers must be a table of pandas, polars, Arrow or another library that narwhals reads; got "
            f"{type(table).__name__}"
        )
    return frame


def _check_named(index: pd.Index) -> None:
    if index.nlevels == 1 and index.hasnans:
        first = int(index.isna().argmax()) + 1
        raise PackageError(
            f"index, row {first}: the customer has no identifier ({literal(index[first - 1])}); "
            "give each row one, or number the rows: frame.reset_index()"
        )


def tier_numbers(chance: Floats, bounds: Sequence[float]) -> NDArray[np.intp]:
    """Return the position of the tier of each probability, shape (n,)."""
    # The lowest tier starts at 0; comparing with the few other bounds is faster than a binary search.
    positions = np.zeros(len(chance), dtype=np.intp)
    for bound in bounds[1:]:
        positions += chance >= bound
    return positions
