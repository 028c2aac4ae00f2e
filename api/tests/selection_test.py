"""Few rows: each class has some to train on and some held out, or training says what lacks."""

import numpy as np
import pytest
from pandas import DataFrame, Series, concat
from sklearn.linear_model import LogisticRegression

import train_model
from app.features import CLASS_NAMES, CLASSES, FEATURES, TARGET
from training import TrainingError
from training.classification import Classification
from training.preparation import pipeline
from training.selection import check_quality, choose, split_rows
from training.task import FOLDS

if not CLASSES:
    pytest.skip("a regression has no classes", allow_module_level=True)

ROWS, TRUTH = train_model.DATA.load(train_model.DATA.file)
RARE = CLASSES[-1]
TASK = Classification()


def with_rows_of_each(counts: dict[object, int]) -> tuple[DataFrame, Series]:
    """Return the first rows of each class, as many as are asked for."""
    kept = concat([TRUTH[name == TRUTH].head(n) for name, n in counts.items()]).index
    return ROWS.loc[kept], TRUTH.loc[kept]


def with_a_rare_class(n: int) -> tuple[DataFrame, Series]:
    return with_rows_of_each({name: n if name == RARE else 40 for name in CLASSES})


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_a_class_of_two_to_five_rows_is_trained_on_and_held_out(n: int) -> None:
    rows, truth = with_a_rare_class(n)
    TASK.check(truth)
    split = split_rows(rows, truth)
    assert set(split.train_target) == set(split.holdout_target) == set(CLASSES)
    assert sorted([*split.train.index, *split.holdout.index]) == sorted(rows.index)
    folds = split.folds()
    assert len(folds) == FOLDS
    for fit, judge in folds:
        assert set(split.train_target.iloc[fit]) == set(CLASSES)
        assert not set(fit) & set(judge)
    judged = np.concatenate([judge for _, judge in folds])
    assert len(judged) == len(set(judged)) >= len(split.train) - 1
    candidates = {"mine": pipeline(LogisticRegression(max_iter=1000), scale=True)}
    (compared,) = choose(candidates, split, lambda _: None)
    assert 0 < compared.loss < 1
    fitted = candidates["mine"].fit(split.train, split.train_target)
    quality = check_quality("mine", fitted, split)
    assert quality["loss"].holdout < quality["loss"].baseline
    TASK.report(split.holdout_target, TASK.outputs(fitted, split.holdout))
    (line,) = TASK.adapted(split.train_target)
    assert f"{CLASS_NAMES[-1]} ({n - 1})" in line


def test_enough_rows_are_nothing_to_tell() -> None:
    assert TASK.adapted(split_rows(*with_a_rare_class(40)).train_target) == []


def test_ten_rows_are_enough_and_fewer_are_counted() -> None:
    rows, truth = with_rows_of_each({CLASSES[0]: 5, RARE: 5})
    split = split_rows(rows, truth)
    assert (len(split.train), len(split.holdout)) == (8, 2)
    assert len(split.folds()) == 4
    with pytest.raises(TrainingError, match="the data has 9 rows; training needs 10"):
        split_rows(rows[:9], truth[:9])


# Of two classes, the other one would be alone.
@pytest.mark.parametrize("n", [0, 1] if len(CLASSES) > 2 else [1])
def test_a_class_of_one_row_or_none_is_named_with_what_it_needs(n: int) -> None:
    _, truth = with_a_rare_class(n)
    said = rf"{TARGET}: class {RARE!r} has {n} of {len(truth)} rows and needs 2, .*: add rows, or"
    with pytest.raises(TrainingError, match=said):
        TASK.check(truth)


def test_one_class_alone_is_named_with_its_rows() -> None:
    truth = TRUTH[TRUTH == RARE]
    said = f"{TARGET}: all {len(truth)} rows are {RARE!r}, and no row is {CLASSES[0]!r}: .* two"
    with pytest.raises(TrainingError, match=said):
        TASK.check(truth)


def test_a_value_of_another_type_is_no_class() -> None:
    other = Series([*TRUTH], dtype=object)
    other.iloc[3] = bool(CLASSES[0]) if isinstance(CLASSES[0], int) else 0
    with pytest.raises(TrainingError, match=rf"row 4 below .*: {TARGET}: (True|0) is no class"):
        TASK.check(other)


def test_a_column_whose_values_are_all_held_out_is_named() -> None:
    split = split_rows(ROWS, TRUTH)
    name = FEATURES[0].name
    sparse = ROWS.assign(**{name: ROWS[name].where(ROWS.index.isin(split.holdout.index[:1]))})
    with pytest.raises(TrainingError, match=f"{name}: 1 of {len(ROWS)} rows have a value, and no"):
        split_rows(sparse, TRUTH)


def test_a_column_of_which_some_folds_know_nothing_is_compared_on() -> None:
    split = split_rows(ROWS, TRUTH)
    name = next(f.name for f in FEATURES if f.is_numeric)
    known = ROWS.index.isin(split.train.index[:1])
    split = split_rows(ROWS.assign(**{name: ROWS[name].where(known)}), TRUTH)
    candidates = {"mine": pipeline(LogisticRegression(max_iter=1000), scale=True)}
    assert len(choose(candidates, split, lambda _: None)) == 1
