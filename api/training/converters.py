"""An estimator as ONNX by skl2onnx, with what version 1.20 leaves out or gets wrong set right.

What else it gets wrong is found by `training.parity`; `docs/estimators.md` lists it.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.tree_ensemble import sklearn_threshold
from skl2onnx.sklapi import CastTransformer
from sklearn.base import BaseEstimator, is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from training import boosters
from training.graph import MISSING_TEXT, Input

TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)
FORESTS = (ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)
BOOSTERS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
NEIGHBOURS = (KNeighborsClassifier, KNeighborsRegressor)

Converter = Callable[[Any, Any, Any], None]
"""Of a scope, an operator and a container; skl2onnx publishes no types."""


def convert(
    estimator: BaseEstimator, inputs: Sequence[Input], *, double: bool = False
) -> ModelProto:
    """Return the ONNX model of a fitted estimator, which is left as it is.

    With `double` the last step computes in float64, which not every operator has. Raises whatever
    the authors of the converters chose.
    """
    _correct_converters()
    model = deepcopy(estimator)
    if not isinstance(model, Pipeline):
        model = Pipeline([("estimator", model)])
    if double:
        model.steps.insert(-1, ("double", CastTransformer(dtype=np.float64)))
    options: dict[object, dict[str, object]] = {}
    opsets = None
    for part in _parts(model, set()):
        _prepare(part)
        if boosters.prepare(part):
            opsets = boosters.OPSETS
        if isinstance(part, StandardScaler):
            # By default it multiplies by the inverse, which moves values across a tree's splits.
            options[StandardScaler] = {"div": "div"}
        elif _by_distance(part):
            # The default runs a loop for each row, up to a hundred times slower.
            options[type(part)] = {"optim": "cdist"}
    last = model[-1]
    if isinstance(last, LinearDiscriminantAnalysis) and len(last.classes_) == 2:
        # The converter takes softmax of plus and minus, which is the logistic of twice the value.
        last.coef_, last.intercept_ = last.coef_ / 2, last.intercept_ / 2
    if is_classifier(model):
        options[id(model)] = {"zipmap": False}
    with warnings.catch_warnings():
        # The converter of SVC reads what scikit-learn 1.9 calls deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        # Without a name it gets a random one, and two runs must give the same bytes.
        converted: ModelProto = convert_sklearn(
            model,
            name="model",
            initial_types=list(inputs),
            options=options,
            target_opset=opsets,
        )
    return converted


def _parts(found: object, seen: set[int]) -> Iterator[BaseEstimator]:
    """Yield the estimators that something is or holds, however deep."""
    if id(found) in seen:
        return
    seen.add(id(found))
    if isinstance(found, dict):
        held = list(found.values())
    elif isinstance(found, list | tuple):
        held = list(found)
    elif isinstance(found, np.ndarray) and found.dtype == object:
        held = found.ravel().tolist()  # scikit-learn keeps the trees of boosting so
    elif isinstance(found, BaseEstimator):
        yield found
        held = list(vars(found).values())
    else:
        return
    for part in held:
        yield from _parts(part, seen)


def _prepare(part: BaseEstimator) -> None:
    """Change what the converter would refuse and what changes no answer of a fitted estimator."""
    if isinstance(part, SimpleImputer):
        # A ColumnTransformer holds each step twice, also as it was before it was fitted.
        if getattr(part, "statistics_", np.empty(0)).dtype == object:
            part.missing_values = MISSING_TEXT
    elif isinstance(part, KBinsDiscretizer):
        if part.encode == "onehot":
            part.encode = "onehot-dense"  # ONNX has no sparse columns
        if hasattr(part, "bin_edges_"):  # a ColumnTransformer holds it unfitted too
            part.bin_edges_ = [_rounded_up(edges) for edges in part.bin_edges_]
    elif isinstance(part, VotingClassifier | VotingRegressor):
        if isinstance(part, VotingClassifier):
            part.flatten_transform = False
        if part.weights is not None:
            part.weights = np.asarray(part.weights)


def _rounded_up(edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return edges of bins in float32, below which the same values of float32 are.

    Rounded to the nearest, an edge would move to where a value of the data may be.
    """
    nearest = edges.astype(np.float32)
    above = np.nextafter(nearest, np.float32(np.inf))
    return np.where(nearest < edges, above, nearest).astype(np.float32)


def _by_distance(part: BaseEstimator) -> bool:
    """Tell whether an estimator compares rows by what one operator computes for all of them."""
    if isinstance(part, GaussianProcessRegressor):
        return True
    return isinstance(part, NEIGHBOURS) and part.effective_metric_ == "euclidean"


@cache
def _correct_converters() -> None:
    for estimator in (*TREES, *FORESTS, *BOOSTERS):
        name = sklearn_operator_name_map[estimator]
        original = get_converter(name)
        update_registered_converter(
            estimator,
            name,
            get_shape_calculator(name),
            _corrected(original),
            options=original.get_allowed_options(),
        )


def _corrected(original: Converter) -> Converter:
    def corrected(scope: Any, operator: Any, container: Any) -> None:
        original(scope, operator, _Correcting(scope, operator, container))

    return corrected


class _Correcting:
    """Takes the nodes that a converter of trees writes, and passes them on corrected."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope, self._operator, self._container = scope, operator, container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
        """Add a node, with what a tree ensemble lacks."""
        estimator = self._operator.raw_operator
        if op_type.startswith("TreeEnsemble"):
            self._correct(estimator, attributes)
            if isinstance(estimator, BOOSTERS) and estimator.loss in ("poisson", "gamma"):
                logarithm = [self._scope.get_unique_variable_name("logarithm")]
                self._container.add_node(op_type, inputs, logarithm, **attributes)
                op_type, inputs, attributes = "Exp", logarithm, {"op_version": 13}
        self._container.add_node(op_type, inputs, outputs, **attributes)

    def _correct(self, estimator: BaseEstimator, attributes: dict[str, Any]) -> None:
        trees = _trees(estimator)
        nodes = list(zip(attributes["nodes_treeids"], attributes["nodes_nodeids"], strict=True))
        # Left out by the converter of forests: a missing value always went to the right. That of
        # boosters writes booleans, which protobuf 7 refuses among integers.
        attributes["nodes_missing_value_tracks_true"] = [int(trees[t][0][n]) for t, n in nodes]
        if not isinstance(estimator, BOOSTERS):
            return
        # Rounded to the nearest float32 by the converter, to where a value of the data may be.
        attributes["nodes_values"] = np.array(
            [sklearn_threshold(trees[t][1][n], np.float32, "BRANCH_LEQ") for t, n in nodes],
            np.float32,
        )
        if estimator.is_categorical_ is not None:
            raise NotImplementedError("categorical_features: their splits have no counterpart")


def _trees(estimator: BaseEstimator) -> list[tuple[NDArray[Any], NDArray[np.float64]]]:
    """Return of each tree whether a missing value goes left, and the threshold, by node."""
    if isinstance(estimator, BOOSTERS):
        nodes = [tree.nodes for trees in estimator._predictors for tree in trees]
        return [(tree["missing_go_to_left"], tree["num_threshold"]) for tree in nodes]
    single = [estimator] if isinstance(estimator, TREES) else estimator.estimators_
    return [(e.tree_.missing_go_to_left, e.tree_.threshold) for e in single]
