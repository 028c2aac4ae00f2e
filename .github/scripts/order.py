"""What `write_back.py` is asked to deploy, read from its command line and checked."""

import argparse
import re
from dataclasses import dataclass

from deployed import Model
from fields import COMMIT, DIGEST, SHA256, TAG, VERSION, WORDS, BadField, matching, number, sentence

NAME = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
REPOSITORY = rf"[a-z0-9.-]+(:\d+)?(/{NAME})+"
LOWER = "in lower case, as an image's name has to be: write the secret DOCKERHUB_USERNAME so"


@dataclass(frozen=True)
class Order:
    """A deploy to be; `gate` is empty unless a worse model was accepted."""

    tag: str
    source: str
    images: dict[str, str]
    """REPOSITORY:TAG@DIGEST of each image by its name in the manifests."""
    model: Model
    gate: str

    def message(self) -> str:
        """Return the deploy commit's message."""
        trailers = {
            "Source-Commit": self.source,
            "Image-Tag": self.tag,
            "Model-Version": self.model.version,
            "Model-Loss": repr(self.model.loss),
            "Model-Loss-Name": self.model.loss_name,
            "Model-Accuracy": repr(self.model.accuracy),
            "Model-Data": self.model.data,
            "Model-Gate": self.gate,
        }
        lines = "".join(f"{name}: {value}\n" for name, value in trailers.items() if value)
        return f"Deploy {self.tag}\n\n{lines}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `read` wants."""
    option = parser.add_argument
    option("--tag", required=True, metavar="YYYY-MM-DD-HH-MM-SS")
    option("--source", required=True, metavar="COMMIT", help="what the images were built from")
    option(
        "--image", required=True, action="append", metavar="NAME=REPOSITORY@DIGEST",
        help="an image by its name in the manifests, and what was pushed; once for each",
    )  # fmt: skip
    option("--model-version", required=True)
    option("--model-loss", required=True, help="on held-out rows, lower is better")
    option("--model-loss-name", required=True, help="what the loss is, as in log loss")
    option("--model-accuracy", required=True, help="share of held-out rows answered rightly")
    option("--model-data", required=True, metavar="SHA256")
    option("--model-gate", default="", metavar="TEXT", help="why a worse model is let in")


def read(asked: argparse.Namespace) -> Order:
    """Return the order. Raises BadField that names the option and its value."""
    tag = matching("--tag", asked.tag, TAG, "YYYY-MM-DD-HH-MM-SS")
    return Order(
        tag,
        matching("--source", asked.source, COMMIT, "a commit's 40 hexadecimal digits"),
        _images(asked.image, tag),
        Model(
            matching("--model-version", asked.model_version, VERSION, "a version"),
            number("--model-loss", asked.model_loss),
            matching("--model-loss-name", asked.model_loss_name, WORDS, "lower-case words"),
            number("--model-accuracy", asked.model_accuracy, most=1),
            matching("--model-data", asked.model_data, SHA256, "a SHA-256"),
        ),
        _gate(asked.model_gate),
    )


def _images(values: list[str], tag: str) -> dict[str, str]:
    images: dict[str, str] = {}
    for value in values:
        if re.search("[A-Z]", value.partition("@")[0]):
            raise BadField("--image", value, LOWER)
        matching("--image", value, f"{NAME}={REPOSITORY}@{DIGEST}", "NAME=REPOSITORY@sha256:...")
        name, _, rest = value.partition("=")
        repository, _, digest = rest.partition("@")
        if name in images:
            raise BadField("--image", value, f"the only one for {name}")
        images[name] = f"{repository}:{tag}@{digest}"
    return images


def _gate(value: str) -> str:
    """Return what the gate put out: nothing, unless it accepted a worse model."""
    if value and not sentence("--model-gate", value).startswith("accepted, "):
        raise BadField("--model-gate", value, "what model_gate.py puts out: 'accepted, ...'")
    return value.strip()
