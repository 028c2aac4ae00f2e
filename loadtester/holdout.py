"""Labelled rows of `GET /model/holdout`: what Locust and the canary send, and what is right."""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

PATH = "/model/holdout"

Row = dict[str, Any]
Label = str | bool | float
"""A class, or a value where the holdout has a tolerance."""


class WrongAnswer(Exception):
    """An answer that breaks the contract. One line that names the field and the value."""


def class_of(label: Any) -> Label:
    """Return a class as it is. Raises ValueError unless it is text, an int or a bool."""
    if type(label) not in (str, int, bool):
        raise ValueError(f"{label!r:.200} is no class")
    found: Label = label
    return found


@dataclass(frozen=True)
class Holdout:
    """Rows that the model was not fitted on, each with its true label.

    `tolerance` is the largest error of a correct value, None where the labels are classes.
    `correct` is the share of them that the model answers correctly; with `own_choice` the class of
    an answer need not be the most probable one.
    """

    model_version: str
    target: str
    tolerance: float | None
    correct: float
    own_choice: bool
    rows: tuple[tuple[Row, Label], ...]

    @classmethod
    def parse(cls, body: Any) -> "Holdout":
        """Read the body of `GET /model/holdout`. Raises WrongAnswer if it has no rows in it."""
        try:
            tolerance = None if body.get("tolerance") is None else float(body["tolerance"])
            of_kind = class_of if tolerance is None else float
            rows = tuple((example["row"], of_kind(example["label"])) for example in body["rows"])
            holdout = cls(
                model_version=str(body["model_version"]),
                target=str(body["target"]),
                tolerance=tolerance,
                # In a rollout a pod of before knows neither.
                correct=float(body.get("correct", 0)),
                own_choice=bool(body.get("own_choice", False)),
                rows=rows,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WrongAnswer(f"{PATH}: no rows with labels in {body!r:.200}") from error
        if not rows:
            raise WrongAnswer(f"{PATH}: rows is empty")
        return holdout

    @cached_property
    def classes(self) -> dict[str, Label]:
        """All labels by name; training holds out at least one row of every class.

        A class that is a number or a bool is called as JSON writes it: keys are text.
        """
        labels = (label for _, label in self.rows)
        return {label if isinstance(label, str) else json.dumps(label): label for label in labels}

    def shuffled(self) -> Iterator[tuple[Row, Label]]:
        """Yield the rows without end, each once a pass.

        Drawn with replacement, a few hundred rows would differ from the training data enough to
        look like drift.
        """
        while True:
            yield from random.sample(self.rows, len(self.rows))

    def is_correct(self, answer: Label, label: Label) -> bool:
        """Tell if an answer is the label, or near enough to it."""
        if isinstance(answer, str) or isinstance(label, str) or self.tolerance is None:
            return type(answer) is type(label) and answer == label  # 1 == True, and is no true
        return abs(answer - label) <= self.tolerance

    def check(self, prediction: Any) -> Label:
        """Return the class or the value of one prediction.

        Raises WrongAnswer if it has another shape than the contract's.
        """
        return self._class(prediction) if self.tolerance is None else self._value(prediction)

    def _value(self, prediction: Any) -> float:
        """Return the value. Raises WrongAnswer if it is not a finite number."""
        try:
            answer = prediction[self.target]
        except (KeyError, TypeError) as error:
            raise WrongAnswer(f"not a prediction: {prediction!r:.200}") from error
        # JSON has no largest number, and NaN is in no order with any.
        if type(answer) not in (int, float) or not abs(answer) <= sys.float_info.max:
            raise WrongAnswer(f"{self.target}: {answer!r:.200} is no finite number")
        return float(answer)

    def _class(self, prediction: Any) -> Label:
        """Return the class.

        Raises WrongAnswer if the probabilities are not those of the classes, or if the class is
        not the most probable one.
        """
        try:
            answer, probabilities = prediction[self.target], prediction["probabilities"]
            total, most = sum(probabilities.values()), max(probabilities, key=probabilities.get)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WrongAnswer(f"not a prediction: {prediction!r:.200}") from error
        if probabilities.keys() != self.classes.keys():
            raise WrongAnswer(f"probabilities: of {sorted(probabilities)}, not of the classes")
        if not abs(total - 1) <= 1e-3:  # nor is NaN, which is in no order with any number
            raise WrongAnswer(f"probabilities: they add up to {total}")
        right = self.classes[most]
        if self.own_choice:
            right = next((known for known in self.classes.values() if known == answer), right)
        if type(answer) is not type(right) or answer != right:
            raise WrongAnswer(f"{self.target}: {answer!r}, but {right!r} is more probable")
        return right


class Score:
    """The share of held-out rows answered correctly, compared with what training found."""

    WINDOW = 200
    """Answers that are judged together."""

    def __init__(self, expected: float) -> None:
        self._expected = expected
        deviation = sqrt(expected * (1 - expected) / self.WINDOW)
        self._least = expected - 5 * deviation - 1 / self.WINDOW
        self._answered = self._correct = 0
        self._wrong = ""

    def count(self, is_correct: bool) -> None:
        """Count an answer. Raises WrongAnswer for as long as too few of the last were correct."""
        self._answered += 1
        self._correct += is_correct
        if self._answered == self.WINDOW:
            share = self._correct / self.WINDOW
            self._wrong = (
                ""
                if share >= self._least
                else (
                    f"{share:.0%} of {self.WINDOW} held-out rows are answered correctly, not "
                    f"{self._expected:.0%}"
                )
            )
            self._answered = self._correct = 0
        if self._wrong:
            raise WrongAnswer(self._wrong)
