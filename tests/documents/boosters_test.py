"""XGBoost and LightGBM: trained where they are installed, and served where they are not.

The environment has them by a lock of its own; all else here runs in ours, which has not.
"""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import numpy as np
import pytest

import train_model
from app.features import CLASS_NAMES, TARGET
from app.model import TOLERANCE
from documents import census
from estimators import run
from support import boosters
from support.fork import TRAINING, Fork
from support.service import serving
from training.data import to_rows

if TARGET != "species":
    pytest.skip("the candidates are made for the penguins", allow_module_level=True)

FEW = "n_estimators=20"
SAMPLED = "boosting_type='rf', subsample=0.8, subsample_freq=1"
SAMPLE = {
    "penguins": {
        "XGBClassifier()": "refused",
        "VotingClassifier(estimators=[('it', XGBClassifier())], voting='soft')": "onnx",
        f"VotingClassifier(estimators=[('it', XGBRFClassifier({FEW}))], voting='soft')":
            "scikit-learn",
        f"VotingClassifier(estimators=[('it', XGBClassifier({FEW}, booster='gblinear'))], "
        "voting='soft')": "scikit-learn",
        "LGBMClassifier()": "onnx",
        f"LGBMClassifier({FEW}, {SAMPLED})": "scikit-learn",
        f"LGBMClassifier({FEW}, objective='multiclassova')": "scikit-learn",
    },
    "diabetes": {
        "XGBRegressor()": "onnx",
        f"XGBRFRegressor({FEW})": "onnx",
        "LGBMRegressor()": "onnx",
        f"LGBMRegressor({FEW}, {SAMPLED})": "scikit-learn",
        "LGBMRegressor(linear_tree=True)": "scikit-learn",
        "LGBMRegressor(zero_as_missing=True)": "scikit-learn",
    },
}  # fmt: skip
"""What ONNX says rightly, and what training must notice that it does not."""

FRONTS = {"LGBMRegressor(zero_as_missing=True)": "KBinsDiscretizer(encode='ordinal')"}
OWN = """
def candidates():
    return {{"mine": pipeline({estimator}, scale=False)}}


RECIPE = """
SAYS = """
import json
import joblib
from training.columns import narrowed
from train_model import DATA
table = narrowed(DATA.load(DATA.file)[0])
print(json.dumps(joblib.load("data/model/model.joblib").predict_proba(table).tolist()))
"""
LGBM = "LGBMClassifier(n_estimators=20, n_jobs=1, verbosity=-1)"
VOTE = "VotingClassifier([('it', XGBClassifier(missing=0, n_estimators=9))], voting='soft')"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return boosters.install(tmp_path_factory.mktemp("boosters"))


def fork_with(folder: Path, estimator: str, *imports: str) -> Fork:
    """Return a copy in which somebody has written a candidate, with imports above all others."""
    fork = Fork(folder)
    file = fork.folder / TRAINING
    text = file.read_text().replace("import pandas", "\n".join((*imports, "import pandas")), 1)
    file.write_text(text.replace("RECIPE = ", OWN.format(estimator=estimator).lstrip()))
    return fork


def run_in(fork: Fork, *command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        tuple(map(str, command)), cwd=fork.folder / "api",
        env=fork.environment(PYTHONDONTWRITEBYTECODE=""), capture_output=True, text=True,
    )  # fmt: skip


def check_answers(fork: Fork, python: Path, service: Path) -> None:
    """Fail unless the service answers every row of the table as the pipeline itself does."""
    features, _ = train_model.DATA.load(train_model.DATA.file)
    rows = [row.model_dump() for row in to_rows(features)]
    done = run_in(fork, python, "-c", SAYS)
    assert done.returncode == 0, done.stderr
    with (
        serving((str(service), "-m", "app"), cwd=fork.folder / "api") as process,
        httpx.Client(base_url=process.url, timeout=30) as client,
    ):
        answers = client.post("/predict/batch", json=rows).json()["predictions"]
    found = [[answer["probabilities"][name] for name in CLASS_NAMES] for answer in answers]
    assert np.abs(np.array(found) - json.loads(done.stdout)).max() <= TOLERANCE


@pytest.mark.parametrize("data", SAMPLE)
def test_a_sample_comes_out_as_the_document_says(data: str, python: Path, tmp_path: Path) -> None:
    expected = {
        f"{name} behind {FRONTS.get(name, 'one-hot alone')}": outcome
        for name, outcome in SAMPLE[data].items()
    }
    found = list(run.verdicts(data, tmp_path, *expected, python=python))
    assert {verdict.case: verdict.outcome for verdict in found} == expected
    census.check_told(data, found)


def test_onnx_is_served_by_an_environment_that_has_no_booster(python: Path, tmp_path: Path) -> None:
    fork = fork_with(tmp_path, LGBM, "from lightgbm import LGBMClassifier")
    done = run_in(fork, python, "train_model.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "served as an ONNX model" in done.stdout
    check_answers(fork, python, service=Path(sys.executable))


def test_a_pipeline_is_served_where_its_package_is_among_the_image_s(
    python: Path, tmp_path: Path
) -> None:
    fork = fork_with(
        tmp_path, VOTE,
        "from sklearn.ensemble import VotingClassifier", "from xgboost import XGBClassifier",
    )  # fmt: skip
    done = run_in(fork, python, "train_model.py")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    package = "xgboost" if sys.platform == "darwin" else "xgboost-cpu"
    assert line == (
        "train_model: the service would import xgboost, which its image does not hold: "
        f"add {package} to api/requirements-sklearn.in and run `make lock`"
    )
    assert not (fork.folder / "api/data/model/model.json").exists()
    # What `make lock` then writes.
    locked = re.findall(r"(?m)^xgboost[^=]*==.*\n(?: +.*\n)*", boosters.LOCK.read_text())
    with (fork.folder / "api/requirements-sklearn.txt").open("a") as lock:
        lock.writelines(locked)
    done = run_in(fork, python, "train_model.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "served by scikit-learn itself, since ONNX cannot say it" in done.stdout
    check_answers(fork, python, service=python)
    if find_spec("xgboost") is None:  # as in an image that was built by another lock
        refused = run_in(fork, sys.executable, "-m", "app")
        assert refused.returncode == 3
        assert "No module named 'xgboost'" in refused.stderr
        assert "packages into api/requirements-sklearn.in" in refused.stderr


def test_a_package_that_is_missing_is_one_line(tmp_path: Path) -> None:
    fork = fork_with(tmp_path, "nobody_has.it()", "import nobody_has")
    done = run_in(fork, sys.executable, "train_model.py")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("train_model: No module named 'nobody_has': add its package to api/req")
