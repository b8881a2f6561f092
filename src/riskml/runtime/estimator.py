"""Scikit-learn estimator as a model, stored by skops, which loads only types that are named here."""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checksums import PackageError
from .encoding import Columns, Encoding, row_count
from .frame import Floats

LIBRARIES = ("scikit-learn", "skops")  # names of the packages that load an estimator
# Types that skops leaves to its user. Functions are not among them, nor classes outside of scikit-learn.
TRUSTED = (
    "builtins.object",
    "collections.OrderedDict",
    "numpy.dtype",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.link.Interval",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)
_CELLS = 200_000  # rows of one call, while reasons are computed
_EPOCH = (1980, 1, 1, 0, 0, 0)  # time of every file in the archive: the same estimator gives the same bytes


@dataclass(frozen=True)
class Estimator:
    """A fitted classifier of scikit-learn, and rows of the training set against which its reasons are measured."""

    kinds: dict[str, str]
    encoding: Encoding | None  # None: the estimator reads a frame of raw columns
    fill: tuple[float | None, ...]  # value of a missing cell by column of the encoding; None: missing as it is
    floor: float  # least distance of a probability from 0 and 1
    background: Mapping[str, tuple[Any, ...]]  # values of some training rows by column
    estimator: Any

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        if not row_count(columns):
            return np.zeros(0)
        chance = np.asarray(self.estimator.predict_proba(self.table(columns)), dtype=np.float64)[:, 1]
        if not np.isfinite(chance).all():
            raise PackageError(f"{type(self.estimator).__name__}: predict_proba returned a value that is no number")
        chance = np.clip(chance, self.floor, 1.0 - self.floor)
        return np.asarray(np.log(chance) - np.log1p(-chance))

    def table(self, columns: Columns) -> Any:
        """Return columns as the estimator reads them: a frame, or a matrix of numbers."""
        if self.encoding is None:
            return frame_of(columns, self.kinds)
        matrix = self.encoding.matrix(columns).astype(np.float64)
        for position, value in enumerate(self.fill):
            if value is not None:
                matrix[np.isnan(matrix[:, position]), position] = value
        return matrix

    @cached_property
    def _background(self) -> dict[str, NDArray[Any]]:
        return {
            name: np.array(self.background[name], dtype=np.float64 if kind == "numeric" else object)
            for name, kind in self.kinds.items()
        }

    @cached_property
    def base(self) -> float:
        """Mean log-odds of the background rows."""
        return float(self.margin(self._background).mean())

    def contributions(self, columns: Columns) -> Floats:
        """Return Shapley values against the background rows, shape (n, columns).

        Columns of a background row are replaced by the customer's one after another, in a random order and in the
        reverse of it (Štrumbelj and Kononenko 2014); the changes add up to the margin exactly.
        """
        rows, names = row_count(columns), list(self.kinds)
        out = np.zeros((rows, len(names)))
        orders = self._orders()
        part = max(1, _CELLS // (len(orders) * (len(names) + 1)))
        for start in range(0, rows, part):
            piece = {name: values[start : start + part] for name, values in columns.items()}
            out[start : start + part] = self._values(piece, orders)
        return out

    def _orders(self) -> NDArray[np.intp]:
        """Return the order in which columns are replaced, for each background row, shape (rows, columns)."""
        draw = np.random.default_rng(0)
        count = row_count(self._background)
        half = [draw.permutation(len(self.kinds)) for _ in range((count + 1) // 2)]
        return np.array([order[::turn] for order in half for turn in (1, -1)][:count])

    def _values(self, columns: Columns, orders: NDArray[np.intp]) -> Floats:
        count, width = orders.shape
        place = np.argsort(orders, axis=1)  # of each column in an order
        steps = np.arange(width + 1)
        mixed = {}
        for position, name in enumerate(self.kinds):
            replaced = place[:, position, None] < steps
            mixed[name] = np.where(
                replaced, columns[name][:, None, None], self._background[name][None, :, None]
            ).reshape(-1)
        changes = np.diff(self.margin(mixed).reshape(-1, count, width + 1), axis=2)
        return np.asarray(np.take_along_axis(changes, place[None], axis=2).mean(axis=1))

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types, with the estimator as a blob of skops."""
        name = f"estimator-{len(blobs)}.skops"
        blobs[name] = written(self.estimator)
        return {
            "kind": "estimator",
            "columns": dict(self.kinds),
            "encoding": self.encoding and self.encoding.to_list(),
            "fill": list(self.fill),
            "floor": self.floor,
            "background": {
                column: [None if value is None or value != value else value for value in values]
                for column, values in self.background.items()
            },
            "estimator": name,
        }

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Estimator:
        """Return the model that ``to_dict`` wrote."""
        encoding = payload["encoding"] and Encoding.from_list(payload["encoding"])
        background = {name: tuple(values) for name, values in payload["background"].items()}
        fill, floor = tuple(payload["fill"]), payload["floor"]
        return cls(payload["columns"], encoding, fill, floor, background, loaded(blobs[payload["estimator"]]))


def frame_of(columns: Columns, kinds: Mapping[str, str]) -> Any:
    """Return columns as a pandas frame: numbers as float64, levels as text, missing as NaN."""
    import pandas as pd

    table: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = columns[name]
        if kind != "numeric":
            values = values.astype(object)
            values[[value is None for value in values]] = np.nan
        # pandas 3 would make text a type of its own.
        table[name] = values if kind == "numeric" else pd.Series(values, dtype=object)
    return pd.DataFrame(table)


def untrusted(estimator: Any) -> list[str]:
    """Return the types of an estimator that no package loads; an estimator that cannot be stored is one itself."""
    import skops.io

    try:
        content = skops.io.dumps(estimator)
    except Exception:  # skops raises what the object's own methods raise
        return [f"{type(estimator).__module__}.{type(estimator).__qualname__}"]
    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))


def written(estimator: Any) -> bytes:
    """Return an estimator as bytes, which are the same for the same estimator."""
    import skops.io

    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator)))
    schema = source.read("schema.json").decode("utf-8")
    # Objects and files are named by addresses in memory: they are numbered in the order of mention instead.
    count = itertools.count()
    schema = re.sub(r'(?<="__id__": )\d+', lambda _: str(next(count)), schema)
    mentioned = re.findall(r'"file": "([^"]+)"', schema)
    names = {name: f"{number}{Path(name).suffix}" for number, name in enumerate(dict.fromkeys(mentioned))}
    schema = re.sub(r'(?<="file": ")[^"]+', lambda match: names[match[0]], schema)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json", _EPOCH), schema, zipfile.ZIP_DEFLATED)
        for name, renamed in names.items():
            archive.writestr(zipfile.ZipInfo(renamed, _EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def loaded(content: bytes) -> Any:
    """Return an estimator from its bytes; a type that is not trusted, or a tree out of bounds, is refused."""
    import skops.io

    damage = (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError)
    try:
        types = set(skops.io.get_untrusted_types(data=content))
    except damage as error:
        raise PackageError(f"the estimator cannot be read: {type(error).__name__}") from None
    others = sorted(types - set(TRUSTED))
    if others:
        raise PackageError(f"the estimator holds types that are not trusted: {', '.join(others)}")
    try:
        estimator = skops.io.loads(content, trusted=sorted(types))
    except damage as error:
        raise PackageError(f"the estimator cannot be read: {type(error).__name__}") from None
    for tree in _trees(estimator, set()):
        count = tree.node_count
        children = np.concatenate([tree.children_left, tree.children_right])
        if (children >= count).any() or (children < -1).any() or (tree.feature >= tree.n_features).any():
            raise PackageError("the estimator has a tree whose nodes are out of bounds")
    return estimator


def _trees(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the trees of an estimator, wherever they are."""
    if id(value) in seen or isinstance(value, (str, bytes, int, float)):
        return
    seen.add(id(value))
    if hasattr(value, "children_left") and hasattr(value, "node_count"):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _trees(part, seen)
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        for part in np.ravel(value) if isinstance(value, np.ndarray) else value:
            yield from _trees(part, seen)
    elif type(value).__module__.partition(".")[0] == "sklearn" and hasattr(value, "__dict__"):
        yield from _trees(vars(value), seen)
