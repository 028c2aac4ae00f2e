"""A fake prediction service, and a mislabelled model."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import onnx

from app.card import Card
from app.settings import Settings
from support import sample

RIGHT = sample.prediction("first")
"""A prediction as the contract wants it."""

Answer = Callable[[int, Any], Any]
"""Returns a body for how many POST requests came so far, and for what this one holds, if any."""


def to_each(sent: Any, prediction: Any) -> Any:
    """Answer a row, or every row of a batch, with this prediction."""
    return {"predictions": [prediction] * len(sent)} if isinstance(sent, list) else prediction


def rows_of(client: httpx.Client) -> Answer:
    """Return a real service's holdout, as if the first model had it, and was not known as good."""
    real = client.get("/model/holdout").json()
    first = {"model_version": RIGHT["model_version"], "correct": 0}
    return lambda _n, _sent: {**real, **first}


def mislabelled(folder: Path) -> Path:
    """Copy the model and name each true class as another one, or a far value; return the folder.

    What a model that was trained on shuffled labels looks like from outside.
    """
    model = Path(shutil.copytree(Settings().model_dir, folder))
    card = Card.unseal((model / "model.json").read_bytes())
    after = dict(zip(card.classes, (*card.classes[1:], *card.classes[:1]), strict=True))
    far = 100 * (card.metrics.correct.tolerance or 0)
    for example in card.holdout:
        label = example.label
        example.label = label + far if isinstance(label, float) else after[label]
    (model / "model.json").write_bytes(card.seal())
    return model


def confused(folder: Path) -> Path:
    """Copy the model and have it give each class the probability of another; return the folder.

    What a model looks like whose labels moved after its training. It has to be served by ONNX.
    """
    model = Path(shutil.copytree(Settings().model_dir, folder))
    card = Card.unseal((model / "model.json").read_bytes())
    graph = onnx.load(model / "model.onnx")
    (given,) = graph.graph.output
    (last,) = (node for node in graph.graph.node if given.name in node.output)
    last.output[list(last.output).index(given.name)] = "before"
    places = [*range(1, len(card.classes)), 0]
    indices = onnx.helper.make_tensor("places", onnx.TensorProto.INT64, [len(places)], places)
    graph.graph.initializer.append(indices)
    moved = onnx.helper.make_node("Gather", ["before", "places"], [given.name], axis=1)
    graph.graph.node.append(moved)
    content = graph.SerializeToString()
    (model / "model.onnx").write_bytes(content)
    card.artifacts["model.onnx"] = hashlib.sha256(content).hexdigest()
    for golden in card.golden:
        golden.output = [golden.output[place] for place in places]
    (model / "model.json").write_bytes(card.seal())
    return model


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that ends in the middle is none of a test's concern."""


@contextmanager
def imitating(
    holdout: Answer, answer: Answer, release: Callable[[int], str] | None = None
) -> Iterator[tuple[str, Counter[Any]]]:
    """Answer GET and POST with these; yield the address and the POST requests by connection.

    `release` returns what the header names, for how many POST requests came so far.
    """
    posts: Counter[Any] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def do_GET(self) -> None:
            self.send(posts.total(), holdout(posts.total(), None))

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            posts[self.client_address] += 1
            n = posts.total()
            self.send(n, answer(n, sent))

        def send(self, n: int, found: Any) -> None:
            body = (found if isinstance(found, str) else json.dumps(found)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if release:
                self.send_header("x-release", release(n))
            # Unannounced, the client's next request could be lost.
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", posts
        finally:
            server.shutdown()
            thread.join()
