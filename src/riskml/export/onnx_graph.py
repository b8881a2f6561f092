"""A graph of ONNX, put together node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import ModelProto, TensorProto, helper, numpy_helper

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
