import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

import train_model
from app import features
from app.card import ArtifactError, Card
from app.features import CLASSES, TARGET
from app.model import TOLERANCE
from app.settings import Settings
from support import sample
from support.artifact import contents
from training import TrainingError, artifact, data
from training.data import Data
from training.parity import fuzz
from training.selection import Split, check_quality, split_rows

pytestmark = pytest.mark.by_data

SCRIPT = Path(train_model.__file__)
DATA = train_model.DATA
ROWS, TRUTH = DATA.load(DATA.file)


def trained() -> Pipeline:
    """Return the pipeline that training chose, not fitted."""
    card = Card.unseal((Settings().model_dir / "model.json").read_bytes())
    return train_model.candidates()[card.estimator]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    # The other run is the one that made the artifact of these tests.
    subprocess.run(
        [sys.executable, SCRIPT, "--out", tmp_path],
        env={**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"},
        check=True,
        capture_output=True,
    )
    assert contents(tmp_path) == contents(Settings().model_dir)


@pytest.mark.parametrize("column", [features.FEATURES[-1].name, TARGET])
def test_a_column_that_is_missing_is_named(column: str) -> None:
    less: Data = replace(DATA, read=lambda file: DATA.read(file).rename(columns={column: "gone"}))
    with pytest.raises(TrainingError, match=rf"no column '{column}', only .*gone"):
        less.load(DATA.file)


def test_a_value_that_the_schema_forbids_is_named_with_its_row() -> None:
    heavy = ROWS.copy()
    heavy.loc[7, sample.NUMBER] = 50_000
    with pytest.raises(
        TrainingError, match=rf"row 8 below the header: {sample.NUMBER}: .* got 50000"
    ):
        data.check(heavy, TRUTH)


def test_a_target_that_the_schema_does_not_have_is_named() -> None:
    other = TRUTH.astype(object)
    other.iloc[7] = "Emperor" if features.ANSWER.type == "string" else 12345
    with pytest.raises(TrainingError, match=rf"row \d+ below .*: {TARGET}: .*(Emperor|12345)"):
        data.check(ROWS, other)


def test_a_target_that_is_missing_is_named_with_its_row() -> None:
    other = TRUTH.astype(object)
    other.loc[7] = None
    with pytest.raises(TrainingError, match=f"row 8 below the header: {TARGET} is missing"):
        data.check(ROWS, other)


def test_a_model_that_the_service_would_refuse_is_not_saved(copy: Path) -> None:
    before = contents(copy)
    card = Card.unseal(before["model.json"])
    card.golden[0].output[0] -= 10_000 * TOLERANCE
    files = {name: before[name] for name in ("model.onnx", "model.joblib")}
    with pytest.raises(ArtifactError, match="golden row"):
        artifact.save(card, files, copy)
    assert contents(copy) == before


def test_the_quality_gate_reports_what_scikit_learn_measures() -> None:
    split: Split = split_rows(ROWS, TRUTH)
    fitted = trained().fit(split.train, split.train_target)
    quality = check_quality("mine", fitted, split)
    score = fitted.score(split.holdout, split.holdout_target)
    assert quality["score"].holdout == pytest.approx(score, abs=1e-12)
    assert quality["loss"].holdout < quality["loss"].baseline
    if CLASSES:
        assert quality["correct"].holdout == score
    else:
        errors = np.abs(fitted.predict(split.holdout) - split.holdout_target)
        assert quality["correct"].holdout == (errors <= quality["correct"].tolerance).mean() >= 0.9


def test_fuzzed_rows_hold_what_the_schema_allows_and_what_stands_in_the_table() -> None:
    rows = fuzz(ROWS, 0)
    assert len(rows) == 10_000
    for feature in features.FEATURES:
        column = rows[feature.name]
        assert (0.05 < column.isna().mean() < 0.15) == feature.nullable
        assert feature.nullable or column.notna().all()
        if feature.minimum is not None and feature.maximum is not None:
            covered = column.max() - column.min()
            assert 0.99 < covered / (feature.maximum - feature.minimum) <= 1 + 1e-6
            assert column.dropna().isin(ROWS[feature.name].astype("float32")).mean() > 0.2
        else:
            assert set(column.dropna()) == set(feature.categories)
