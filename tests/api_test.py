"""What the service answers, over HTTP, from the real process."""

import asyncio
import gzip
import json
import re

import httpx
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from app.features import CLASSES, TARGET
from app.schemas import Prediction
from app.settings import Settings
from support import sample
from support.posts import EXAMPLES
from support.raw import exchange, post_chunked
from support.service import Process, scrape, serving, value, values

pytestmark = pytest.mark.by_data

ROW = sample.EXAMPLE
JSON = {"content-type": "application/json"}


def test_predict_answers_target_and_version(client: httpx.Client) -> None:
    answer = client.post("/predict", json=ROW).json()
    assert list(answer) == list(Prediction.model_fields)
    assert Prediction.model_validate(answer)
    assert sum(answer.get("probabilities", {"": 1}).values()) == pytest.approx(1, abs=1e-5)
    assert answer["model_version"] == client.get("/model").json()["model_version"]


def test_held_out_rows_are_answered_as_well_as_the_card_says(client: httpx.Client) -> None:
    card, holdout = (client.get(path).json() for path in ("/model", "/model/holdout"))
    rows = [example["row"] for example in holdout["rows"]]
    labels = [example["label"] for example in holdout["rows"]]
    predictions = client.post("/predict/batch", json=rows).json()["predictions"]
    answers = [prediction[TARGET] for prediction in predictions]
    if CLASSES:
        score = accuracy_score(labels, answers)
        correct = np.array(answers) == labels
    else:
        score = r2_score(labels, answers)
        correct = np.abs(np.array(answers) - labels) <= holdout["tolerance"]
    assert correct.mean() == card["metrics"]["correct"]["holdout"]
    assert score == pytest.approx(card["metrics"]["score"]["holdout"], abs=1e-5)


def test_ten_thousand_rows_are_answered_and_one_more_is_422(client: httpx.Client) -> None:
    answer = client.post("/predict/batch", json=[ROW] * 10_000)
    assert len(answer.json()["predictions"]) == 10_000
    row = json.dumps(ROW, separators=(",", ":"))
    body = f"[{','.join([row] * 10_001)}]"
    assert client.post("/predict/batch", content=body, headers=JSON).status_code == 422
    assert client.post("/predict/batch", json=[]).status_code == 422


@pytest.mark.parametrize("literal", ["NaN", "1e999", '"39.1"', "true", "-999999999999"])
def test_a_bad_measurement_is_named_with_422(client: httpx.Client, literal: str) -> None:
    body = sample.row_with(sample.NUMBER, literal)
    answer = client.post("/predict", content=body, headers=JSON)
    (error,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert error["loc"] == ["body", sample.NUMBER]
    assert str(error["input"]).lower() in (literal.lower().strip('"'), "infinity", "inf")


def test_a_bad_row_of_a_batch_is_named_by_its_position(client: httpx.Client) -> None:
    rows = [ROW, {**ROW, sample.NUMBER: "drake"}]
    (error,) = client.post("/predict/batch", json=rows).json()["detail"]
    assert error["loc"] == ["body", 1, sample.NUMBER]
    assert error["input"] == "drake"


def test_another_media_type_is_415_and_no_json_is_400(client: httpx.Client) -> None:
    assert client.post("/predict", content="{}").status_code == 415
    assert client.post("/predict", content="{", headers=JSON).status_code == 400


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_compressed_body_is_refused_by_name_and_not_opened(
    client: httpx.Client, path: str
) -> None:
    body = gzip.compress(json.dumps(EXAMPLES[path]).encode())
    answer = client.post(path, content=body, headers={**JSON, "content-encoding": "gzip"})
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert "content-encoding: expected none or identity, got 'gzip'" in answer.json()["detail"]


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_body_that_is_said_to_be_as_it_is_is_answered(client: httpx.Client, path: str) -> None:
    head = {"content-encoding": "Identity"}
    assert client.post(path, json=EXAMPLES[path], headers=head).status_code == 200


def test_a_body_above_the_limit_is_413_and_names_the_limit(client: httpx.Client) -> None:
    limit = Settings().max_row_bytes
    answer = client.post("/predict", content=b" " * (limit + 1), headers=JSON)
    assert answer.status_code == 413
    assert str(limit) in answer.json()["detail"]


def test_a_chunked_body_above_the_limit_is_413_though_it_comes_at_once(service: Process) -> None:
    answer = asyncio.run(exchange(service.port, post_chunked("/predict", b" " * 2**20)))
    assert answer
    assert answer.status == 413


def test_probes_answer(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_path_that_is_not_there_is_404_and_a_wrong_method_405(client: httpx.Client) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.get("/predict").status_code == 405
    assert client.get("/predict").headers["allow"] == "POST"


def test_what_is_wrong_in_a_large_batch_is_told_by_its_place_there(client: httpx.Client) -> None:
    limit = Settings().max_batch_rows
    rows = [ROW] * limit
    rows[limit - 1] = {}
    (first, *_) = client.post("/predict/batch", json=rows).json()["detail"]
    assert first["loc"][:2] == ["body", limit - 1]
    many = client.post("/predict/batch", json=[ROW] * (limit + 1))
    assert many.status_code == 422
    assert str(limit + 1) in many.text


def test_a_large_batch_is_counted_as_one() -> None:
    rows = Settings().max_batch_rows
    with serving() as service, httpx.Client(base_url=service.url, timeout=60) as client:
        client.post("/predict/batch", json=[ROW] * rows)
        seen = scrape(client)
        assert value(seen, "model_batch_size_count") == 1
        assert value(seen, "model_batch_size_sum") == rows
        assert value(seen, "model_inference_duration_seconds_count") == 1


@pytest.mark.parametrize("path", ["/predict", "/healthz"])
def test_a_request_id_is_returned_or_made(client: httpx.Client, path: str) -> None:
    def ids(*sent: str) -> list[str]:
        headers = [("x-request-id", s) for s in sent]
        return client.request("POST", path, headers=headers).headers.get_list("x-request-id")

    assert ids("abc-1") == ["abc-1"]
    assert ids("with space") != ["with space"]
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", ids()[0])
    assert ids() != ids()


def test_requests_are_counted_by_route_status_and_class() -> None:
    with serving() as service, httpx.Client(base_url=service.url) as client:
        client.post("/predict", json=ROW)
        client.post("/predict/batch", json=[ROW] * 5)
        client.post("/predict", json={})
        client.post("/predict", json=ROW, headers={"content-encoding": "br"})
        client.get("/model")
        client.get("/made-up")
        seen = scrape(client)
        requests = ("http_requests_total", "http_request_duration_seconds_count")
        predict = {"method": "POST", "handler": "/predict"}
        assert value(seen, requests[0], status="200", **predict) == 1
        assert value(seen, requests[0], status="422", **predict) == 1
        assert value(seen, requests[0], status="415", **predict) == 1
        assert [value(seen, name, **predict) for name in requests] == [3, 3]
        assert [value(seen, name, handler="/predict/batch") for name in requests] == [1, 1]
        assert [value(seen, name, handler="/model") for name in requests] == [1, 1]
        assert [value(seen, name, handler="__unmatched__") for name in requests] == [1, 1]
        assert value(seen, "http_requests_in_progress", **predict) == 0
        assert value(seen, "http_requests_in_progress", handler="/metrics") == 1
        assert max(values(seen, "model_predictions_total")) == 6
        assert values(seen, "model_prediction_confidence_count") == ([6] if CLASSES else [])
        assert value(seen, "model_batch_size_sum") == 6
        assert value(seen, "model_inference_duration_seconds_count") == 2
        assert value(seen, "model_input_rejected_total", reason="missing") == 1
        assert value(seen, "model_input_rejected_total", reason="content_encoding") == 1


def test_metrics_are_openmetrics_when_asked(client: httpx.Client) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "# TYPE http_requests counter\n" in answer.text
    assert answer.text.endswith("# EOF\n")


def test_the_build_is_told_by_serving_build_info() -> None:
    with (
        serving(version="2026-01-02", revision="abc") as service,
        httpx.Client(base_url=service.url) as client,
    ):
        model = client.get("/model").json()["model_version"]
        labels = {"version": "2026-01-02", "revision": "abc", "model_version": model}
        assert value(scrape(client), "serving_build_info", **labels, release="") == 1


def test_a_line_is_logged_for_each_request_only_when_asked() -> None:
    def lines(service: Process) -> list[str]:
        for path in ("/predict", "/healthz"):
            httpx.post(service.url + path, headers={"x-request-id": "find-me"})
        service.terminate()
        service.exit_code()
        return [line for line in service.lines if "find-me" in line]

    with serving(log_requests=True, drain_seconds=0) as service:
        predict, healthz = map(json.loads, lines(service))
    assert (predict["path"], predict["status"]) == ("/predict", 415)
    assert (healthz["path"], healthz["status"]) == ("/healthz", 405)
    with serving(drain_seconds=0) as service:
        assert lines(service) == []
