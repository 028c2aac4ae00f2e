"""docs/your-own-model.md, command by command; all tests by data then hold for its model."""

import re
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from documents import by_data, walkthrough
from loadtester.local.ports import PORTS
from support import document
from support.fork import DATASETS, SCHEMA, TRAINING, Fork
from support.make_run import made_to_run
from support.waiting import wait_until

pytestmark = pytest.mark.first

TEXT = document.text_of("docs/your-own-model.md")
STEPS = list(document.steps(TEXT))
LIVE = next(n for n, step in enumerate(STEPS) if "127.0.0.1" in step.command)
"""The first step that asks what `make run` has started."""


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return a copy in which the document's commands up to the training were run."""
    fork = Fork(tmp_path_factory.mktemp("diabetes"))
    for step in STEPS[:LIVE]:
        found = walkthrough.printed(fork, step.command)
        assert walkthrough.same(step.output, found), f"{step.command}\n{found}"
    return fork


def test_diabetes_passes_as_a_regression(diabetes: Fork) -> None:
    by_data.passes(diabetes)


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
            # Other tests run beside it, and take their share of the time that its p95 may be.
            done = diabetes.run(command, LOCUST_MAX_P95_MS="10000")
            if "/metrics |" in command:  # how many there are is another matter every time
                assert walkthrough.words(done.stdout) == walkthrough.words(step.output), command
            else:
                assert walkthrough.same(step.output, done.stdout), f"{command}\n{done.stdout}"
