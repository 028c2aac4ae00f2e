"""The model: verified before it is opened, tried before it is used."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.card import AGAIN, FILES, PIPELINE_FILE, ArtifactError, Card, Serving
from app.features import (
    ANSWER,
    CLASSES,
    FEATURES,
    HIGH,
    LOW,
    TARGET,
    TARGET_RANGE,
    Matrix,
    Outputs,
    Predict,
    encode,
)

TOLERANCE = 1e-5 * max(abs(LOW), abs(HIGH))
"""Largest accepted difference of an output between the pipeline and what is served: float32
holds seven digits, and a model adds many terms."""

CARD_FILE = "model.json"


def winners(outputs: Outputs) -> NDArray[np.intp]:
    """Return the position of each row's class: the most probable, or the model's own choice."""
    own_choice = outputs.shape[1] > len(CLASSES)
    return outputs[:, -1].astype(np.intp) if own_choice else outputs.argmax(axis=1)


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{directory / name}: {error.strerror}; {AGAIN}") from None


def _check_contract(card: Card) -> None:
    """Raise ArtifactError if the model was trained for other columns or classes."""
    trained, served = (
        {f.feature.name: f.feature for f in card.features},
        {f.name: f for f in FEATURES},
    )
    for name in [*served, *trained]:
        if trained.get(name) != served.get(name):
            raise ArtifactError(
                f"{CARD_FILE}: feature {name!r} was trained as {trained.get(name)!r} "
                f"but schemas.py has {served.get(name)!r}; {AGAIN}"
            )
    if list(trained) != list(served):
        raise ArtifactError(
            f"{CARD_FILE}: trained on columns {list(trained)}, not {list(served)}; {AGAIN}"
        )
    told, asked = (
        (card.target, card.target_type, card.target_unit, card.target_range, card.classes),
        (TARGET, ANSWER.type, ANSWER.unit, TARGET_RANGE, CLASSES),
    )
    if told != asked:
        raise ArtifactError(
            f"{CARD_FILE}: trained to tell {told}, but schemas.py asks for {asked}; {AGAIN}"
        )


def onnx(content: bytes) -> Predict:
    """Return what runs an ONNX model of `train_model.py`."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # More threads would only fight the event loop for the pod's one core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (given,), (asked,) = session.get_inputs(), session.get_outputs()
    names, name = [asked.name], given.name

    def predict(matrix: Matrix) -> Outputs:
        result: Outputs = session.run(names, {name: matrix})[0]
        return result

    return predict


def open_model(content: bytes, serving: Serving) -> Predict:
    """Return what runs a model file whose bytes are known to be its own.

    Raises ArtifactError if it takes a package that is not installed, or another version of it.
    """
    if serving.runtime == "onnx":
        return onnx(content)
    try:
        from app import scikit
    except ImportError as error:
        raise ArtifactError(
            f"{PIPELINE_FILE}: {error}; api/requirements-sklearn.txt has what it takes"
        ) from None
    return scikit.predictor(content, serving)


class Model:
    """A classifier or regressor of encoded rows.

    `outputs` turns a matrix into what the model says of its rows, a value beyond the target's
    range being the end of the range, as the contract has it.
    """

    def __init__(self, card: Card, outputs: Predict) -> None:
        self.card = card
        self.outputs = outputs

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read what `train_model.py` wrote.

        Raises ArtifactError if a file is missing or altered, if the columns or classes are
        not those of schemas.py, or if a golden row is not answered as in training.
        """
        card = Card.unseal(_read(directory, CARD_FILE))
        _check_contract(card)
        file = FILES[card.serving.runtime]
        content = _read(directory, file)
        if hashlib.sha256(content).hexdigest() != card.artifacts.get(file):
            raise ArtifactError(
                f"{directory / file}: its SHA-256 is not the one in {CARD_FILE}; {AGAIN}"
            )
        model = cls(card, open_model(content, card.serving))
        model._replay_golden_rows(file)
        return model

    def _replay_golden_rows(self, file: str) -> None:
        answers = self.outputs(encode(golden.row for golden in self.card.golden))
        for golden, answer in zip(self.card.golden, answers, strict=True):
            if not np.allclose(golden.output, answer[: len(golden.output)], rtol=0, atol=TOLERANCE):
                raise ArtifactError(
                    f"{file}: answers {answer.tolist()} to the golden row {golden.row!r}, "
                    f"but training recorded {golden.output}; {AGAIN}"
                )
