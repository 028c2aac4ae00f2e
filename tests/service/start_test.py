"""How the process starts or refuses to."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.card import Card
from app.settings import Settings
from support.paths import API
from support.service import COMMAND, Process, environment


def start(**settings: object) -> "subprocess.CompletedProcess[str]":
    """Run the service, which is expected to end by itself."""
    return subprocess.run(
        COMMAND, cwd=API, env=environment(**settings), capture_output=True, text=True, timeout=120
    )


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def replace_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Settings().model_dir, tmp_path / "model"))


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
@pytest.mark.parametrize("spoil", [Path.unlink, truncate, alter, replace_by_a_directory])
def test_a_spoilt_artifact_ends_the_start_with_3_and_one_line(
    model: Path, name: str, spoil: Callable[[Path], None]
) -> None:
    spoil(model / name)
    done = start(model_dir=model)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("model refused: ")
    assert name in line
    assert line.endswith("; train_model.py makes it anew")


def test_a_card_of_older_code_says_to_train_again(model: Path) -> None:
    card = json.loads((model / "model.json").read_text())
    del card["features"][0]["bins"]
    (model / "model.json").write_text(json.dumps(card))
    done = start(model_dir=model)
    said = "model.json: features.0.bins: Field required; train_model.py makes it anew\n"
    assert (done.returncode, done.stderr) == (3, f"model refused: {said}")


@pytest.mark.by_data
def test_a_model_for_another_contract_ends_the_start_with_3_and_names_the_feature(
    model: Path,
) -> None:
    card = Card.unseal((model / "model.json").read_bytes())
    name = card.features[2].feature.name
    renamed = card.features[2].feature.model_copy(update={"name": "another"})
    card.features[2].feature = renamed
    (model / "model.json").write_bytes(card.seal())
    done = start(model_dir=model)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert f"feature {name!r}" in done.stderr


@pytest.mark.parametrize(
    ("setting", "text"),
    [("port", "http"), ("max_row_bytes", "0"), ("log_level", "LOUD"), ("drain_seconds", "-1")],
)
def test_a_bad_setting_ends_the_start_with_2_and_is_named(setting: str, text: str) -> None:
    done = start(**{setting: text})
    assert done.returncode == 2
    assert f"SERVING_{setting.upper()}" in done.stderr
    assert repr(text) in done.stderr


def test_a_port_in_use_ends_the_start_with_3(service: Process) -> None:
    done = start(port=service.port)
    assert done.returncode == 3
    assert "address already in use" in json.loads(done.stderr.splitlines()[-1])["message"]


def test_the_help_lists_every_setting() -> None:
    done = subprocess.run((*COMMAND, "--help"), cwd=API, capture_output=True, text=True, check=True)
    for name in Settings.model_fields:
        assert f"SERVING_{name.upper()} " in done.stdout


def test_the_port_opens_only_when_the_model_answers(service: Process) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: test\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
