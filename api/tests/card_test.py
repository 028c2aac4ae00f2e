import json

import pytest

from app.card import ArtifactError, Card
from app.settings import Settings

pytestmark = pytest.mark.by_data

CONTENT = (Settings().model_dir / "model.json").read_bytes()


def test_sealing_again_gives_the_same_bytes() -> None:
    assert Card.unseal(CONTENT).seal() == CONTENT


def test_the_version_covers_the_hashes_of_the_files() -> None:
    card = Card.unseal(CONTENT)
    before = card.model_version
    card.artifacts["model.onnx"] = "0" * 64
    card.seal()
    assert card.model_version != before


@pytest.mark.parametrize("path", [["data", "rows"], ["metrics", "loss", "holdout"], ["target"]])
def test_any_changed_value_is_refused(path: list[str]) -> None:
    changed = json.loads(CONTENT)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = "x" if isinstance(inner[path[-1]], str) else 1
    with pytest.raises(ArtifactError, match="altered after training"):
        Card.unseal(json.dumps(changed, indent=1).encode() + b"\n")


def test_a_missing_field_is_named() -> None:
    changed = json.loads(CONTENT)
    del changed["metrics"]["loss"]["baseline"]
    with pytest.raises(ArtifactError, match=r"metrics\.loss\.baseline"):
        Card.unseal(json.dumps(changed).encode())


def test_the_public_card_holds_no_rows() -> None:
    public = Card.unseal(CONTENT).public().model_dump()
    assert not {"holdout", "golden"} & set(public)
