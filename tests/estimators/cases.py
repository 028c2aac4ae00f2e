"""What is put to the test: every classifier and regressor of scikit-learn, and notable variants."""

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # it is hidden without
from sklearn.feature_selection import RFE, SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LogisticRegression,
    RANSACRegressor,
    Ridge,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.semi_supervised import LabelPropagation, SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from app.features import CLASSES, FEATURES
from training import SEED

NUMBERS = [feature.name for feature in FEATURES if feature.is_numeric]
CATEGORIES = [feature.name for feature in FEATURES if not feature.is_numeric]

SCALED, UNSCALED, MISSING, ORDINAL, ALONE = (
    "imputed, scaled, one-hot",
    "imputed, one-hot",
    "one-hot alone",
    "ordinal codes alone",
    "nothing",
)
"""What stands in front of an estimator."""


class Case(NamedTuple):
    """An estimator as the table calls it, what stands in front of it, and both together."""

    name: str
    front: str
    estimator: BaseEstimator


def cases() -> Iterator[Case]:
    """Yield what there is to try on the data of the schema, boosters where they are installed."""
    if find_spec("xgboost") and find_spec("lightgbm"):
        yield from _boosters()
    if not CLASSES:
        yield from _behind(SCALED, *_all("regressor"), *REGRESSORS)
        yield from _behind(UNSCALED, *UNSCALED_REGRESSORS)
        yield from _behind(MISSING, *LOSSES)
        yield from _behind(
            ORDINAL, HistGradientBoostingRegressor(categorical_features=[len(NUMBERS)])
        )
        yield from _prepared_otherwise(Ridge())
        yield from _behind(ALONE, Ridge())
    elif CATEGORIES:
        yield from _behind(SCALED, *_all("classifier"), *CLASSIFIERS)
        yield from _behind(UNSCALED, *UNSCALED_CLASSIFIERS)
        yield from _behind(MISSING, *TREES)
        yield from _behind(
            ORDINAL, HistGradientBoostingClassifier(categorical_features=[len(NUMBERS)])
        )
        yield from _prepared_otherwise(_linear())
        yield from _naive()
        yield from _behind(ALONE, _linear())
    else:
        yield from _behind(ALONE, *_all("classifier"))
        yield from _behind(SCALED, *OF_TWO_CLASSES)


def _all(kind: str) -> Iterator[BaseEstimator]:
    """Yield all that scikit-learn lists, with the fewest arguments that each takes."""
    for name, estimator in all_estimators(kind):
        yield estimator(**NEEDED.get(name, {}))


def _behind(front: str, *estimators: BaseEstimator) -> Iterator[Case]:
    numbers = {
        SCALED: make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
        UNSCALED: SimpleImputer(strategy="median"),
    }
    for estimator in estimators:
        name = _name(_seeded(estimator))
        if front != ALONE:
            estimator = _by_name(
                numbers.get(front, "passthrough"),
                ORDINAL_CODES if front == ORDINAL else ONE_HOT,
                estimator,
            )
        yield Case(name, front, estimator)


def _boosters() -> Iterator[Case]:
    from estimators import boosters

    for name, estimator in boosters.classifiers() if CLASSES else boosters.regressors():
        scaled = (SCALED,) if "()" in name else ()
        for front in (MISSING, *scaled) if CATEGORIES else (ALONE,):
            (case,) = _behind(front, estimator)
            yield case._replace(name=name)
    if not CLASSES:
        binned = KBinsDiscretizer(encode="ordinal")
        name, estimator = boosters.where_zero_is_missing()
        yield _case([binned], binned, ONE_HOT, estimator)._replace(name=name)


def _prepared_otherwise(estimator: BaseEstimator) -> Iterator[Case]:
    """Yield what people put in place of the usual steps for numbers, or for categories."""
    for steps in FOR_NUMBERS:
        numbers = make_pipeline(*map(_seeded, steps))
        yield _case(steps, numbers, ONE_HOT, estimator)
    for step in FOR_CATEGORIES:
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        yield _case([_seeded(step)], numbers, step, estimator)


def _naive() -> Iterator[Case]:
    """Yield naive Bayes behind what makes its inputs what it takes."""
    bounded = [SimpleImputer(), MinMaxScaler(clip=True)]
    for estimator in (ComplementNB(), MultinomialNB()):
        yield _case(bounded, make_pipeline(*bounded), ONE_HOT, estimator)
    binned = [SimpleImputer(), KBinsDiscretizer(encode="ordinal")]
    codes = [SimpleImputer(strategy="most_frequent"), OrdinalEncoder()]
    numbers, categories = make_pipeline(*binned), make_pipeline(*codes)
    yield _case([*binned, *codes], numbers, categories, CategoricalNB())


def _case(
    steps: Sequence[BaseEstimator], numbers: object, categories: object, estimator: BaseEstimator
) -> Case:
    front = ", ".join(map(_name, steps))
    return Case(_name(estimator), front, _by_name(numbers, categories, estimator))


def _by_name(numbers: object, categories: object, estimator: BaseEstimator) -> BaseEstimator:
    """Return a pipeline as people write it, by the columns' names."""
    prepare = [("numbers", numbers, NUMBERS), ("categories", categories, CATEGORIES)]
    return make_pipeline(ColumnTransformer([step for step in prepare if step[2]]), estimator)


def _name(estimator: BaseEstimator) -> str:
    """Return how it is written, in one line and without what only makes runs alike."""
    text = " ".join(repr(estimator).split())
    return re.sub(r"(, )?random_state=\d+(?(1)|(?:, )?)", "", text)


def _seeded(estimator: BaseEstimator) -> BaseEstimator:
    for name in estimator.get_params():
        if name.rpartition("__")[2] == "random_state":
            estimator.set_params(**{name: SEED})
    return estimator


def _linear() -> BaseEstimator:
    return LogisticRegression(max_iter=1000)


def _two() -> list[tuple[str, BaseEstimator]]:
    """Return what votes or is stacked."""
    if CLASSES:
        return [("linear", _linear()), ("tree", DecisionTreeClassifier(max_depth=3))]
    return [("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]


ONE_HOT = OneHotEncoder(handle_unknown="ignore")
ORDINAL_CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)

_WRAPPED: dict[str, object] = {"estimator": LogisticRegression(max_iter=1000)}
_ONE_COMPONENT: dict[str, object] = {"n_components": 1}
NEEDED: dict[str, dict[str, object]] = {
    "CCA": _ONE_COMPONENT,
    "ClassifierChain": _WRAPPED,
    "FixedThresholdClassifier": _WRAPPED,
    "MultiOutputClassifier": _WRAPPED,
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": _WRAPPED,
    "OneVsRestClassifier": _WRAPPED,
    "OutputCodeClassifier": _WRAPPED,
    "PLSCanonical": _ONE_COMPONENT,
    "PLSRegression": _ONE_COMPONENT,
    "RegressorChain": {"estimator": Ridge()},
    "SelfTrainingClassifier": _WRAPPED,
    "StackingClassifier": {"estimators": _two()},
    "StackingRegressor": {"estimators": _two()},
    "TunedThresholdClassifierCV": _WRAPPED,
    "VotingClassifier": {"estimators": _two()},
    "VotingRegressor": {"estimators": _two()},
}
"""Arguments without which an estimator cannot be made, or not be fitted to one target."""

FOR_NUMBERS = (
    [SimpleImputer(add_indicator=True), StandardScaler()],
    [KNNImputer(), StandardScaler()],
    [IterativeImputer(), StandardScaler()],
    [SimpleImputer(), PowerTransformer()],
    [SimpleImputer(), QuantileTransformer(n_quantiles=100)],
    [SimpleImputer(), QuantileTransformer(n_quantiles=100, output_distribution="normal")],
    [SimpleImputer(), SplineTransformer()],
    [SimpleImputer(), KBinsDiscretizer()],
    [SimpleImputer(), KBinsDiscretizer(encode="onehot-dense")],
    [SimpleImputer(), StandardScaler(), PolynomialFeatures()],
    [SimpleImputer(), RobustScaler()],
    [SimpleImputer(), MinMaxScaler()],
    [SimpleImputer(), StandardScaler(), Normalizer("max")],
    [SimpleImputer(), StandardScaler(), PCA(2)],
    [SimpleImputer(), StandardScaler(), SelectKBest(k=2)],
    [SimpleImputer(), FunctionTransformer(np.log1p)],
)
FOR_CATEGORIES = (
    OneHotEncoder(),
    OneHotEncoder(drop="first"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=100),
    OrdinalEncoder(encoded_missing_value=-1),
    TargetEncoder(),
)

CLASSIFIERS = (
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=3)),
    BaggingClassifier(_linear()),
    BaggingClassifier(SVC()),
    CalibratedClassifierCV(_linear(), method="isotonic"),
    CalibratedClassifierCV(_linear(), method="sigmoid"),
    CalibratedClassifierCV(_linear(), method="temperature"),
    CalibratedClassifierCV(LinearSVC(), ensemble=False),
    CalibratedClassifierCV(SVC(), ensemble=False),
    GradientBoostingClassifier(init="zero"),
    GridSearchCV(_linear(), {"C": [0.1, 1, 10]}),
    KNeighborsClassifier(metric="manhattan"),
    KNeighborsClassifier(weights="distance"),
    LabelPropagation(kernel="knn"),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    LogisticRegression(C=10_000, max_iter=10_000),
    NuSVC(probability=True),
    OneVsRestClassifier(DecisionTreeClassifier()),
    QuadraticDiscriminantAnalysis(reg_param=0.1),
    RadiusNeighborsClassifier(outlier_label="most_frequent", radius=2),
    RandomForestClassifier(n_estimators=250),
    RandomizedSearchCV(_linear(), {"C": [0.1, 1, 10]}, n_iter=2),
    RFE(_linear()),
    SelfTrainingClassifier(SVC(probability=True)),
    SGDClassifier(loss="log_loss"),
    SGDClassifier(loss="modified_huber"),
    StackingClassifier(_two(), passthrough=True),
    SVC(break_ties=True, probability=True),
    SVC(kernel="linear", probability=True),
    SVC(probability=True),
    VotingClassifier(_two(), voting="soft"),
    VotingClassifier(_two(), voting="soft", weights=[1, 2]),
)
UNSCALED_CLASSIFIERS = (
    BaggingClassifier(),
    CalibratedClassifierCV(_linear(), method="isotonic"),
    ExtraTreesClassifier(),
    GaussianNB(),
    GradientBoostingClassifier(),
    HistGradientBoostingClassifier(),
    KNeighborsClassifier(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    MLPClassifier(max_iter=1000),
    RandomForestClassifier(),
    SGDClassifier(loss="modified_huber"),
    SVC(kernel="linear", probability=True),
    SVC(probability=True),
)
TREES = (
    BaggingClassifier(),
    DecisionTreeClassifier(),
    ExtraTreesClassifier(),
    HistGradientBoostingClassifier(),
    RandomForestClassifier(),
)
OF_TWO_CLASSES = (
    CalibratedClassifierCV(_linear(), method="isotonic"),
    CalibratedClassifierCV(SVC(), ensemble=False),
    FixedThresholdClassifier(_linear(), threshold=0.2),
    GradientBoostingClassifier(loss="exponential"),
    KNeighborsClassifier(weights="distance"),
    LinearDiscriminantAnalysis(),
    MLPClassifier(max_iter=1000),
    OneVsOneClassifier(_linear()),
    RandomForestClassifier(),
    RandomForestClassifier(n_estimators=20),
    SVC(probability=True),
    TunedThresholdClassifierCV(_linear(), scoring="f1_macro"),
    VotingClassifier(_two(), voting="soft"),
)

REGRESSORS = (
    BaggingRegressor(Ridge()),
    GaussianProcessRegressor(RBF() + WhiteKernel()),
    GradientBoostingRegressor(loss="huber"),
    GridSearchCV(Ridge(), {"alpha": [0.1, 1, 10]}),
    KernelRidge(kernel="rbf"),
    KNeighborsRegressor(weights="distance"),
    RadiusNeighborsRegressor(radius=100),
    RANSACRegressor(DecisionTreeRegressor(max_depth=3), min_samples=0.5),
    StackingRegressor(_two(), passthrough=True),
    SVR(kernel="linear"),
    SVR(kernel="poly"),
    TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
    TweedieRegressor(power=1.5),
)
UNSCALED_REGRESSORS = (
    ExtraTreesRegressor(),
    GaussianProcessRegressor(RBF() + WhiteKernel()),
    GradientBoostingRegressor(),
    HistGradientBoostingRegressor(),
    KNeighborsRegressor(),
    MLPRegressor(max_iter=1000),
    RandomForestRegressor(),
    SGDRegressor(),
    SVR(kernel="linear"),
)
LOSSES = (
    HistGradientBoostingRegressor(loss="absolute_error"),
    HistGradientBoostingRegressor(loss="gamma"),
    HistGradientBoostingRegressor(loss="poisson"),
    HistGradientBoostingRegressor(loss="quantile", quantile=0.9),
)
