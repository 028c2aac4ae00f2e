"""What the check after each sync accepts, and what it refuses."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.features import CLASS_NAMES, CLASSES, TARGET
from support import sample
from support.fake_service import Answer, imitating, mislabelled, rows_of
from support.paths import API
from support.ports import free_port
from support.service import Process, environment


def smoke(url: str, **settings: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "app.smoke", url, "--seconds", "1.5"),
        cwd=API, env=environment(**settings), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def answers(client: httpx.Client, **changed: Any) -> Answer:
    """Answer as the real service does, but for these fields."""

    def answer(_n: int, sent: Any) -> Any:
        if isinstance(sent, list):
            return client.post("/predict/batch", json=sent).json()
        return {**client.post("/predict", json=sent).json(), **changed}

    return answer


@pytest.mark.by_data
def test_the_image_that_is_deployed_passes(service: Process) -> None:
    done = smoke(service.url)
    assert (done.returncode, done.stderr) == (0, "")
    version = httpx.get(f"{service.url}/model").json()["model_version"]
    assert done.stdout == f"{service.url} answers with model {version}\n"


def test_another_model_behind_the_service_fails(service: Process, tmp_path: Path) -> None:
    done = smoke(service.url, model_dir=mislabelled(tmp_path / "model"))
    assert done.returncode == 1
    version = httpx.get(f"{service.url}/model").json()["model_version"]
    assert f"failed: model {version} answers, not " in done.stderr


@pytest.mark.by_data
def test_another_answer_under_the_right_version_fails(client: httpx.Client) -> None:
    field = "probabilities" if CLASSES else TARGET
    wrong = dict.fromkeys(CLASS_NAMES, 0.5) if CLASSES else sample.middle() + 0.5
    with imitating(rows_of(client), answers(client, **{field: wrong})) as (url, _):
        done = smoke(url)
    assert done.returncode == 1
    assert f"is answered {wrong}, not " in done.stderr


@pytest.mark.by_data
def test_held_out_rows_that_are_answered_wrongly_fail(client: httpx.Client) -> None:
    def answer(n: int, sent: Any) -> Any:
        found = answers(client)(n, sent)
        if isinstance(sent, list):
            for prediction in found["predictions"]:
                prediction[TARGET] = CLASSES[0] if CLASSES else sample.middle()
        return found

    with imitating(rows_of(client), answer) as (url, _):
        done = smoke(url)
    assert done.returncode == 1
    assert re.search(
        r"failed: \d+ of \d+ held-out rows are answered correctly, not \d+", done.stderr
    )


def test_one_old_pod_among_the_new_ones_fails(client: httpx.Client) -> None:
    def answer(n: int, sent: Any) -> Any:
        return answers(client, **({"model_version": "old"} if n % 15 == 0 else {}))(n, sent)

    with imitating(rows_of(client), answer) as (url, _):
        done = smoke(url)
    assert done.returncode == 1
    assert "failed: model old answers" in done.stderr


def test_a_service_that_comes_up_late_passes(client: httpx.Client) -> None:
    def answer(n: int, sent: Any) -> Any:
        return "starting" if n < 3 else answers(client)(n, sent)

    with imitating(rows_of(client), answer) as (url, _):
        done = smoke(url)
    assert done.returncode == 0
    assert done.stdout.startswith("not yet: Expecting value")


def test_a_service_that_is_not_there_fails_and_is_named() -> None:
    done = smoke(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_a_model_of_its_own_that_is_damaged_is_named(service: Process, tmp_path: Path) -> None:
    (mislabelled(tmp_path / "model") / "model.onnx").write_bytes(b"")
    done = smoke(service.url, model_dir=tmp_path / "model")
    assert done.returncode == 1
    assert re.fullmatch(r"model refused: .*model.onnx: its SHA-256 is not .*\n", done.stderr)


def test_what_is_no_address_is_named() -> None:
    done = smoke("api-service:8000")
    assert done.returncode == 2
    assert "url: 'api-service:8000' does not begin with http:// or https://" in done.stderr
