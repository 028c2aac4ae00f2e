import os
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier

import train_model
from app import features
from app.card import ArtifactError, Card
from app.settings import Settings
from training import TrainingError, artifact
from training.export import check_parity, fuzz, to_onnx_bytes
from training.preparation import pipeline
from training.selection import Split, check_quality

SCRIPT = train_model.HERE / "train_model.py"
FEATURES, TARGET = train_model.load_data(train_model.DATA_FILE)
Bytes = dict[str, bytes]


class Oracle(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    # As good as an estimator can be, and unknown to ONNX.

    def fit(self, _rows: object, target: object) -> "Oracle":
        self.inner_ = RandomForestClassifier(10, random_state=0).fit(_rows, target)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, rows: object) -> object:
        return self.inner_.predict(rows)

    def predict_proba(self, rows: object) -> object:
        return self.inner_.predict_proba(rows)


def contents(folder: Path) -> Bytes:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def fails(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> str:
    """Run the command, which must fail and leave the artifact alone; return its one line."""
    before = contents(copy)
    monkeypatch.setattr(sys, "argv", ["train_model.py", "--out", str(copy), *options])
    assert train_model.main() == 1
    assert contents(copy) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    # The other run is the one that made the artifact of these tests.
    subprocess.run(
        [sys.executable, SCRIPT, "--out", tmp_path],
        env={**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"},
        check=True,
        capture_output=True,
    )
    assert contents(tmp_path) == contents(Settings().model_dir)


def test_help_names_the_options() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--data" in done.stdout
    assert "--out" in done.stdout


def test_other_data_is_refused_with_both_hashes(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copy.parent / "penguins.csv"
    data.write_bytes(train_model.DATA_FILE.read_bytes() + b"\n")
    line = fails(copy, monkeypatch, capsys, "--data", str(data))
    assert str(data) in line
    assert train_model.DATA_SHA256 in line


def test_missing_data_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = fails(copy, monkeypatch, capsys, "--data", "nowhere.csv")
    assert "nowhere.csv: No such file" in line


def test_an_estimator_without_onnx_converter_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = {"my oracle": pipeline(Oracle(), scale=False)}
    monkeypatch.setattr(train_model, "candidates", lambda: only)
    line = fails(copy, monkeypatch, capsys)
    assert "my oracle: Oracle cannot be exported to ONNX" in line


def test_a_model_that_has_learnt_nothing_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = {"coin": pipeline(DummyClassifier(strategy="prior"), scale=False)}
    monkeypatch.setattr(train_model, "candidates", lambda: only)
    line = fails(copy, monkeypatch, capsys)
    assert "quality gate: coin has a log loss of" in line


def test_an_export_that_answers_otherwise_is_refused_with_the_row() -> None:
    fitted, other = (train_model.candidates()["logistic regression"] for _ in range(2))
    fitted.fit(FEATURES, TARGET)
    other.fit(FEATURES[1:], TARGET[1:])
    with pytest.raises(TrainingError, match=r"mine: the ONNX export differs .* on {'island'"):
        check_parity("mine", fitted, to_onnx_bytes("mine", other), fuzz(FEATURES, 0))


def test_a_column_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "penguins.csv"
    data.write_text(train_model.DATA_FILE.read_text().replace("body_mass_g", "mass", 1))
    monkeypatch.setattr(train_model, "DATA_SHA256", artifact.sha256(data.read_bytes()))
    with pytest.raises(TrainingError, match=r"no column 'body_mass_g', only .*mass"):
        train_model.load_data(data)


def test_a_value_that_the_schema_forbids_is_named_with_its_row() -> None:
    heavy = FEATURES.copy()
    heavy.loc[7, "body_mass_g"] = 50_000
    with pytest.raises(TrainingError, match=r"data row 7: body_mass_g: .* got 50000"):
        artifact.check_data(heavy, TARGET)


def test_a_class_that_the_schema_does_not_list_is_named() -> None:
    with pytest.raises(TrainingError, match="Emperor"):
        artifact.check_data(FEATURES, TARGET.replace("Gentoo", "Emperor"))


def test_a_model_that_the_service_would_refuse_is_not_saved(copy: Path) -> None:
    before = contents(copy)
    card = Card.unseal(before["model.json"])
    card.golden[0].probabilities[0] -= 0.1
    files = {name: before[name] for name in ("model.onnx", "model.joblib")}
    with pytest.raises(ArtifactError, match="golden row"):
        artifact.save(card, files, copy)
    assert contents(copy) == before


def test_the_quality_gate_reports_what_scikit_learn_measures() -> None:
    split: Split = train_model.split_rows(FEATURES, TARGET)
    fitted = train_model.candidates()["random forest"].fit(split.train, split.train_target)
    quality = check_quality("random forest", fitted, split)
    assert quality["holdout_accuracy"] == fitted.score(split.holdout, split.holdout_target)
    assert quality["holdout_log_loss"] < quality["baseline_log_loss"]


def test_fuzzed_rows_cover_what_is_missing_unknown_and_extreme() -> None:
    rows = fuzz(FEATURES, 0)
    assert len(rows) == 10_000
    for feature in features.FEATURES:
        column = rows[feature.name]
        assert 0.05 < column.isna().mean() < 0.15
        if feature.is_numeric:
            assert column.min() < FEATURES[feature.name].min()
            assert column.max() > FEATURES[feature.name].max()
        else:
            assert set(column.dropna()) > set(feature.categories)
