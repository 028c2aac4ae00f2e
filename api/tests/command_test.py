import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

import train_model
from support.artifact import contents
from training import artifact
from training.command import Recipe, main
from training.preparation import pipeline
from training.tasks import TASK

SCRIPT = Path(train_model.__file__)
RECIPE, DATA = train_model.RECIPE, train_model.DATA


class Oracle(BaseEstimator):  # type: ignore[misc]
    # As good as an estimator can be, and unknown to ONNX and to the service.

    def __init__(self, inner: BaseEstimator) -> None:
        self.inner = inner

    def fit(self, rows: object, target: object) -> "Oracle":
        self.fitted_ = self.inner.fit(rows, target)
        return self

    @property
    def classes_(self) -> object:
        return self.inner.classes_

    def predict(self, rows: object) -> object:
        return self.inner.predict(rows)

    def predict_proba(self, rows: object) -> object:
        return self.inner.predict_proba(rows)

    def __sklearn_tags__(self) -> object:
        return self.inner.__sklearn_tags__()


def fails(
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *options: str,
    recipe: Recipe = RECIPE,
) -> str:
    """Run the command, which must fail and leave the artifact alone; return its one line."""
    before = contents(copy)
    monkeypatch.setattr(sys, "argv", ["train_model.py", "--out", str(copy), *options])
    assert main(recipe) == 1
    assert contents(copy) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_help_names_the_options() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--data" in done.stdout
    assert "--out" in done.stdout


def test_other_data_is_refused_with_both_hashes(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copy.parent / DATA.file.name
    other.write_bytes(DATA.file.read_bytes() + b"\n")
    line = fails(copy, monkeypatch, capsys, "--data", str(other))
    assert f"{other}: SHA-256 is {artifact.sha256(other.read_bytes())}" in line
    assert DATA.sha256 in line


def test_missing_data_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = fails(copy, monkeypatch, capsys, "--data", "nowhere.csv")
    assert "nowhere.csv: No such file" in line


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Oracle.__module__, "the service would import "),
        ("__main__", "Can't get attribute 'Oracle' on <module '__main__' "),
    ],
)
def test_an_estimator_that_the_service_would_not_find_is_named(
    module: str,
    said: str,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Oracle, "__module__", module)
    monkeypatch.setattr(sys.modules["__main__"], "Oracle", Oracle, raising=False)
    only = {"my oracle": pipeline(Oracle(LogisticRegression()), scale=True)}
    line = fails(copy, monkeypatch, capsys, recipe=replace(RECIPE, candidates=lambda: only))
    assert said in line
    assert "belong into a module of api/app" in line


@pytest.mark.by_data
def test_a_model_that_has_learnt_nothing_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = {"coin": pipeline(TASK.dummy(), scale=False)}
    line = fails(copy, monkeypatch, capsys, recipe=replace(RECIPE, candidates=lambda: only))
    assert f"quality gate: coin has a {TASK.loss} of" in line
