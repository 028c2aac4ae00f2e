"""A candidate that cannot be fitted or judged is refused in a line that says what to write."""

from collections.abc import Callable

import numpy as np
import pytest
from pandas import DataFrame
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, MultiTaskLasso, Ridge
from sklearn.multiclass import OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

import train_model
from app.features import CLASSES, FEATURES
from training import TrainingError
from training.preparation import pipeline
from training.selection import check_quality, choose, fit, split_rows

pytestmark = pytest.mark.by_data

SPLIT = split_rows(*train_model.DATA.load(train_model.DATA.file))


def linear() -> BaseEstimator:
    return LogisticRegression(max_iter=1000) if CLASSES else Ridge()


REFUSED: dict[str, tuple[Callable[[], BaseEstimator], str]] = {
    "an error of its own": (
        lambda: make_pipeline(FunctionTransformer(np.linalg.inv), linear()),
        "mine: LinAlgError: Last 2 dimensions of the array must be square",
    ),
}
if CLASSES:
    REFUSED |= {
        "no probabilities": (
            SVC,
            "mine: SVC has no predict_proba as it is set, and probabilities are answered; write "
            "CalibratedClassifierCV(SVC(...), ensemble=False) in its place",
        ),
        "a hard vote": (
            lambda: VotingClassifier([("a", linear())]),
            'write VotingClassifier(..., voting="soft") in its place',
        ),
        "neither probabilities nor a decision": (
            lambda: OutputCodeClassifier(linear()),
            "write another classifier in its place",
        ),
        "a regressor": (Ridge, "mine: Ridge is a regressor, but "),
        "several targets": (
            lambda: MultiOutputClassifier(linear()),
            "mine: MultiOutputClassifier answers several targets, and schemas.py has one",
        ),
        "negative values": (MultinomialNB, "put MinMaxScaler(clip=True) in place of"),
        "nothing near": (
            lambda: RadiusNeighborsClassifier(radius=1e-6),
            'give it outlier_label="most_frequent"',
        ),
    }
else:
    REFUSED |= {
        "a classifier": (LogisticRegression, "mine: LogisticRegression is a classifier, but "),
        "several targets": (MultiTaskLasso, "mine: MultiTaskLasso answers several targets"),
        "one column": (IsotonicRegression, "put a ColumnTransformer with one column in front"),
    }


@pytest.mark.parametrize("kind", REFUSED)
def test_a_candidate_that_cannot_be_judged_is_refused_with_a_way_out(kind: str) -> None:
    make, line = REFUSED[kind]
    with pytest.raises(TrainingError) as caught:
        choose({"mine": pipeline(make(), scale=True)}, SPLIT, lambda _: None)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stack_says_only_once_it_is_fitted_that_it_has_probabilities() -> None:
    kind = StackingClassifier if CLASSES else StackingRegressor
    stack = pipeline(kind([("a", linear()), ("b", linear())], cv=2), scale=True)
    (judged,) = choose({"mine": stack}, SPLIT, lambda _: None)
    assert judged.loss > 0


class First(LogisticRegression if CLASSES else Ridge):  # type: ignore[misc]
    """Looks at the first value of the target, as some of scikit-learn's own do."""

    def fit(self, rows: object, target: object) -> "First":
        assert target[0] is not None  # type: ignore[index]
        super().fit(rows, target)
        return self


def test_the_first_value_of_the_target_is_there_whatever_its_row_was() -> None:
    assert choose({"mine": pipeline(First(), scale=True)}, SPLIT, lambda _: None)
    assert fit("mine", pipeline(First(), scale=True), SPLIT)


def refusing(n_rows: int) -> BaseEstimator:
    """Return a pipeline that refuses a table of so many rows."""

    def check(table: DataFrame) -> DataFrame:
        if len(table) == n_rows:
            raise ValueError(f"not {n_rows}")
        return table

    return make_pipeline(FunctionTransformer(check), pipeline(linear(), scale=True))


def test_an_error_in_the_last_fit_is_a_line_too() -> None:
    with pytest.raises(TrainingError, match=r"^mine: ValueError: not "):
        fit("mine", refusing(len(SPLIT.train)), SPLIT)


def test_an_error_on_the_held_out_rows_is_a_line_too() -> None:
    fitted = fit("mine", refusing(len(SPLIT.holdout)), SPLIT)
    with pytest.raises(TrainingError, match=r"^mine: ValueError: not "):
        check_quality("mine", fitted, SPLIT)


def test_columns_asked_for_by_name_behind_a_step_that_returns_none_are_explained() -> None:
    first = ColumnTransformer([("first", "passthrough", [FEATURES[0].name])])
    by_name = make_pipeline(SimpleImputer(strategy="most_frequent"), first, linear())
    with pytest.raises(TrainingError, match="put the ColumnTransformer first"):
        choose({"mine": by_name}, SPLIT, lambda _: None)
