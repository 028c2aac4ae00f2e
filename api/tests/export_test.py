"""What becomes of any scikit-learn estimator: a model whose answers are its own, or a refusal."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import app.predict
import train_model
from app.features import CLASSES, FEATURES, Matrix, Outputs, encode
from app.model import open_model
from training import SEED, TrainingError
from training.converters import convert
from training.export import Export, export, unwrapped
from training.graph import one_input
from training.parity import Truth, fuzz
from training.preparation import pipeline

pytestmark = pytest.mark.by_data

TABLE, TARGET = train_model.DATA.load(train_model.DATA.file)
FUZZED = fuzz(TABLE, SEED)
NUMBERS = [f.name for f in FEATURES if f.is_numeric]
CATEGORIES = [f.name for f in FEATURES if not f.is_numeric]


def linear() -> BaseEstimator:
    return LogisticRegression(max_iter=1000) if CLASSES else Ridge()


def of_task(classifier: type, regressor: type, **settings: object) -> BaseEstimator:
    return (classifier if CLASSES else regressor)(**settings)


def by_name(
    estimator: BaseEstimator,
    numbers: object = None,
    categories: object = None,
) -> BaseEstimator:
    """Return a pipeline as people write it, by the columns' names."""
    prepare = [
        ("numbers", numbers or make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
        ("categories", categories or OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    ]
    return make_pipeline(ColumnTransformer([step for step in prepare if step[2]]), estimator)


def forest(**settings: object) -> BaseEstimator:
    return of_task(RandomForestClassifier, RandomForestRegressor, random_state=SEED, **settings)


def exported(estimator: BaseEstimator) -> Export:
    return export("mine", unwrapped(estimator.fit(TABLE, TARGET)), (TABLE, FUZZED))


ONNX: dict[str, Callable[[], BaseEstimator]] = {
    "one-hot": lambda: by_name(linear()),
    "ordinal": lambda: by_name(
        linear(),
        categories=OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        ),
    ),
    "imputed text": lambda: by_name(
        linear(),
        categories=make_pipeline(
            SimpleImputer(strategy="most_frequent"),
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        ),
    ),
    "search": lambda: GridSearchCV(by_name(linear()), {}, cv=2),
    "search in a pipeline": lambda: by_name(GridSearchCV(linear(), {}, cv=2)),
    "histogram boosting": lambda: by_name(
        of_task(HistGradientBoostingClassifier, HistGradientBoostingRegressor, max_iter=20),
        numbers="passthrough",
    ),
    "tree with missing values": lambda: by_name(
        of_task(DecisionTreeClassifier, DecisionTreeRegressor, random_state=SEED),
        numbers="passthrough",
    ),
    "forest with missing values": lambda: by_name(forest(n_estimators=20), numbers="passthrough"),
    "forest behind a scaler": lambda: by_name(forest(n_estimators=20)),
    "boosting behind a scaler": lambda: pipeline(
        of_task(
            GradientBoostingClassifier,
            GradientBoostingRegressor,
            n_estimators=20,
            random_state=SEED,
        ),
        scale=True,
    ),
    "vote": lambda: by_name(
        of_task(
            VotingClassifier,
            VotingRegressor,
            estimators=[("a", linear()), ("b", forest(n_estimators=5))],
            weights=[1, 2],
            **({"voting": "soft"} if CLASSES else {}),
        )
    ),
}
ONNX["bins"] = lambda: by_name(linear(), numbers=make_pipeline(SimpleImputer(), KBinsDiscretizer()))
ONNX["neighbours by another distance"] = lambda: by_name(
    of_task(KNeighborsClassifier, KNeighborsRegressor, metric="manhattan")
)
if CLASSES:
    ONNX["stack"] = lambda: by_name(StackingClassifier([("a", linear()), ("b", linear())], cv=2))
    # In float32 these two differ from the pipeline.
    ONNX["in double precision"] = lambda: by_name(GaussianNB())
    ONNX["unscaled"] = lambda: by_name(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), numbers=SimpleImputer()
    )
    ONNX["calibrated"] = lambda: by_name(CalibratedClassifierCV(SVC(), ensemble=False))
else:
    ONNX["logarithm as link"] = lambda: by_name(
        HistGradientBoostingRegressor(loss="poisson", max_iter=20), numbers="passthrough"
    )


@pytest.mark.parametrize("kind", ONNX)
def test_a_pipeline_of_one_s_own_becomes_an_onnx_model(kind: str) -> None:
    found = exported(ONNX[kind]())
    assert found.not_onnx == ""
    assert found.serving.runtime == "onnx"


SCIKIT: dict[str, tuple[Callable[[], BaseEstimator], str]] = {
    "neighbours by distance": (
        lambda: by_name(of_task(KNeighborsClassifier, KNeighborsRegressor, weights="distance")),
        "mine: the service would answer",
    ),
    "a function": (
        lambda: make_pipeline(by_name(linear())[:-1], FunctionTransformer(np.abs), linear()),
        "FunctionTransformer is not supported",
    ),
}


@pytest.mark.parametrize("kind", SCIKIT)
def test_what_onnx_cannot_say_scikit_learn_says_itself(kind: str) -> None:
    make, reason = SCIKIT[kind]
    found = exported(make())
    assert found.serving.runtime == "scikit-learn"
    assert reason in found.not_onnx


if CLASSES:

    def test_the_class_that_is_answered_is_the_pipeline_s_own() -> None:
        # Where several probabilities are alike, it goes by a value that stands behind them.
        found = exported(by_name(SGDClassifier(loss="modified_huber", random_state=SEED)))
        assert found.difference < 1e-5
        if len(CLASSES) > 2:
            assert found.serving.own_choice

    @pytest.mark.parametrize("trees", [10, 20, 30, 250])
    def test_no_probability_lies_beyond_0_and_1(trees: int) -> None:
        found = exported(by_name(forest(n_estimators=trees)))
        outputs = open_model(found.content, found.serving)(np.zeros((1, len(FEATURES)), np.float32))
        write = app.predict.write_classes("")
        assert outputs.shape == (1, len(CLASSES))
        assert b"-0." not in write(outputs)[0]
        assert outputs.min() >= 0
        assert outputs.max() <= 1


def wrong_encoding(matrix: Matrix) -> Matrix:
    return np.where(np.isnan(matrix), 0, matrix) + np.float32(1)


def wrong_order(matrix: Matrix) -> Matrix:
    return np.ascontiguousarray(matrix[:, ::-1])


def wrong_type(matrix: Matrix) -> Matrix:
    return matrix.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("fault", [wrong_encoding, wrong_order, wrong_type])
def test_a_fault_of_the_service_s_own_encoding_is_noticed(
    fault: Callable[[Matrix], Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.predict.encode", lambda rows: fault(encode(rows)))
    with pytest.raises(TrainingError, match=r"^mine: "):
        exported(pipeline(linear(), scale=True))


def test_outputs_in_another_order_are_noticed() -> None:
    fitted = pipeline(linear(), scale=True).fit(TABLE, TARGET)
    found = export("mine", fitted, (TABLE,))
    predict = open_model(found.content, found.serving)

    def reversed_(matrix: Matrix) -> Outputs:
        outputs = predict(matrix)
        return np.ascontiguousarray(outputs[:, ::-1] if CLASSES else outputs[::-1])

    with pytest.raises(TrainingError, match=r"mine: the service would answer"):
        Truth("mine", fitted, TABLE).difference(reversed_)


def test_a_row_that_the_pipeline_itself_cannot_take_is_named_with_a_remedy() -> None:
    values = ColumnTransformer([("each value", OneHotEncoder(), NUMBERS[:1])])
    with pytest.raises(TrainingError) as caught:
        exported(make_pipeline(values, linear()))
    line = str(caught.value)
    assert line.startswith("mine: ValueError: Found unknown categories")
    assert 'handle_unknown="ignore"' in line
    assert f"the schema allows {{'{FEATURES[0].name}'" in line


def test_neighbours_are_found_without_a_loop_over_rows() -> None:
    fitted = pipeline(of_task(KNeighborsClassifier, KNeighborsRegressor), scale=True)
    model = convert(fitted.fit(TABLE, TARGET)[1:], one_input())
    operators = {node.op_type for node in model.graph.node}
    assert "CDist" in operators
    assert "Scan" not in operators


def test_a_row_to_which_the_pipeline_answers_no_number_is_named() -> None:
    if CLASSES:
        estimator = LabelPropagation(gamma=1e6)
    else:
        estimator = RadiusNeighborsRegressor(radius=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of it too
        with pytest.raises(TrainingError) as caught:
            exported(by_name(estimator))
    kind = type(estimator).__name__
    assert f"mine: {kind} itself answers NaN, as it is set, to a row" in str(caught.value)
    assert f"the schema allows {{'{FEATURES[0].name}'" in str(caught.value)


if len(CLASSES) > 2:

    def test_a_row_to_which_the_service_would_answer_no_number_is_why_it_is_not_onnx() -> None:
        found = exported(by_name(OneVsRestClassifier(DecisionTreeClassifier(random_state=SEED))))
        assert found.serving.runtime == "scikit-learn"
        assert "the service would answer [nan" in found.not_onnx


def test_a_function_without_a_name_is_refused() -> None:
    function = FunctionTransformer(lambda values: values / 2)
    own = make_pipeline(SimpleImputer(), StandardScaler(), function)
    with pytest.raises(TrainingError, match=r"model.joblib: .*a function of one's own has a name"):
        exported(by_name(linear(), numbers=own))
