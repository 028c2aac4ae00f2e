"""A help for candidates: steps in front of an estimator, derived from the features."""

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from app.features import FEATURES
from app.scikit import Encoder

NUMERIC = [i for i, feature in enumerate(FEATURES) if feature.is_numeric]
CATEGORICAL = [i for i, feature in enumerate(FEATURES) if not feature.is_numeric]


def pipeline(estimator: BaseEstimator, *, scale: bool) -> Pipeline:
    """Return DataFrame -> codes -> imputed and one-hot columns -> estimator.

    The service does the first step itself, which makes this the fastest pipeline to serve. It is a
    help: any other that takes the table will do. Trees need no `scale`.
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
    return Pipeline([("encode", Encoder()), ("prepare", prepare), ("estimator", estimator)])
