"""The model card, `model.json`: written by training, served as it is, proof against changes."""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.features import Feature
from app.schemas import Row


class ArtifactError(Exception):
    """The artifact is missing, altered, or made for another contract. One line, names the file."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Bin(_Part):
    """One drift bin of a feature and its smoothed share of the training rows."""

    label: str
    share: float


class FeatureCard(_Part):
    """A feature, and how its values were distributed in training.

    `edges` cut a number's bins; the labels of `bins` say the same in words.
    """

    feature: Feature
    edges: list[float]
    bins: list[Bin]


class Candidate(_Part):
    """An estimator that training compared, by cross-validated log loss (lower is better)."""

    name: str
    log_loss: float
    log_loss_std: float


class Metrics(_Part):
    """What the chosen estimator reached on rows that it was not fitted on."""

    holdout_log_loss: float
    holdout_accuracy: float
    baseline_log_loss: float
    """Log loss on the same rows of a model that knows only how frequent the classes are."""
    onnx_difference: float
    """Largest difference of a probability between the pipeline and its ONNX export."""
    candidates: list[Candidate]


class Data(_Part):
    """Where the rows came from, and how many there are."""

    name: str
    source: str
    licence: str
    sha256: str
    rows: int
    training_rows: int
    holdout_rows: int


class ModelCard(_Part):
    """What a model is made of and how good it is."""

    model_version: str
    estimator: str
    task: Literal["classification"]
    target: str
    classes: tuple[str, ...]
    class_shares: dict[str, float]
    """Share of each class in the training rows."""
    features: list[FeatureCard]
    metrics: Metrics
    data: Data
    artifacts: dict[str, str]
    """SHA-256 of each file beside the card."""
    versions: dict[str, str]


class Example(_Part):
    """A row with its true class."""

    row: Row
    label: str


class Holdout(_Part):
    """Rows that the model was not fitted on."""

    model_version: str
    target: str
    rows: list[Example]


class Golden(_Part):
    """A row and what the model answered in training, in the order of the classes."""

    row: Row
    probabilities: list[float]


class Card(ModelCard):
    """The whole of `model.json`: the public card, the holdout and the golden rows."""

    holdout: list[Example]
    golden: list[Golden]

    def _dump(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()

    def _fingerprint(self) -> str:
        blank = self.model_copy(update={"model_version": ""})
        return hashlib.sha256(blank._dump()).hexdigest()[:12]

    def seal(self) -> bytes:
        """Set the version, which covers the card and all files it names; return the bytes."""
        self.model_version = self._fingerprint()
        return self._dump()

    @classmethod
    def unseal(cls, content: bytes) -> "Card":
        """Read the file's bytes. Raises ArtifactError unless every one is as `seal` wrote it."""
        try:
            card = cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise ArtifactError(f"model.json: {where}: {first['msg']}") from error
        if card._dump() != content or card._fingerprint() != card.model_version:
            raise ArtifactError("model.json: altered after training: it does not fit its version")
        return card

    def public(self) -> ModelCard:
        """Return the card without the rows."""
        return ModelCard.model_validate(self.model_dump(include=set(ModelCard.model_fields)))
