"""The ONNX graph around a converted estimator, so that it takes what the service encodes.

In front, the matrix of codes is cut into columns, and a code becomes the text or the number that it
stands for. Behind, every output is brought within its range; where the estimator does not choose
the most probable class, the position of the class that it chooses follows the probabilities.
"""

from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from app.features import ANSWER, CLASSES, FEATURES, HIGH, LOW, Feature

MATRIX, OUTPUTS = "rows", "outputs"
MISSING_TEXT = "nan"
"""What skl2onnx makes of a missing value among the categories of an encoder (1.20)."""
OLDEST_OPSETS = {"": 13, "ai.onnx.ml": 2}
"""They have the operators below in the form used here."""

Input = tuple[str, FloatTensorType | StringTensorType]


def is_text(feature: Feature) -> bool:
    """Tell whether a feature is a category with text for values."""
    return feature.type == "string"


def one_input() -> list[Input]:
    """Return the only input of an estimator that takes the matrix as it is."""
    return [(MATRIX, FloatTensorType([None, len(FEATURES)]))]


def inputs_by_column() -> list[Input]:
    """Return an input for each feature, by its name."""
    return [
        (f.name, StringTensorType([None, 1]) if is_text(f) else FloatTensorType([None, 1]))
        for f in FEATURES
    ]


def complete(model: ModelProto, *, own_choice: bool) -> bytes:
    """Return the bytes of a converted estimator with what it lacks in front and behind.

    With `own_choice` the position of the estimator's class is the last column of the outputs.
    """
    graph = model.graph
    if [given.name for given in graph.input] != [MATRIX]:
        _cut_into_columns(graph)
    _bring_within_range(graph, own_choice)
    versions = {opset.domain: opset.version for opset in model.opset_import}
    for domain, oldest in OLDEST_OPSETS.items():
        versions[domain] = max(versions.get(domain, 0), oldest)
    del model.opset_import[:]
    # The converter lists them in an order that varies with PYTHONHASHSEED.
    model.opset_import.extend(helper.make_opsetid(*found) for found in sorted(versions.items()))
    content: bytes = model.SerializeToString()
    return content


def _constant(graph: GraphProto, name: str, values: object, dtype: type) -> str:
    name = f"{OUTPUTS}.{name}"
    graph.initializer.append(numpy_helper.from_array(np.array(values, dtype), name))
    return name


def _cut_into_columns(graph: GraphProto) -> None:
    """Put in front what makes each feature's input of its column of the matrix."""
    taken = {given.name for given in graph.input}
    front = []
    for position, feature in enumerate(FEATURES):
        name = feature.name
        if name not in taken:
            continue  # the estimator leaves the column out
        code = f"{MATRIX}.{name}"
        index = _constant(graph, f"{code}.position", [position], np.int64)
        column = name if feature.is_numeric else code
        front.append(helper.make_node("Gather", [MATRIX, index], [column], axis=1))
        if not feature.is_numeric:
            front.append(helper.make_node("Cast", [code], [f"{code}.code"], to=TensorProto.INT64))
            values = _values(feature)
            values["keys_int64s"] = range(len(feature.categories))
            front.append(_encode(f"{code}.code", name, values))
    nodes = [*front, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    shape = [None, len(FEATURES)]
    graph.input.append(helper.make_tensor_value_info(MATRIX, TensorProto.FLOAT, shape))


def _encode(given: str, made: str, pairs: dict[str, Any]) -> NodeProto:
    return helper.make_node("LabelEncoder", [given], [made], domain="ai.onnx.ml", **pairs)


def _values(feature: Feature) -> dict[str, Any]:
    if is_text(feature):
        return {"values_strings": feature.categories, "default_string": MISSING_TEXT}
    return {"values_floats": map(float, feature.categories), "default_float": float("nan")}


def _bring_within_range(graph: GraphProto, own_choice: bool) -> None:
    """Put behind the last output what cuts it off at the ends of its range."""
    *label, found = (output.name for output in graph.output)
    width = 1 if ANSWER.is_numeric else len(CLASSES)
    shape = _constant(graph, "shape", [-1, width], np.int64)
    low, high = (_constant(graph, f"{end:g}", end, np.float32) for end in (LOW, HIGH))
    bounded = "bounded" if own_choice else OUTPUTS
    if graph.output[-1].type.tensor_type.elem_type == TensorProto.DOUBLE:
        graph.node.append(helper.make_node("Cast", [found], ["single"], to=TensorProto.FLOAT))
        found = "single"
    graph.node.extend([
        helper.make_node("Reshape", [found, shape], ["shaped"]),
        helper.make_node("Clip", ["shaped", low, high], [bounded]),
    ])  # fmt: skip
    if own_choice:
        one = _constant(graph, "column", [-1, 1], np.int64)
        text = isinstance(CLASSES[0], str)
        keys: dict[str, Any] = {"values_floats": map(float, range(len(CLASSES)))}
        keys |= {"keys_strings": CLASSES} if text else {"keys_int64s": map(int, CLASSES)}
        graph.node.extend([
            _encode(label[0], "choice", keys),
            helper.make_node("Reshape", ["choice", one], ["chosen"]),
            helper.make_node("Concat", [bounded, "chosen"], [OUTPUTS], axis=1),
        ])  # fmt: skip
    del graph.output[:]
    shape_out = [None, width + own_choice]
    graph.output.append(helper.make_tensor_value_info(OUTPUTS, TensorProto.FLOAT, shape_out))
