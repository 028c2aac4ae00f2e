"""The fitted pipeline itself, for a model that ONNX cannot say; only then it is imported.

Its image holds scikit-learn and pandas, which that of an ONNX model does not.
"""

import io
import warnings

import joblib
import numpy as np
from pandas import Categorical, CategoricalDtype, DataFrame, Series
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import InconsistentVersionWarning

from app.card import PIPELINE_FILE, ArtifactError, Serving
from app.features import CLASSES, FEATURES, HIGH, LOW, Feature, Matrix, Outputs, Predict


class Encoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The step that does to a table what the service's `encode` does to rows."""

    def fit(self, table: DataFrame, target: object = None) -> "Encoder":  # noqa: ARG002
        """Learn nothing: the schema says all."""
        return self

    def transform(self, table: DataFrame) -> Matrix:
        """Return the codes, shape (n_rows, n_features)."""
        return np.column_stack([_codes(f, table[f.name]) for f in FEATURES])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _codes(feature: Feature, values: Series) -> Matrix:
    codes: Matrix = (
        values.to_numpy(np.float32)
        if feature.is_numeric
        # What is missing has the code -1.
        else Categorical(values, feature.categories).codes.astype(np.float32)
    )
    return codes


def decode(matrix: Matrix, dtypes: dict[str, str]) -> DataFrame:
    """Return the table that a pipeline takes, from rows as the service encodes them."""
    columns = {f.name: _values(f, column) for f, column in zip(FEATURES, matrix.T, strict=True)}
    of_categories = {
        f.name: CategoricalDtype(f.categories) for f in FEATURES if dtypes[f.name] == "category"
    }
    return DataFrame(columns).astype(dtypes | of_categories)


def _values(feature: Feature, column: Matrix) -> object:
    if feature.is_numeric:
        return column
    return np.array([*feature.categories, np.nan], object)[column.astype(np.intp)]


def predictor(content: bytes, serving: Serving) -> Predict:
    """Return what runs a pickled pipeline. Raises ArtifactError if it cannot be opened here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            pipeline = joblib.load(io.BytesIO(content))
        # A class that is not found, another version: a pickle raises what its content chooses.
        except Exception as error:  # noqa: BLE001
            raise ArtifactError(
                f"{PIPELINE_FILE}: {type(error).__name__}: {error}; functions and classes of "
                "one's own belong into a module of api/app, where the service finds them, "
                "packages into api/requirements-sklearn.in"
            ) from None

    def predict_values(matrix: Matrix) -> Outputs:
        values = pipeline.predict(decode(matrix, serving.dtypes))
        outputs: Outputs = np.asarray(values, np.float32).reshape(-1, 1).clip(LOW, HIGH)
        return outputs

    def predict_classes(matrix: Matrix) -> Outputs:
        table = decode(matrix, serving.dtypes)
        shares = np.clip(pipeline.predict_proba(table), LOW, HIGH)
        if not serving.own_choice:
            return np.asarray(shares, np.float32)
        chosen = [positions[name] for name in pipeline.predict(table).tolist()]
        return np.column_stack([shares, chosen]).astype(np.float32)

    positions = {name: position for position, name in enumerate(CLASSES)}
    return predict_classes if CLASSES else predict_values
