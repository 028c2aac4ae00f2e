"""docs/a-route.md, followed in a copy of the repository; and the way that FastAPI teaches."""

import asyncio
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from app.features import TARGET, Matrix, Outputs
from app.main import POSTS
from app.model import Model
from app.post import Parts, Post
from app.settings import Settings
from support import document, sample, telemetry
from support.fork import PYTHON, Fork
from support.paths import ROOT
from support.service import COMMAND, scrape, serving, value

if TARGET != "species":
    pytest.skip("the document speaks of the penguins", allow_module_level=True)
if POSTS:
    pytest.skip("a route was added: the document begins without one", allow_module_level=True)

TEXT = document.text_of("docs/a-route.md")
ROUTE = "/explain"
TESTS = tuple(f"tests/service/{name}_test.py" for name in ("explain", "schema", "hostile"))
DASHBOARD = "manifest/grafana/dashboards/model.json"
(PANEL,) = (json.loads(block) for block in document.blocks(TEXT, "json"))
MODEL = Settings().model_dir


def files(language: str) -> Iterator[tuple[str, str]]:
    """Yield the file that a block's first line names, and the rest of the block."""
    for block in document.blocks(TEXT, language):
        first, _, rest = block.partition("\n")
        yield first.removeprefix("# "), rest


def change(file: Path, diff: str) -> None:
    """Make a change of the document's; the lines that it starts from have to be there, once."""
    lines = [(line[:1], line[1:]) for line in diff.splitlines()]
    old, new = ("".join(f"{text}\n" for sign, text in lines if sign != other) for other in "+-")
    assert file.read_text().count(old) == 1, old
    file.write_text(file.read_text().replace(old, new))


def copy(folder: Path) -> Fork:
    """Return a copy with this repository's model."""
    fork = Fork(folder)
    shutil.copytree(MODEL, fork.folder / "api/data/model")
    return fork


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return a copy in which the document was followed."""
    fork = copy(tmp_path_factory.mktemp("explain"))
    for name, text in files("python"):
        assert not (fork.folder / name).exists()
        (fork.folder / name).write_text(text)
    for name, diff in files("diff"):
        change(fork.folder / name, diff)
    dashboard = json.loads((fork.folder / DASHBOARD).read_text())
    dashboard["panels"].append(PANEL)
    (fork.folder / DASHBOARD).write_text(json.dumps(dashboard, indent=2) + "\n")
    return fork


@pytest.fixture(scope="module")
def client(fork: Fork) -> Iterator[httpx.Client]:
    with (
        serving(COMMAND, fork.folder / "api") as process,
        httpx.Client(base_url=process.url) as http,
    ):
        yield http


def test_its_own_test_and_those_of_every_route_pass(fork: Fork) -> None:
    # Of the tests of every route, the new one's.
    chosen = f"-k 'explain or about_these or dispatcher' {' '.join(TESTS)}"
    command = f"{PYTHON} -m pytest -v -p no:cacheprovider {chosen}"
    done = fork.run(command)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert f"forbids_is_refused_as_documented[POST {ROUTE}] PASSED" in done.stdout


def test_its_files_pass_the_checks_of_style_and_types(fork: Fork) -> None:
    # What `make lint` has found out about the packages is half a minute's work.
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", fork.folder / ".mypy_cache")
    checks = re.findall(r"(?m)^\t\$\(BIN\)/((?:ruff|mypy) .+)$", (ROOT / "Makefile").read_text())
    assert len(checks) == 3
    for check in checks:
        done = fork.run(f"{PYTHON} -m {check}")
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_refused_is_refused_and_counted(client: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    row = b'{"island": NaN}'
    bodies: list[tuple[int, bytes, dict[str, str]]] = [
        (400, b"nonsense", json_type),
        (413, b" " * 8_000_000, json_type),
        (415, row, {"content-type": "text/plain"}),
        (422, row, json_type),
    ]
    for status, body, headers in bodies:
        answer = client.post(ROUTE, content=body, headers=headers)
        assert (answer.status_code, [*answer.json()]) == (status, ["detail"])
    seen = scrape(client)
    for status, *_ in bodies:
        assert value(seen, "http_requests_total", handler=ROUTE, status=str(status)) == 1
    assert value(seen, "model_input_rejected_total") == len(bodies)


def test_locust_asks_it_and_the_panel_has_something_to_show(
    fork: Fork, client: httpx.Client
) -> None:
    (query,) = (target["expr"] for target in PANEL["targets"])
    (metric,) = telemetry.metrics_read(query.replace("$__rate_interval", "1m"))
    done = fork.run(
        f"cd loadtester && ../.venv/bin/locust -f locust.py --host {client.base_url} --headless "
        "--users 20 --spawn-rate 20 --run-time 5s --metrics-port 0 --json --max-p95-ms 10000"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (sent,) = (stats for stats in json.loads(done.stdout) if stats["name"] == ROUTE)
    assert sent["num_failures"] == 0
    # The service answers what is under way when the run ends; Locust no longer counts it.
    assert value(scrape(client), metric) >= sent["num_requests"] > 0


def test_an_effect_is_of_the_class_that_predict_answers_and_not_of_the_most_probable(
    fork: Fork,
) -> None:
    spec = importlib.util.spec_from_file_location("explain", fork.folder / "api/app/explain.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def choosing(matrix: Matrix) -> Outputs:
        """Answer as a model that chooses the second class, the last column, in the first row."""
        return np.array([[0.5, 0.4, 0.1, 1], *[[0.1, 0.2, 0.7, 2]] * (len(matrix) - 1)], np.float32)

    async def answered(post: Post) -> bytes:
        return await post.answer(json.dumps(sample.EXAMPLE).encode())

    with ThreadPoolExecutor(1) as thread:
        model = Model(Model.load(MODEL).card, choosing)
        post = module.explain(Parts(Settings(), model, CollectorRegistry(), thread))
        effects = json.loads(asyncio.run(answered(post)))["effects"]
    assert effects == dict.fromkeys(sample.EXAMPLE, pytest.approx(0.2))


def test_grafana_knows_the_panel_s_keys(fork: Fork) -> None:
    done = fork.run("node tests/node/dashboards.mjs")
    assert done.returncode == 0, done.stderr


FASTAPIS = """    @router.post("/wrong")
    async def wrong(body: dict[str, float]) -> dict[str, float]:
        return body

"""


@pytest.mark.parametrize(
    ("file", "marker", "wrong", "said"),
    [
        ("routes.py", '    @router.get("/healthz")\n', FASTAPIS, ("POST /wrong: ", "a-route.md")),
        ("explain.py", '"/explain", ', "'/predict' or ", ("POST /predict: ", "another path")),
    ],
    ids=["FastAPI's", "of a path that is taken"],
)
def test_the_service_does_not_start_with_a_wrong_route_and_says_what_to_write(
    fork: Fork, file: str, marker: str, wrong: str, said: tuple[str, str]
) -> None:
    path = fork.folder / "api/app" / file
    before = path.read_text()
    assert marker in before
    path.write_text(before.replace(marker, wrong + marker))
    done = fork.run(f"cd api && timeout 30 {PYTHON} -m app", SERVING_PORT="0")
    path.write_text(before)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"route refused: {said[0]}")
    assert said[1] in line
