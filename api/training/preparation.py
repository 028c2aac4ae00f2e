"""Steps that every candidate's pipeline shares, derived from the features."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from app.features import FEATURES, MISSING_CATEGORY, Feature

NUMERIC = [i for i, feature in enumerate(FEATURES) if feature.is_numeric]
CATEGORICAL = [i for i, feature in enumerate(FEATURES) if not feature.is_numeric]


def _codes_of(feature: Feature) -> OrdinalEncoder:
    return OrdinalEncoder(
        categories=[list(feature.categories)],
        handle_unknown="use_encoded_value",
        unknown_value=MISSING_CATEGORY,
        encoded_missing_value=MISSING_CATEGORY,
        dtype=np.float32,
    )


def encoder() -> ColumnTransformer:
    """Return the step that does to a DataFrame what the service's `encode` does to rows."""
    return ColumnTransformer(
        [(f.name, "passthrough" if f.is_numeric else _codes_of(f), [f.name]) for f in FEATURES]
    )


def pipeline(estimator: BaseEstimator, *, scale: bool) -> Pipeline:
    """Return DataFrame -> codes -> imputed and one-hot columns -> estimator.

    Only what follows the first step is exported: ONNX takes no strings that may be missing.
    Leave `scale` off for trees: a threshold behind a scaler flips in float32, and a
    probability moved by 0.07 where without it none moved by 1e-6.
    """
    one_hot = OneHotEncoder(
        categories=[list(range(len(FEATURES[i].categories))) for i in CATEGORICAL],
        handle_unknown="ignore",
        sparse_output=False,
    )
    # A fold may hold no value of a sparse column, which would then have no place in the matrix.
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    numbers = make_pipeline(impute, StandardScaler()) if scale else impute
    parts = [("categories", one_hot, CATEGORICAL), ("numbers", numbers, NUMERIC)]
    # Not every table has both, and a step without columns has no counterpart in ONNX.
    prepare = ColumnTransformer([part for part in parts if part[2]])
    return Pipeline([("encode", encoder()), ("prepare", prepare), ("estimator", estimator)])
