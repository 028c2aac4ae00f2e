"""LitServe's server, with batches and its fast queue.

    python -m bench.peers.on_litserve PORT ROWS SECONDS

A batch has so many rows at most, and waits for them no longer than so many seconds.
"""

import os
import sys
from pathlib import Path

import litserve

from app.schemas import Prediction, Row
from bench.scoring import Scorer


class Peer(litserve.LitAPI):  # type: ignore[misc]  # it is not installed here
    """The pickled pipeline."""

    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe says which
        """Load the model into the worker."""
        self._score = Scorer(Path(os.environ["SERVING_MODEL_DIR"]))

    def decode_request(self, request: Row) -> Row:
        """Take the row as FastAPI validated it, which reads this annotation."""
        return request

    def predict(self, rows: list[Row]) -> list[Prediction]:
        """Answer what came together."""
        return self._score(rows)

    def encode_response(self, answer: Prediction) -> Prediction:
        """Leave the JSON to FastAPI, which reads this annotation."""
        return answer


if __name__ == "__main__":
    server = litserve.LitServer(
        Peer(max_batch_size=int(sys.argv[2]), batch_timeout=float(sys.argv[3])),
        accelerator="cpu",
        devices=1,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, access_log=False
    )
