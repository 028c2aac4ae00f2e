"""Other data in two files: all that does not speak of penguins holds for it, and so do the docs."""

import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import document
import walkthrough
from clients import wait_until
from fork import DATASETS, OURS, SCHEMA, TRAINING, Fork
from loadtester.local.ports import PORTS
from make_run import made_to_run

TEXT = document.text_of("docs/your-own-model.md")
STEPS = list(document.steps(TEXT))
LIVE = next(n for n, step in enumerate(STEPS) if "127.0.0.1" in step.command)
"""The first step that asks what `make run` has started."""

BY_DATA = (
    *("api/tests/card_test.py", "api/tests/errors_test.py", "api/tests/features_test.py"),
    *("api/tests/metrics_test.py", "api/tests/model_test.py", "api/tests/schemas_test.py"),
    *("api/tests/train_model_test.py", "api/tests/penguins_test.py", "tests/penguins_test.py"),
    *("tests/api_test.py", "tests/drift_test.py", "tests/parity_test.py", "tests/schema_test.py"),
    *("tests/hostile_test.py", "tests/documents_test.py"),
    "tests/smoke_test.py::test_the_image_that_is_deployed_passes",
    "tests/smoke_test.py::test_another_answer_under_the_right_version_fails",
    "tests/canary_test.py::test_right_answers_are_counted_as_correct",
    "tests/canary_test.py::test_answers_other_than_the_label_are_counted_as_wrong",
    "tests/canary_test.py::test_a_pass_through_the_held_out_rows_is_as_correct_as_the_card_says",
    "tests/locust_test.py::test_a_run_within_the_thresholds_ends_with_0",
    "tests/locust_test.py::test_every_wrong_answer_fails_its_request_and_is_quoted",
    "tests/start_test.py::test_a_model_for_another_contract_ends_the_start_with_3"
    "_and_names_the_feature",
    "tests/page_test.py::test_a_row_is_predicted_by_keyboard_alone",
    "tests/page_test.py::test_the_form_has_name_unit_range_and_description_of_each_feature",
    "tests/page_test.py::test_the_example_row_is_filled_in_at_first_and_again",
    "tests/page_test.py::test_the_answer_has_the_apis_own_numbers",
    "tests/page_test.py::test_a_refused_value_is_named_at_its_field",
    "tests/page_test.py::test_a_field_that_must_be_known_is_asked_for",
    "tests/page_test.py::test_the_card_is_shown",
    "tests/page_live_test.py::test_shares_of_answers_are_those_of_all_rows_since_the_start",
    "tests/page_live_test.py::test_psi_is_numpys_and_a_shift_is_named",
    "tests/page_delivery_test.py::test_the_page_asks_nobody_else_and_is_small",
    "tests/page_delivery_test.py::test_axe_finds_nothing[light-390]",
    "tests/page_delivery_test.py::test_axe_finds_nothing[dark-1280]",
    "tests/alerts_test.py::test_an_hour_of_clean_traffic_raises_no_alert[canary alone]",
)
"""Tests whose outcome depends on the data; of sockets, signals and workers it does not."""
STACK = ("tests/dashboards_test.py",)
"""All of it with Locust, canary, Prometheus and its rules, and each query of each dashboard."""


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return a copy in which the document's commands up to the training were run."""
    fork = Fork(tmp_path_factory.mktemp("diabetes"))
    for step in STEPS[:LIVE]:
        found = walkthrough.printed(fork, step.command)
        assert walkthrough.same(step.output, found), f"{step.command}\n{found}"
    return fork


@pytest.fixture(scope="module")
def breast_cancer(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return a copy in which a model of thirty columns was trained."""
    fork = Fork(tmp_path_factory.mktemp("breast_cancer"))
    fork.take("breast_cancer")
    done = fork.run(".venv/bin/python api/train_model.py")
    assert done.returncode == 0, done.stderr
    return fork


def passes(fork: Fork) -> None:
    """Run the tests by data in the copy, the stack beside the others: it waits most of the time."""

    def tested(tests: Sequence[str]) -> str:
        command = f"{sys.executable} -m pytest -q -p no:cacheprovider {' '.join(map(repr, tests))}"
        # A tenth of the hostile requests: their kinds are the same for any data.
        done = fork.run(command, HOSTILE_REQUESTS="1000")
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        return done.stdout

    with ThreadPoolExecutor(2) as pool:
        alone, _ = pool.map(tested, (BY_DATA, STACK))
    assert "3 skipped" in alone.splitlines()[-1]  # those of the penguins
    assert fork.changed() == OURS


def test_diabetes_passes_as_a_regression(diabetes: Fork) -> None:
    passes(diabetes)


def test_breast_cancer_passes_with_thirty_numbers_and_no_category(breast_cancer: Fork) -> None:
    passes(breast_cancer)


def test_the_document_shows_the_files_of_the_data_set() -> None:
    shown = document.blocks(TEXT, "python")
    for excerpt, name in zip(shown, (SCHEMA, TRAINING), strict=True):
        assert excerpt in (DATASETS / "diabetes" / Path(name).name).read_text()


def answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


def test_what_runs_answers_as_the_document_says(diabetes: Fork, tmp_path: Path) -> None:
    with made_to_run(diabetes, tmp_path / "log") as run:
        ports = {port.default: run.ports[port.variable] for port in PORTS}
        for port, path in ((8000, "readyz"), (8089, ""), (9647, "metrics"), (9090, "-/ready")):
            url = f"http://127.0.0.1:{ports[port]}/{path}"
            wait_until(url, lambda url=url: answers(url))  # type: ignore[misc]
        for step in STEPS[LIVE:]:
            command = re.sub(
                r"(?<=127\.0\.0\.1:)\d{4}", lambda found: str(ports[int(found[0])]), step.command
            )
            done = diabetes.run(command)
            if "/metrics |" in command:  # how many there are is another matter every time
                assert walkthrough.words(done.stdout) == walkthrough.words(step.output), command
            else:
                assert walkthrough.same(step.output, done.stdout), f"{command}\n{done.stdout}"
