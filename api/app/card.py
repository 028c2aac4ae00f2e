"""The model card, `model.json`: written by training, served as it is, proof against changes."""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, StrictFloat, ValidationError

from app.features import Category, Feature, JsonType, TaskName
from app.schemas import Row

Runtime = Literal["onnx", "scikit-learn"]
ONNX_FILE = "model.onnx"
PIPELINE_FILE = "model.joblib"
FILES: dict[Runtime, str] = {"onnx": ONNX_FILE, "scikit-learn": PIPELINE_FILE}
"""What each runtime opens."""
Label = Category | StrictFloat
"""The true class, or the true value in regression."""


AGAIN = "train_model.py makes it anew"
"""What helps with a file that is missing, altered, or older than the code that reads it."""


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
    """An estimator that training compared, by cross-validated loss (lower is better)."""

    name: str
    loss: float
    loss_std: float


class Loss(_Part):
    """What training minimises: log loss, or root mean squared error in the target's unit."""

    name: str
    holdout: float
    baseline: float
    """On the same rows, of a model that knows only the class shares, or the mean."""


class Score(_Part):
    """How good the model is in the customary measure, accuracy or R2; 1 is perfect."""

    name: str
    holdout: float


class Correct(_Part):
    """Share of the held-out rows answered correctly: what live answers are compared with."""

    holdout: float
    tolerance: float | None
    """Error in the target's unit up to which a value is correct; null for a class."""


class Metrics(_Part):
    """What the chosen estimator reached on rows that it was not fitted on."""

    loss: Loss
    score: Score
    correct: Correct
    served_difference: float
    """Largest difference of a probability or value between the pipeline and the service."""
    candidates: list[Candidate]


class DataCard(_Part):
    """Where the rows came from, and how many there are."""

    name: str
    source: str
    licence: str
    sha256: str
    rows: int
    training_rows: int
    holdout_rows: int


class Serving(_Part):
    """How the model is run."""

    runtime: Runtime
    own_choice: bool
    """Whether the model chooses a class by more than the largest probability."""
    dtypes: dict[str, str]
    """Of the columns of the pipeline's table; empty for ONNX, which takes a matrix."""


class ModelCard(_Part):
    """What a model is made of and how good it is."""

    model_version: str
    estimator: str
    task: TaskName
    target: str
    target_type: JsonType
    target_unit: str | None
    target_range: tuple[float, float] | None
    """Range of a regression's answers; null in classification."""
    classes: tuple[Category, ...]
    """In the order of the probabilities; empty in regression."""
    class_edges: list[float]
    """Inner edges of the bins that take the place of classes in regression."""
    class_shares: dict[str, float]
    """Classification: share of each class, by its name, in the training rows. Regression: share of
    each bin among the cross-validated predictions (not the true values: predictions spread less).
    """
    features: list[FeatureCard]
    metrics: Metrics
    data: DataCard
    serving: Serving
    artifacts: dict[str, str]
    """SHA-256 of each file beside the card."""
    versions: dict[str, str]


class Example(_Part):
    """A row with its true class or value."""

    row: Row
    label: Label


class Holdout(_Part):
    """Rows that the model was not fitted on, and how far from its label an answer may be."""

    model_version: str
    task: TaskName
    target: str
    tolerance: float | None
    """Largest error of a correct value; null in classification."""
    correct: float
    """Share of the rows that the model answers correctly."""
    own_choice: bool
    """Whether the model chooses a class by more than the largest probability."""
    rows: list[Example]


class Golden(_Part):
    """A row and what the model answered in training: a probability for each class, or a value."""

    row: Row
    output: list[float]


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
            raise ArtifactError(f"model.json: {where}: {first['msg']}; {AGAIN}") from error
        if card._dump() != content or card._fingerprint() != card.model_version:
            raise ArtifactError(
                f"model.json: altered after training: it does not fit its version; {AGAIN}"
            )
        return card

    def public(self) -> ModelCard:
        """Return the card without the rows."""
        return ModelCard.model_validate(self.model_dump(include=set(ModelCard.model_fields)))
