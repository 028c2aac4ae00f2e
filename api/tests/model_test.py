from pathlib import Path

import pytest

from app.card import ArtifactError
from app.model import Model

pytestmark = pytest.mark.by_data


@pytest.mark.parametrize("name", ["model.json", "model.onnx"])
def test_a_missing_file_is_refused_by_name(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        Model.load(copy)


@pytest.mark.parametrize("name", ["model.json", "model.onnx"])
@pytest.mark.parametrize("position", [0, 1000, -1])
def test_a_changed_byte_is_refused(copy: Path, name: str, position: int) -> None:
    content = bytearray((copy / name).read_bytes())
    content[position] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        Model.load(copy)


@pytest.mark.parametrize("name", ["model.json", "model.onnx"])
def test_a_truncated_file_is_refused(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-100])
    with pytest.raises(ArtifactError, match=name):
        Model.load(copy)
