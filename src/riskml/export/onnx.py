"""ONNX graph of a model: numbers and texts in; probability, points and tier out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from onnx import ModelProto, TensorProto, helper, numpy_helper

from riskml.errors import InputError
from riskml.export.onnx_expression import ExpressionNodes
from riskml.export.sql import as_double
from riskml.io import replacing
from riskml.runtime.additive import Additive, Pairwise, Segmented
from riskml.runtime.boosted import Boosting
from riskml.runtime.derived import Formula
from riskml.runtime.derived import Step as DerivedStep
from riskml.runtime.encoding import LARGEST, Encoding
from riskml.runtime.forest import Forest, read_xgboost
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import Blend, Model, Tree
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Line, Shape, Step

OPSET, ML_OPSET, IR = 18, 3, 9  # old enough for the runtimes that people have
ML = "ai.onnx.ml"


class Graph:
    """Names every result, and keeps the nodes and constants."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, values: ArrayLike, dtype: type | np.dtype[Any] = np.float64) -> str:
        """Return the name of a constant tensor."""
        name = f"constant_{len(self._constants)}"
        array = np.asarray(values, dtype=object if dtype is str else dtype)
        if dtype is str:
            texts: Any = [str(text).encode() for text in array.ravel().tolist()]
            tensor = helper.make_tensor(name, TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        self._constants.append(tensor)
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Return the name of an operator's result."""
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def rename(self, result: str, name: str) -> None:
        """Give a result the name of an output."""
        self._nodes.append(helper.make_node("Identity", [result], [name], name=f"output_{name}"))

    def model(self, name: str, inputs: list[Any], outputs: list[Any], notes: dict[str, str]) -> ModelProto:
        """Return the whole."""
        read = {one for node in self._nodes for one in node.input}
        used = [constant for constant in self._constants if constant.name in read]
        graph = helper.make_graph(self._nodes, name, inputs, outputs, initializer=used)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=sets, producer_name="riskml", ir_version=IR)
        helper.set_model_props(model, notes)
        return model


def tensor(name: str, kind: int) -> Any:
    """Return the declaration of a column of values, shape (n, 1)."""
    return helper.make_tensor_value_info(name, kind, ["n", 1])


def write_onnx(artifact: Artifact, file: str | Path) -> Path:
    """Write a model as ONNX.

    Raises
    ------
    InputError
        When the model has trees of LightGBM or CatBoost, or the file cannot be written.
    """
    content = to_onnx(artifact)
    with replacing(file) as temporary:
        temporary.write_bytes(content)
    return Path(file)


def to_onnx(artifact: Artifact) -> bytes:
    """Return a model as ONNX.

    Returns
    -------
    bytes
        An input of shape (n, 1) for each column: double (missing: NaN), or string (missing: the empty text). Outputs of
        shape (n, 1): ``probability`` and ``points`` (double), ``tier`` (string). Infinite numbers and, where the model
        refuses them, levels never seen are not refused here: check rows before.

    Raises
    ------
    InputError
        When the model has trees of LightGBM or CatBoost.
    """
    import onnx

    read, steps = artifact.derivation.plan(artifact.model.kinds, ())
    writer = _Writer(read)
    graph = writer.graph
    writer.derive(steps)
    chance = graph.op("Sigmoid", writer.margin(artifact.model))
    outputs = [tensor("probability", onnx.TensorProto.DOUBLE)]
    graph.rename(chance, "probability")
    if (points := writer.points(artifact.model)) is not None:
        graph.rename(points, "points")
        outputs.append(tensor("points", onnx.TensorProto.DOUBLE))
    bounds = graph.constant([[tier.from_probability for tier in artifact.tiers[1:]]])
    place = writer.count(graph.op("GreaterOrEqual", chance, bounds)) if len(artifact.tiers) > 1 else None
    names = graph.constant([tier.name for tier in artifact.tiers], str)
    zero = graph.op("Cast", graph.op("Mul", chance, graph.constant(0.0)), to=onnx.TensorProto.INT64)
    graph.rename(graph.op("Gather", names, place or zero), "tier")
    outputs.append(tensor("tier", onnx.TensorProto.STRING))
    kinds = {"numeric": onnx.TensorProto.DOUBLE, "categorical": onnx.TensorProto.STRING}
    inputs = [tensor(name, kinds[kind]) for name, kind in read.items()]
    notes = {"name": artifact.name, "version": artifact.version, "family": artifact.family, "title": artifact.title}
    model = graph.model(artifact.name, inputs, outputs, notes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def onnx_inputs(artifact: Artifact, frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return a table as the inputs of a model's graph."""
    texts, _ = artifact.derivation.plan(artifact.model.kinds, ())
    read = read_columns(frame, texts)
    return {
        name: (values if texts[name] == "numeric" else np.where(values == None, "", values).astype(object))[:, None]  # noqa: E711
        for name, values in read.items()
    }


_MOST = float(np.finfo(np.float64).max)


class _Writer:
    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.graph = Graph()
        self._kinds = kinds

    def derive(self, steps: Sequence[DerivedStep]) -> None:
        """Add the nodes of derived columns, under their names."""
        kinds = dict(self._kinds)
        written = ExpressionNodes(self.graph, kinds.__getitem__, lambda name, codes: self._number(name, codes, -2))
        for step in steps:
            if not isinstance(step, Formula):
                raise InputError(
                    f"ONNX of columns {step.definition} is not written: {', '.join(step.makes)}",
                    fix="use the wheel, or write them as expressions in data.derive",
                )
            # A row for every customer, also where the expression reads no column.
            self.graph.rename(self.graph.op("Add", written.finite(step.tree), self._nothing()), step.name)
            kinds |= step.makes

    # -- what is added up

    def margin(self, model: Model) -> str:
        """Return the log-odds of the event, shape (n, 1)."""
        if isinstance(model, Additive):
            return self._sum(model.intercept, [self._shape(shape) for shape in model.shapes])
        if isinstance(model, Pairwise):
            parts = [self._shape(shape) for shape in model.main.shapes]
            parts += [self._pair(pair.first, pair.second, pair.value) for pair in model.pairs]
            return self._sum(model.main.intercept, parts)
        if isinstance(model, Segmented):
            return self._segments(model, [self.margin(card) for card in model.models])
        if isinstance(model, Tree):
            return self._tree(model)
        if isinstance(model, Boosting):
            return self._boosting(model)
        if isinstance(model, Blend):
            parts = [
                self.graph.op("Mul", self.margin(part), self.graph.constant(weight))
                for weight, part in zip(model.weights, model.models, strict=True)
            ]
            return self._sum(model.intercept, parts)
        raise InputError(
            f"ONNX of {getattr(model, 'kind', 'this family')} is not written", fix="use the wheel, or another family"
        )

    def points(self, model: Model) -> str | None:
        """Return the card's points, shape (n, 1), or None where a model has none."""
        if isinstance(model, Additive) and model.base_points is not None:
            shapes = [shape for shape in model.shapes if isinstance(shape, (Step, Levels))]
            return self._sum(model.base_points, [self._gather(shape.points, self._slot(shape)) for shape in shapes])
        if isinstance(model, Segmented) and model.base_points is not None:
            cards = [self.points(card) for card in model.models]
            return self._segments(model, [card for card in cards if card is not None])
        return None

    def _sum(self, start: float, parts: Sequence[str]) -> str:
        total = self.graph.constant([[start]])
        if not parts and self._kinds:  # a row for every customer
            total = self.graph.op("Add", total, self._nothing())
        for part in parts:
            total = self.graph.op("Add", total, part)
        return total

    def _nothing(self) -> str:
        """Return zeros, shape (n, 1)."""
        name, kind = next(iter(self._kinds.items()))
        if kind == "numeric":
            return self._where(self.graph.op("IsNaN", name), 0.0, self.graph.constant(0.0))
        missing = self.graph.op("Equal", self._number(name, {}, 0), self.graph.constant(1, np.int64))
        return self._where(missing, 0.0, self.graph.constant(0.0))

    # -- shapes

    def _shape(self, shape: Shape) -> str:
        return self._line(shape) if isinstance(shape, Line) else self._gather(shape.value, self._slot(shape))

    def count(self, marks: str) -> str:
        """Return how many of each row's marks are true, shape (n, 1)."""
        import onnx

        numbers = self.graph.op("Cast", marks, to=onnx.TensorProto.INT64)
        return self.graph.op("ReduceSum", numbers, self.graph.constant([1], np.int64), keepdims=1)

    def _slot(self, shape: Step | Levels) -> str:
        if isinstance(shape, Levels):
            groups = len(shape.value) - 2
            # An empty text is a missing one.
            return self._number(shape.column, {**shape.levels, "": groups}, groups + 1)
        x, graph = shape.column, self.graph
        slot = graph.constant([[0]], np.int64)
        if shape.splits:
            slot = self.count(graph.op("GreaterOrEqual", x, graph.constant([shape.splits])))
        count = len(shape.splits)
        slot = graph.op("Where", graph.op("IsNaN", x), graph.constant(count + 1, np.int64), slot)
        for place, code in enumerate(shape.special):
            is_code = graph.op("Equal", x, graph.constant(code))
            slot = graph.op("Where", is_code, graph.constant(count + 2 + place, np.int64), slot)
        return slot

    def _number(self, column: str, numbers: Mapping[str, int], other: int) -> str:
        """Return the number that a text has, shape (n, 1)."""
        # A table needs a key: this one never occurs.
        known = dict(numbers) or {"\x00": other}
        return self.graph.op(
            "LabelEncoder",
            column,
            domain=ML,
            keys_strings=list(known),
            values_int64s=list(known.values()),
            default_int64=other,
        )

    def _gather(self, values: Sequence[float], slot: str) -> str:
        return self.graph.op("Gather", self.graph.constant(values), slot)

    def _where(self, condition: str, value: float, otherwise: str) -> str:
        return self.graph.op("Where", condition, self.graph.constant(value), otherwise)

    def _line(self, shape: Line) -> str:
        x, graph, count = shape.column, self.graph, len(shape.knots)
        knots, values = np.asarray(shape.knots), np.asarray(shape.value[:count])
        if count == 1:
            total = graph.constant([[values[0]]])
        else:
            clipped = graph.op("Max", graph.op("Min", x, graph.constant(knots[-1])), graph.constant(knots[0]))
            # The last knot belongs to the line before it.
            place = self.count(graph.op("GreaterOrEqual", clipped, graph.constant([knots[1:-1]])))
            if count == 2:
                place = graph.op("Mul", self.count(graph.op("IsNaN", x)), graph.constant(0, np.int64))
            rise = graph.op("Sub", clipped, self._gather(list(knots[:-1]), place))
            slope = self._gather(list(np.diff(values) / np.diff(knots)), place)
            total = graph.op("Add", graph.op("Mul", slope, rise), self._gather(list(values[:-1]), place))
        total = self._where(graph.op("IsNaN", x), shape.value[count], total)
        for place_, code in enumerate(shape.special):
            total = self._where(graph.op("Equal", x, graph.constant(code)), shape.value[count + 1 + place_], total)
        return total

    def _pair(self, first: Step | Levels, second: Step | Levels, values: Sequence[Sequence[float]]) -> str:
        width = self.graph.constant(len(values[0]), np.int64)
        slot = self.graph.op("Add", self.graph.op("Mul", self._slot(first), width), self._slot(second))
        return self._gather([value for row in values for value in row], slot)

    def _segments(self, model: Segmented, cards: Sequence[str]) -> str:
        graph = self.graph
        place = graph.constant([[0 if model.splits else ~0]], np.int64)
        # A split sends rows to later ones only, so one pass in order brings every row home.
        for number, split in enumerate(model.splits):
            to = graph.op("Gather", graph.constant(split.to, np.int64), self._slot(split.shape))
            here = graph.op("Equal", place, graph.constant(number, np.int64))
            place = graph.op("Where", here, to, place)
        total = cards[0]
        for number, card in enumerate(cards[1:], start=1):
            here = graph.op("Equal", place, graph.constant(~number, np.int64))
            total = graph.op("Where", here, card, total)
        return total

    # -- trees

    def _matrix(self, encoding: Encoding) -> str:
        """Return the matrix that trees read, as doubles, shape (n, columns)."""
        columns = []
        for name, levels in encoding.levels.items():
            if levels is None:
                columns.append(name)
            else:
                known = {level: place for place, level in enumerate(levels) if level != ""}
                place = self._number(name, known, len(levels))
                columns.append(self._gather([*levels.values(), np.nan], place))
        return columns[0] if len(columns) == 1 else self.graph.op("Concat", *columns, axis=1)

    def _tree(self, model: Tree) -> str:
        import onnx

        # Doubles are compared with the double that parts the same float32.
        bounds = [as_double(threshold) for threshold in model.threshold]
        values = [
            np.nextafter(bound, -np.inf) if not included and np.isfinite(bound) else np.clip(bound, -_MOST, _MOST)
            for bound, included in bounds
        ]
        leaf = np.asarray(model.left) < 0
        nodes = _Nodes(
            tree=np.zeros(len(leaf), dtype=int),
            node=np.arange(len(leaf)),
            feature=np.where(leaf, 0, model.feature),
            value=np.where(leaf, 0.0, values),
            mode=["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf],
            left=np.where(leaf, 0, model.left),
            right=np.where(leaf, 0, model.right),
            missing_left=np.asarray(model.missing_left),
            leaf=leaf,
            # The operator answers in float32: it names the leaf, whose value is then taken as a double.
            weight=np.arange(len(leaf), dtype=np.float64),
        )
        place = nodes.into(self.graph, self._matrix(model.encoding), np.float64)
        return self._gather(model.value, self.graph.op("Cast", place, to=onnx.TensorProto.INT64))

    def _boosting(self, model: Boosting) -> str:
        import onnx

        graph = self.graph
        matrix = self._matrix(model.encoding)
        largest = graph.constant(LARGEST)
        clipped = graph.op("Max", graph.op("Min", matrix, largest), graph.op("Neg", largest))
        matrix = graph.op("Where", graph.op("IsNaN", matrix), matrix, clipped)
        single = graph.op("Cast", matrix, to=onnx.TensorProto.FLOAT)
        parts = [self._forest(read_xgboost(content), single) for content in model.as_json()]
        return graph.op("Mul", self._sum(0.0, parts), graph.constant(1 / len(parts)))

    def _forest(self, forest: Forest, matrix: str) -> str:
        import onnx

        graph = self.graph
        columns = [matrix]
        for column, levels in forest.marks:
            values = graph.op("Gather", matrix, graph.constant([column], np.int64), axis=1)
            same = self.count(graph.op("Equal", values, graph.constant([levels], np.float32)))
            marked = graph.op("Cast", same, to=onnx.TensorProto.FLOAT)
            columns.append(graph.op("Where", graph.op("IsNaN", values), values, marked))
        sizes = np.diff([*forest.roots, len(forest.left)])
        start = np.repeat(forest.roots, sizes)
        leaf = forest.leaf
        nodes = _Nodes(
            tree=np.repeat(np.arange(len(sizes)), sizes),
            node=np.arange(len(leaf)) - start,
            feature=np.where(leaf, 0, forest.feature),
            value=np.where(leaf, 0.0, forest.threshold),
            mode=["LEAF" if is_leaf else "BRANCH_LT" for is_leaf in leaf],
            left=np.where(leaf, 0, forest.left - start),
            right=np.where(leaf, 0, forest.right - start),
            missing_left=forest.missing_left,
            leaf=leaf,
            weight=forest.threshold.astype(np.float64),
        )
        whole = graph.op("Concat", *columns, axis=1) if len(columns) > 1 else matrix
        total = graph.op("Cast", nodes.into(graph, whole, np.float32), to=onnx.TensorProto.DOUBLE)
        return graph.op("Add", total, graph.constant(forest.base))


class _Nodes:
    """The nodes of trees, as ``TreeEnsembleRegressor`` has them."""

    def __init__(self, **parts: Any) -> None:
        self._parts = parts

    def into(self, graph: Graph, matrix: str, dtype: type) -> str:
        """Return the sum of the trees' leaves, shape (n, 1)."""
        from onnx import numpy_helper

        p = self._parts
        leaves = np.flatnonzero(p["leaf"])
        plain: dict[str, Any] = {
            "nodes_treeids": _ints(p["tree"]),
            "nodes_nodeids": _ints(p["node"]),
            "nodes_featureids": _ints(p["feature"]),
            "nodes_modes": p["mode"],
            "nodes_truenodeids": _ints(p["left"]),
            "nodes_falsenodeids": _ints(p["right"]),
            "nodes_missing_value_tracks_true": _ints(p["missing_left"] & ~p["leaf"]),
            "target_treeids": _ints(p["tree"][leaves]),
            "target_nodeids": _ints(p["node"][leaves]),
            "target_ids": [0] * len(leaves),
            "n_targets": 1,
            "aggregate_function": "SUM",
            "post_transform": "NONE",
        }
        values, weights = p["value"].astype(dtype), p["weight"][leaves].astype(dtype)
        if dtype is np.float64:
            plain["nodes_values_as_tensor"] = numpy_helper.from_array(values, "values")
            plain["target_weights_as_tensor"] = numpy_helper.from_array(weights, "weights")
        else:
            plain["nodes_values"] = values.tolist()
            plain["target_weights"] = weights.tolist()
        return graph.op("TreeEnsembleRegressor", matrix, domain=ML, **plain)


def _ints(values: Any) -> list[int]:
    return [int(value) for value in values]
