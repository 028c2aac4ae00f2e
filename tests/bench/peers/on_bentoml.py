"""BentoML's service, with its adaptive batching: `bentoml serve bench.peers.on_bentoml:Peer`."""

import os
from pathlib import Path

import bentoml

from app.schemas import Prediction, Row
from bench.scoring import Scorer


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Peer:
    """The pickled pipeline."""

    def __init__(self) -> None:
        self._score = Scorer(Path(os.environ["SERVING_MODEL_DIR"]))

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator]  # it is not installed here
    def predict(self, rows: list[Row]) -> list[Prediction]:
        """Answer what came together."""
        return self._score(rows)
