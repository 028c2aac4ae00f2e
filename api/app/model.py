"""The ONNX model: verified before it is opened, tried before it is used."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime

from app.card import ArtifactError, Card
from app.features import ANSWER, CLASSES, FEATURES, TARGET, TARGET_RANGE, Matrix, Outputs, encode

LOW, HIGH = TARGET_RANGE or (0, 1)
"""What every output lies in: a value in the target's range, a probability in this."""

TOLERANCE = 1e-5 * max(abs(LOW), abs(HIGH))
"""Largest accepted difference of an output between the pipeline and its ONNX export: float32
holds seven digits, and a model adds many terms."""

CARD_FILE = "model.json"
ONNX_FILE = "model.onnx"


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"{directory / name}: {error.strerror}; train_model.py makes it"
        ) from None


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
                f"but schemas.py has {served.get(name)!r}"
            )
    if list(trained) != list(served):
        raise ArtifactError(f"{CARD_FILE}: trained on columns {list(trained)}, not {list(served)}")
    told, asked = (
        (card.target, card.target_type, card.target_unit, card.target_range, card.classes),
        (TARGET, ANSWER.type, ANSWER.unit, TARGET_RANGE, CLASSES),
    )
    if told != asked:
        raise ArtifactError(f"{CARD_FILE}: trained to tell {told}, but schemas.py asks for {asked}")


def _open(content: bytes) -> onnxruntime.InferenceSession:
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # More threads would only fight the event loop for the pod's one core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class Model:
    """A classifier or regressor of encoded rows.

    `outputs` turns a matrix into what the model says of its rows. A value beyond the target's
    range becomes the end of the range, as the contract has it.
    """

    def __init__(self, card: Card, onnx: bytes) -> None:
        self.card = card
        self._session = _open(onnx)
        self._input = self._session.get_inputs()[0].name
        # The last one: a classifier's export has the class itself before the probabilities.
        self._outputs = [self._session.get_outputs()[-1].name]
        self.outputs = self._bounded if ANSWER.is_numeric else self._run

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read what `train_model.py` wrote.

        Raises ArtifactError if a file is missing or altered, if the columns or classes are
        not those of schemas.py, or if a golden row is not answered as in training.
        """
        card = Card.unseal(_read(directory, CARD_FILE))
        _check_contract(card)
        onnx = _read(directory, ONNX_FILE)
        if hashlib.sha256(onnx).hexdigest() != card.artifacts.get(ONNX_FILE):
            raise ArtifactError(
                f"{directory / ONNX_FILE}: its SHA-256 is not the one in {CARD_FILE}"
            )
        model = cls(card, onnx)
        model._replay_golden_rows()
        return model

    def _replay_golden_rows(self) -> None:
        answers = self.outputs(encode(golden.row for golden in self.card.golden))
        for golden, answer in zip(self.card.golden, answers, strict=True):
            if not np.allclose(golden.output, answer, rtol=0, atol=TOLERANCE):
                raise ArtifactError(
                    f"{ONNX_FILE}: answers {answer.tolist()} to the golden row {golden.row!r}, "
                    f"but training recorded {golden.output}"
                )

    def _run(self, matrix: Matrix) -> Outputs:
        result: Outputs = self._session.run(self._outputs, {self._input: matrix})[0]
        return result

    def _bounded(self, matrix: Matrix) -> Outputs:
        result = self._run(matrix)
        return result.clip(LOW, HIGH, out=result)
