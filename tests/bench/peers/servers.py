"""How each server is started, asked, and understood."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from app.card import PIPELINE_FILE
from app.features import FEATURES, TARGET
from app.settings import Settings
from bench.measure import BODY, CONNECTIONS, SERVER_CPU, uvicorn
from support.paths import API, TESTS
from support.ports import free_port
from support.service import COMMAND, environment

LOCKS = Path(__file__).parent
MODEL = Settings().model_dir.resolve()
ROW: dict[str, Any] = json.loads(BODY)
WAIT = 0.01
"""Seconds that a row may wait for others, in peers that score up to CONNECTIONS of them at once."""


class Server(NamedTuple):
    """A server that is ready to be started."""

    command: Sequence[object]
    port: int = 0
    """0 if it takes a free one and logs which."""
    path: str = "/predict"
    body: str = BODY
    outcome: Callable[[Any], Any] | None = lambda answer: answer[TARGET]
    """Takes the class or the value out of an answer; None where the answer is fixed."""


class Contender(NamedTuple):
    """A row of the table."""

    name: str
    version: str
    prepare: Callable[[Path, Path], Server]
    """Takes the programs of its environment and a folder, into which it writes what it needs."""
    lock: Path | None = None
    """What its environment holds; None for ours."""


def _mlflow(programs: Path, folder: Path) -> Server:
    save = (programs / "python", "-m", "bench.peers.on_mlflow", "model")
    done = subprocess.run(
        surrounded(programs, save),
        cwd=folder,
        env=environment(model_dir=MODEL),
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the model cannot be saved: {done.stderr}")
    port = free_port()
    where = ("-m", "model", "--env-manager", "local", "--host", "127.0.0.1", "--port", port)
    return Server(
        (programs / "mlflow", "models", "serve", *where, "--workers", 1),
        port,
        "/invocations",
        json.dumps({"dataframe_records": [ROW]}),
        lambda answer: answer["predictions"][0],
    )


def _bentoml(programs: Path, _folder: Path) -> Server:
    port = free_port()
    where = ("--host", "127.0.0.1", "--port", port)
    return Server(
        (programs / "bentoml", "serve", "bench.peers.on_bentoml:Peer", *where),
        port,
        # A method that takes batches is sent one, if only of a row.
        body=json.dumps({"rows": [ROW]}),
        outcome=lambda answer: answer[0][TARGET],
    )


def _mlserver(programs: Path, folder: Path) -> Server:
    ports = {name: free_port() for name in ("http_port", "grpc_port", "metrics_port")}
    # A process of its own for the model is for more cores than one.
    settings = {"host": "127.0.0.1", **ports, "debug": False, "parallel_workers": 0}
    model = {
        "name": folder.name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "max_batch_size": CONNECTIONS,
        "max_batch_time": WAIT,
        "parameters": {"uri": str(MODEL / PIPELINE_FILE)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return Server(
        (programs / "mlserver", "start", "."),
        ports["http_port"],
        f"/v2/models/{folder.name}/infer",
        json.dumps({"parameters": {"content_type": "pd"}, "inputs": _tensors()}),
        lambda answer: answer["outputs"][0]["data"][0],
    )


def _tensors() -> list[dict[str, Any]]:
    """Return the row as the Open Inference Protocol has it: a tensor for each column."""
    types = {"number": "FP64", "integer": "INT64", "string": "BYTES", "boolean": "BOOL"}
    return [
        {
            "name": feature.name,
            "shape": [1, 1],
            "datatype": types[feature.type],
            "data": [ROW[feature.name]],
            "parameters": {"content_type": "str"} if feature.type == "string" else {},
        }
        for feature in FEATURES
    ]


def _litserve(programs: Path, _folder: Path) -> Server:
    port = free_port()
    batches = (CONNECTIONS, WAIT)
    return Server((programs / "python", "-m", "bench.peers.on_litserve", port, *batches), port)


def _ours(*command: str, fixed: bool = False) -> Callable[[Path, Path], Server]:
    server = Server(command, outcome=None) if fixed else Server(command)
    return lambda _programs, _folder: server


def _peer(name: str, prepare: Callable[[Path, Path], Server]) -> Contender:
    lock = LOCKS / f"{name.lower()}.txt"
    return Contender(name, locked(name.lower(), lock), prepare, lock)


def locked(package: str, lock: Path) -> str:
    """Return the version of a package in a lock."""
    (found,) = re.findall(rf"(?m)^{package}==(\S+)", lock.read_text())
    return str(found)


CONTENDERS = (
    Contender(
        "bare uvicorn, fixed answer", version("uvicorn"), _ours(*uvicorn("bare"), fixed=True)
    ),
    Contender("this service", "", _ours(*COMMAND)),
    Contender("FastAPI, pandas, pipeline", version("fastapi"), _ours(*uvicorn("pipeline"))),
    _peer("MLflow", _mlflow),
    _peer("BentoML", _bentoml),
    _peer("MLServer", _mlserver),
    _peer("LitServe", _litserve),
)
"""The first is what ratios are to."""


def surrounded(programs: Path, command: Sequence[object]) -> list[str]:
    """Return a command with its core, its programs, our modules, and one stream for all it says."""
    return [
        *("taskset", "-c", str(SERVER_CPU)),
        *("env", f"PATH={programs}:{os.environ['PATH']}", f"PYTHONPATH={API}:{TESTS}"),
        "UVICORN_ACCESS_LOG=0",
        *("sh", "-c", 'exec "$@" >&2', "sh", *map(str, command)),
    ]
