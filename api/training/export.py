"""Pipeline to ONNX, with proof that both say the same."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pandas import DataFrame, Series
from skl2onnx import to_onnx
from sklearn.pipeline import Pipeline

from app.features import CLASSES, FEATURES, Feature
from app.model import HIGH, LOW, TOLERANCE
from training import TrainingError
from training.columns import typed
from training.tasks import TASK

FUZZED_ROWS = 10_000
MISSING_SHARE = 0.1
UNKNOWN_CATEGORY = "\N{REPLACEMENT CHARACTER}"


def to_onnx_bytes(name: str, pipeline: Pipeline) -> bytes:
    """Export all steps behind the encoder. Raises TrainingError naming what has no converter."""
    try:
        model = to_onnx(
            pipeline[1:],
            np.zeros((1, len(FEATURES)), np.float32),
            name="model",  # the default is random, and two runs must give the same bytes
            options={"zipmap": False} if CLASSES else None,
        )
    # The converters raise whatever their authors chose.
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise TrainingError(
            f"{name}: {type(pipeline[-1]).__name__} cannot be exported to ONNX: "
            f"{type(error).__name__}: {reason}"
        ) from error
    # Listed in an order that varies with PYTHONHASHSEED.
    model.opset_import.sort(key=lambda opset: opset.domain)
    content: bytes = model.SerializeToString()
    return content


def _fuzzed_column(
    feature: Feature, seen: NDArray[np.object_], rng: np.random.Generator
) -> list[object]:
    values: NDArray[np.object_]
    if feature.is_numeric:
        known = seen.astype(np.float64)
        low, high = np.nanmin(known), np.nanmax(known)
        # Half within the range of the data, where thresholds lie, half all over the schema's.
        near = rng.uniform(low, high, FUZZED_ROWS)
        far = rng.uniform(
            low - (high - low) if feature.minimum is None else feature.minimum,
            high + (high - low) if feature.maximum is None else feature.maximum,
            FUZZED_ROWS,
        )
        drawn = np.where(rng.random(FUZZED_ROWS) < 0.5, near, far).astype(np.float32)
        values = (np.rint(drawn) if feature.is_whole else drawn).astype(object)
    else:
        # A column of numbers or of bools cannot hold it.
        unknown = [UNKNOWN_CATEGORY] if feature.type == "string" else []
        values = rng.choice(np.array([*feature.categories, *unknown], object), FUZZED_ROWS)
    missing = rng.random(FUZZED_ROWS) < (MISSING_SHARE if feature.nullable else 0)
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


def fuzz(rows: DataFrame, seed: int) -> DataFrame:
    """Return 10,000 rows of any value that the schema allows, and of text that it does not."""
    rng = np.random.default_rng(seed)
    return DataFrame(
        {
            f.name: typed(f, Series(_fuzzed_column(f, rows[f.name].to_numpy(object), rng)))
            for f in FEATURES
        }
    )


def check_parity(name: str, pipeline: Pipeline, onnx: bytes, rows: DataFrame) -> float:
    """Return the largest difference between outputs of the pipeline and its export.

    Raises TrainingError above `TOLERANCE`, with the row where they differ most.
    """
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    matrix = pipeline[0].transform(rows).astype(np.float32)
    exported = session.run(None, {session.get_inputs()[0].name: matrix})[-1]
    difference = np.abs(np.clip(exported, LOW, HIGH) - TASK.outputs(pipeline, rows)).max(axis=1)
    # Not `> TOLERANCE`: a NaN must not pass.
    if not difference.max() <= TOLERANCE:
        worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
        raise TrainingError(
            f"{name}: the ONNX export differs from the pipeline by {difference[worst]:.1e} "
            f"(limit {TOLERANCE:g}) on {rows.iloc[worst].to_dict()}"
        )
    return float(difference.max())
