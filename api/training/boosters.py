"""XGBoost and LightGBM as ONNX by onnxmltools: an extra, of which nothing is imported without one.

Both packages follow scikit-learn's interface. What their converters get wrong (1.16) is found by
`training.parity`; `docs/estimators.md` lists it.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import BaseEstimator, is_classifier

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""Newer ones are refused by the converters."""
CONVERTERS = {
    "lightgbm": ("onnxmltools.convert.lightgbm.operator_converters.LightGbm", "convert_lightgbm"),
    "xgboost": ("onnxmltools.convert.xgboost.operator_converters.XGBoost", "convert_xgboost"),
}
"""Module and function for the estimators of a package."""


def package_of(part: BaseEstimator) -> str:
    """Return the package that an estimator's class is defined in."""
    return type(part).__module__.partition(".")[0]


def prepare(part: BaseEstimator) -> bool:
    """Make an estimator of these packages known to skl2onnx; tell whether it is one.

    Without onnxmltools nothing is done, and skl2onnx says that it has no converter.
    """
    package = package_of(part)
    if package not in CONVERTERS or find_spec("onnxmltools") is None:
        return False
    module, function = CONVERTERS[package]
    convert = getattr(import_module(module), function)

    def converter(scope: Any, operator: Any, container: Any) -> None:
        convert(scope, operator, _RoundingDown(container))

    kind = type(part)
    shapes, options = calculate_linear_regressor_output_shapes, {}
    if is_classifier(part):
        shapes = calculate_linear_classifier_output_shapes
        # A vote asks for the second.
        options = {name: [True, False] for name in ("zipmap", "nocl")}
    alias = f"{package}.{kind.__name__}"
    update_registered_converter(kind, alias, shapes, converter, options=options)
    if package == "xgboost" and part.__sklearn_is_fitted__():  # a vote holds it unfitted too
        # It has the names of the table's columns; the converter takes their positions alone.
        part.get_booster().feature_names = None
    return True


class _RoundingDown:
    """Takes the nodes that a converter writes, and passes on a tree's thresholds in float32.

    LightGBM has them in double precision. To the nearest float32, as the converter rounds them, a
    threshold would move to where a value of the data may be.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
        """Add a node."""
        if op_type.startswith("TreeEnsemble"):
            values = np.array(attributes["nodes_values"], np.float64)
            up_to = np.array(attributes["nodes_modes"]) == "BRANCH_LEQ"
            attributes["nodes_values"] = np.where(up_to, _rounded_down(values), values)
        self._container.add_node(op_type, inputs, outputs, **attributes)


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return thresholds that the same values of float32 are up to."""
    with np.errstate(over="ignore"):  # where only what is missing goes to the right
        nearest = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest).astype(np.float32)
