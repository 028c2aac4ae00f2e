"""What the service is given to run: the pipeline as ONNX, or itself where ONNX cannot say it."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from statistics import median
from time import perf_counter

import joblib
from pandas import DataFrame
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from app.card import PIPELINE_FILE, Serving
from app.features import FEATURES, encode
from app.model import open_model
from app.schemas import Row
from app.scikit import Encoder
from training import TrainingError, innermost
from training.columns import narrowed
from training.converters import convert
from training.graph import Input, complete, inputs_by_column, is_text, one_input
from training.parity import OtherClass, Truth

ONE_MATRIX = "at most 1 input(s)"
"""What converters say to columns one by one; then the reason is what they said to the matrix."""


@dataclass(frozen=True)
class Export:
    """The content of a model file, and the proof that it answers as the pipeline does."""

    content: bytes
    serving: Serving
    difference: float
    """Largest one found between the pipeline and the service."""
    not_onnx: str
    """Why it is not ONNX; empty if it is."""

    def milliseconds(self, rows: Sequence[Row]) -> float:
        """Return how long the model itself takes for some rows, the median of some tries."""
        predict, matrix, times = open_model(self.content, self.serving), encode(rows), []
        for _ in range(11):
            start = perf_counter()
            predict(matrix)
            times.append(perf_counter() - start)
        return 1000 * median(times)


def unwrapped(fitted: BaseEstimator) -> BaseEstimator:
    """Return what a search has found in place of the search, whose times differ in each run."""
    if hasattr(fitted, "best_estimator_"):
        return unwrapped(fitted.best_estimator_)
    if isinstance(fitted, Pipeline):
        *first, (name, last) = fitted.steps
        return Pipeline([*first, (name, unwrapped(last))])
    return fitted


def joblib_bytes(pipeline: BaseEstimator) -> bytes:
    """Return the pickled pipeline. Raises TrainingError if it holds what cannot be pickled."""
    buffer = io.BytesIO()
    try:
        joblib.dump(pipeline, buffer)
    # Whatever is held may say in its own way that it cannot be written.
    except Exception as error:
        raise TrainingError(
            f"{PIPELINE_FILE}: {innermost(error)}; a function of one's own has a name, and stands "
            "in a module of api/app, where the service finds it"
        ) from error
    return buffer.getvalue()


def export(name: str, pipeline: BaseEstimator, tables: Sequence[DataFrame]) -> Export:
    """Return the first way to serve a pipeline in which all answers to the tables are its own.

    Raises TrainingError if there is none.
    """
    truths = [Truth(name, pipeline, table) for table in tables]
    differs = failed = ""
    for ways in _ways(pipeline, tables[0]):
        for way in ways:
            try:
                served = _proven(truths, way)
            except TrainingError as error:
                last, differs = str(error), differs or str(error)
            # The converters raise whatever their authors chose, and so does a pickle.
            except Exception as error:  # noqa: BLE001
                said = innermost(error)
                last = f"{name}: {said}"
                if not (failed and ONE_MATRIX in said):
                    failed = said
                break  # and no precision helps
            else:
                onnx = served.serving.runtime == "onnx"
                return replace(served, not_onnx="" if onnx else differs or failed)
    raise TrainingError(last)


def _proven(truths: Sequence[Truth], way: "Way") -> Export:
    """Return a model whose answers are the pipeline's own, its choice of a class where needed.

    Raises TrainingError if an answer is not, and whatever else makes a model.
    """
    for own_choice in (False, True):
        content, serving = way(own_choice)
        predict = open_model(content, serving)
        try:
            apart = max(truth.difference(predict) for truth in truths)
        except OtherClass as error:
            other = error
        else:
            return Export(content, serving, apart, "")
    raise other


def unproven(pipeline: Pipeline) -> Export:
    """Return what `preparation.pipeline` made as an ONNX model, to compare the speed with."""
    content, serving = _onnx(pipeline[1:], one_input())(False)
    return Export(content, serving, nan, "")


Way = Callable[[bool], tuple[bytes, Serving]]
"""Returns the content of a model file; with True the model's own choice of a class is in it."""


def _ways(pipeline: BaseEstimator, table: DataFrame) -> Iterator[Sequence[Way]]:
    """Yield the ways to serve a pipeline, the fastest first, scikit-learn last.

    Those that differ in precision alone are together.
    """
    if isinstance(pipeline, Pipeline) and isinstance(pipeline[0], Encoder):
        # The service itself does what the encoder does.
        yield _in_both_precisions(pipeline[1:], one_input())
    else:
        if not any(map(is_text, FEATURES)):
            yield _in_both_precisions(pipeline, one_input())
        yield _in_both_precisions(pipeline, inputs_by_column())
    yield [_scikit(pipeline, table)]


def _in_both_precisions(estimator: BaseEstimator, inputs: Sequence[Input]) -> list[Way]:
    return [_onnx(estimator, inputs, double) for double in (False, True)]


def _onnx(estimator: BaseEstimator, inputs: Sequence[Input], double: bool = False) -> Way:
    return lambda own_choice: (
        complete(convert(estimator, inputs, double=double), own_choice=own_choice),
        Serving(runtime="onnx", own_choice=own_choice, dtypes={}),
    )


def _scikit(pipeline: BaseEstimator, table: DataFrame) -> Way:
    def way(own_choice: bool) -> tuple[bytes, Serving]:
        content = joblib_bytes(pipeline)
        dtypes = {name: str(dtype) for name, dtype in narrowed(table).dtypes.items()}
        return content, Serving(runtime="scikit-learn", own_choice=own_choice, dtypes=dtypes)

    return way
