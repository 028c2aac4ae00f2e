"""Labelled rows of `GET /model/holdout`: what Locust and the canary send, and what is right."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PATH = "/model/holdout"

Row = dict[str, Any]


class WrongAnswer(Exception):
    """An answer that breaks the contract. One line that names the field and the value."""


@dataclass(frozen=True)
class Holdout:
    """Rows that the model was not fitted on, each with its true label."""

    model_version: str
    target: str
    rows: tuple[tuple[Row, str], ...]

    @classmethod
    def parse(cls, body: Any) -> "Holdout":
        """Read the body of `GET /model/holdout`. Raises WrongAnswer if it has no rows in it."""
        try:
            rows = tuple((example["row"], str(example["label"])) for example in body["rows"])
            holdout = cls(str(body["model_version"]), str(body["target"]), rows)
        except (KeyError, TypeError) as error:
            raise WrongAnswer(f"{PATH}: no rows with labels in {body!r:.200}") from error
        if not rows:
            raise WrongAnswer(f"{PATH}: rows is empty")
        return holdout

    @property
    def classes(self) -> frozenset[str]:
        """All labels; training puts a share of every class into the holdout."""
        return frozenset(label for _, label in self.rows)

    def shuffled(self) -> Iterator[tuple[Row, str]]:
        """Yield the rows for ever, each once a pass.

        Drawn with replacement, a few hundred rows would differ from the training data enough to
        look like drift.
        """
        while True:
            yield from random.sample(self.rows, len(self.rows))

    def check(self, prediction: Any) -> str:
        """Return the class of one prediction.

        Raises WrongAnswer if it has another shape than the contract's, if the probabilities are
        not those of the classes, or if the class is not the most probable one.
        """
        try:
            answer, probabilities = prediction[self.target], prediction["probabilities"]
            total, most = sum(probabilities.values()), max(probabilities, key=probabilities.get)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WrongAnswer(f"not a prediction: {prediction!r:.200}") from error
        if probabilities.keys() != self.classes:
            raise WrongAnswer(f"probabilities: of {sorted(probabilities)}, not of the classes")
        if not abs(total - 1) <= 1e-3:  # nor is NaN, which is in no order with any number
            raise WrongAnswer(f"probabilities: they add up to {total}")
        if answer != most:
            raise WrongAnswer(f"{self.target}: {answer!r}, but {most!r} is more probable")
        return str(answer)
