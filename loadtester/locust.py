"""Load on the service: `cd loadtester && locust -f locust.py --host http://127.0.0.1:8000`.

Call the `locust` script, with -f, and keep this folder off PYTHONPATH: in any other way this file
is imported in place of the package of the same name.
"""

import logging
import random
import signal
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from math import inf
from typing import Any

from flask import Response, jsonify, request
from gevent import sleep
from gevent.lock import RLock
from locust import FastHttpUser, constant_throughput, events, tag, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment
from locust.runners import WorkerRunner
from locust.web import WebUI

import load_metrics
import shapes
from address import address
from holdout import PATH, Holdout, Label, Row, Score, WrongAnswer

# Locust takes the first one where no other is chosen.
Steady, Ramp, Spike = shapes.Steady, shapes.Ramp, shapes.Spike

REQUESTS_A_CONNECTION = 10
"""A connection stays with its pod: at one request a second, a new pod has its share after 10 s."""
BATCH_ROWS = 20
RETRY_SECONDS = 1.0


class Client(FastHttpUser):
    """Sends one request a second of held-out rows; the tasks below say how often each is sent."""

    wait_time = constant_throughput(1)
    connection_timeout = 5.0
    network_timeout = 10.0

    holdouts: dict[str, Holdout] = {}  # noqa: RUF012  # of all users in this process, by version
    scores: dict[str, Score] = {}  # noqa: RUF012  # likewise
    asking = RLock()

    def on_start(self) -> None:
        """Get the rows; a failure to get them shows among the requests, and is tried again."""
        self.client.base_url = address(self.client.base_url or "")
        # Spread out, or all connections would be renewed in the same second.
        self.sent = random.randrange(REQUESTS_A_CONNECTION)
        with self.asking:
            while not self.holdouts:
                self.ask_for_rows()
                if not self.holdouts:
                    sleep(RETRY_SECONDS)
        self.take_newest()
        sleep(random.random())  # or users that start together would ask together, every second

    def take_newest(self) -> None:
        """Send the rows of the model that was seen last from now on."""
        self.holdout = list(self.holdouts.values())[-1]
        self.rows: Iterator[tuple[Row, Label]] = self.holdout.shuffled()

    def ask_for_rows(self) -> None:
        """Ask for the rows of the model behind this connection."""
        with self.client.get(PATH, catch_response=True) as response:
            if arrived(response):
                try:
                    holdout = Holdout.parse(body_of(response))
                    self.holdouts[holdout.model_version] = holdout
                    self.scores[holdout.model_version] = Score(holdout.correct)
                except WrongAnswer as wrong:
                    response.failure(str(wrong))

    @tag("predict")
    @task(9)
    def predict(self) -> None:
        """Send one row."""
        row, label = next(self.rows)
        self.send("/predict", row, partial(self.check, label))

    @tag("predict")
    @task(1)
    def predict_batch(self) -> None:
        """Send some rows together."""
        rows, labels = zip(*islice(self.rows, BATCH_ROWS), strict=True)
        self.send("/predict/batch", rows, partial(self.check_batch, labels))

    def send(self, path: str, body: Any, check: Callable[[Any], None]) -> None:
        """Send a body; the request fails if `check` raises WrongAnswer about its answer."""
        self.sent += 1
        headers = {"Connection": "close"} if self.sent % REQUESTS_A_CONNECTION == 0 else {}
        with self.client.post(path, json=body, headers=headers, catch_response=True) as response:
            if arrived(response):
                try:
                    check(body_of(response))
                except WrongAnswer as wrong:
                    response.failure(str(wrong))

    def check(self, label: Label, answer: Any) -> None:
        """Raise WrongAnswer that says what is wrong with the answer to a row."""
        asked = self.holdout
        try:
            version = str(answer["model_version"])
        except (KeyError, TypeError) as error:
            raise WrongAnswer(f"no model_version in {answer!r:.200}") from error
        holdout = self.holdout_of(version)
        found = holdout.check(answer)
        # Another model may have been fitted on the row.
        if holdout is asked:
            self.scores[version].count(holdout.is_correct(found, label))

    def check_batch(self, labels: Sequence[Label], answer: Any) -> None:
        """Raise WrongAnswer that says what is wrong with the answers to BATCH_ROWS rows."""
        try:
            predictions = list(answer["predictions"])
        except (KeyError, TypeError) as error:
            raise WrongAnswer(f"no predictions in {answer!r:.200}") from error
        if len(predictions) != BATCH_ROWS:
            raise WrongAnswer(f"predictions: {len(predictions)} for {BATCH_ROWS} rows")
        for label, prediction in zip(labels, predictions, strict=True):
            self.check(label, prediction)

    def holdout_of(self, version: str) -> Holdout:
        """Return the holdout of a version. A new one must be named by /model/holdout too."""
        if version not in self.holdouts:
            with self.asking:
                self.ask_for_rows()
            self.take_newest()
        if version not in self.holdouts:
            raise WrongAnswer(f"model_version: {version!r}, but {PATH} knows {[*self.holdouts]}")
        return self.holdouts[version]


def arrived(response: ResponseContextManager) -> bool:
    """Tell if there is an answer to check; `response.ok` is true of a refused connection too."""
    return response.request_meta["exception"] is None


def body_of(response: ResponseContextManager) -> Any:
    """Return the answer's JSON. Raises WrongAnswer that quotes a body which is not JSON.

    If anything else is raised, Locust does not count the request at all.
    """
    try:
        return response.json()
    except (RecursionError, TypeError, ValueError) as error:
        raise WrongAnswer(f"not JSON: {response.text!r:.200}") from error


def number_up_to(most: float) -> Callable[[str], float]:
    """Return what reads a number from 0 to `most`: not NaN, which no run would be above."""

    def number(text: str) -> float:
        found = float(text)
        if not 0 <= found <= most:
            raise ArgumentTypeError(f"{text!r} is not between 0 and {most:g}")
        return found

    return number


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Add the thresholds of a headless run, which judge() reads, and the port of the metrics."""
    group = parser.add_argument_group("Thresholds", "Exit code 1 when a run ends above one of them")
    group.add_argument(
        "--max-fail-ratio", type=number_up_to(1), default=0.01, env_var="LOCUST_MAX_FAIL_RATIO",
        help="share of requests that may fail, 0 to 1 (default: 0.01)",
    )  # fmt: skip
    group.add_argument(
        "--max-p95-ms", type=number_up_to(inf), default=100.0, env_var="LOCUST_MAX_P95_MS",
        help="milliseconds that 95%% of requests may take (default: 100)",
    )  # fmt: skip
    parser.add_argument(
        "--metrics-port", type=int, default=9646, env_var="LOCUST_METRICS_PORT",
        include_in_web_ui=False, help="port of Prometheus' metrics (default: 9646)",
    )  # fmt: skip


def refusal(host: str) -> str:
    """Return why a host is no address; nothing if it is one."""
    try:
        address(host)
    except ArgumentTypeError as error:
        return str(error)
    return ""


def refuse_form() -> Response | None:
    """Answer the UI's form as Locust does where a field is wrong, if its host is no URL."""
    host = request.form.get("host")
    if not request.path.endswith("/swarm") or host is None or not (why := refusal(host)):
        return None
    return jsonify(success=False, message=f"Host: {why}", host=host)


@events.init.add_listener
def check_host(environment: Environment, web_ui: WebUI | None, **_: object) -> None:
    """End the start with 2 if --host is no URL; a worker is told its host by the master."""
    if web_ui:
        assert web_ui.app is not None
        web_ui.app.before_request(refuse_form)
    if isinstance(environment.runner, WorkerRunner) or (web_ui and not environment.host):
        return
    if why := refusal(environment.host or ""):
        logging.getLogger(__name__).error("--host: %s", why)
        sys.exit(2)


@events.init.add_listener
def start_metrics(environment: Environment, **_: object) -> None:
    """Count every request from the first one on."""
    options = environment.parsed_options
    assert options is not None
    load_metrics.serve(environment, options.metrics_port)


@events.init.add_listener
def end_like_ctrl_c(environment: Environment, **_: object) -> None:
    """Let SIGTERM too end a headless run with a report and a verdict.

    Locust takes care of the signal only once a shape is over.
    """
    options = environment.parsed_options
    assert options is not None
    if options.headless:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def verdict(environment: Environment, options: Namespace) -> list[str]:
    """Return what the run missed, a line each; an empty list means passed."""
    total = environment.stats.total
    if not total.num_requests:
        return ["no request was sent"]
    missed = []
    if environment.runner and environment.runner.exceptions:
        missed.append(f"{len(environment.runner.exceptions)} kinds of exceptions in users")
    if total.fail_ratio > options.max_fail_ratio:
        missed.append(
            f"fail ratio {total.fail_ratio:.4f} > --max-fail-ratio {options.max_fail_ratio}"
        )
    p95 = total.get_response_time_percentile(0.95)
    if p95 > options.max_p95_ms:
        missed.append(f"p95 {p95:.0f} ms > --max-p95-ms {options.max_p95_ms:g}")
    return missed


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Turn a run above a threshold into exit code 1."""
    options = environment.parsed_options
    assert options is not None
    if isinstance(environment.runner, WorkerRunner) or not options.headless:
        return
    missed = verdict(environment, options)
    for line in missed:
        logging.getLogger(__name__).error("threshold: %s", line)
    environment.process_exit_code = 1 if missed else 0
