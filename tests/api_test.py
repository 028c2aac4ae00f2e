"""The real server process, spoken to over HTTP."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

API = Path(__file__).parents[1] / "api"
ROW = {
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    process = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=API,
        env={**os.environ, "SERVING_PORT": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = None
    for line in process.stderr:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            port = found[1]
            break
    assert port, "the server ended before it listened"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        yield http
    process.kill()
    process.communicate()


def test_predict_answers_species_probabilities_and_version(client: httpx.Client) -> None:
    answer = client.post("/predict", json=ROW).json()
    assert answer["species"] == "Adelie"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["model_version"] == client.get("/model").json()["model_version"]


def test_held_out_rows_are_answered_as_accurately_as_the_card_says(client: httpx.Client) -> None:
    rows = client.get("/model/holdout").json()["rows"]
    answers = client.post("/predict/batch", json=[r["row"] for r in rows]).json()["predictions"]
    right = sum(a["species"] == r["label"] for a, r in zip(answers, rows, strict=True))
    assert right / len(rows) == client.get("/model").json()["metrics"]["holdout_accuracy"]


@pytest.mark.parametrize("value", ["NaN", "1e999", '"39.1"', "true", "-1"])
def test_a_bad_measurement_is_named_with_422(client: httpx.Client, value: str) -> None:
    body = '{"island":"Dream","bill_length_mm":%s,"bill_depth_mm":18,"flipper_length_mm":190,'
    body = body % value + '"body_mass_g":4000}'
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "bill_length_mm"]


def test_another_media_type_is_415_and_no_json_is_400(client: httpx.Client) -> None:
    assert client.post("/predict", content="{}").status_code == 415
    head = {"content-type": "application/json"}
    assert client.post("/predict", content="{", headers=head).status_code == 400


def test_probes_answer(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
