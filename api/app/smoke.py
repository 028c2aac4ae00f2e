"""Ask a deployed service for what this image's model must answer: `python -m app.smoke URL`.

Exits with 0 once every golden row was answered rightly several times in a row, on a new connection
each, so that all pods are likely to have been asked, and as many of the held-out rows as the card
says; with 1 if that does not happen in time.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from app.card import ArtifactError, Card, Golden, Label
from app.features import ANSWER, CLASS_NAMES, HALF
from app.model import TOLERANCE, Model
from app.settings import Settings

ROUNDS = 5
"""Times that each golden row is answered in a row."""
BATCH_ROWS = 500

ROUNDING = HALF if ANSWER.is_whole else 0.0
"""How far an answer may be from what the model says, where it is an int."""


class Unexpected(Exception):
    """An answer that the image's model would not give."""


Answer = dict[str, object]


def ask(url: str, body: str) -> Any:
    """Return the answer to a body. Raises OSError or ValueError where there is none."""
    request = Request(url, body.encode(), {"content-type": "application/json"})  # noqa: S310  # main() checks it
    try:
        with urlopen(request, timeout=5) as response:  # noqa: S310
            return json.load(response)
    except HTTPError as error:
        raise ValueError(f"{error.code}: {error.read(200)!r}") from None


def check(card: Card, golden: Golden, answer: Answer) -> None:
    """Raise Unexpected that says how an answer differs from the card's."""
    field: str
    expected: Mapping[str, float] | float
    if answer.get("model_version") != card.model_version:
        raise Unexpected(f"model {answer.get('model_version')} answers, not {card.model_version}")
    if card.classes:
        field, expected = "probabilities", dict(zip(CLASS_NAMES, golden.output, strict=True))
    else:
        field, expected = card.target, golden.output[0]
    if not is_close(answer.get(field), expected):
        raise Unexpected(f"{golden.row!r} is answered {answer.get(field)}, not {expected}")


def is_close(found: object, expected: Mapping[str, float] | float) -> bool:
    """Tell whether a number, or each of several, is the one expected."""
    if isinstance(expected, Mapping):
        return (
            isinstance(found, Mapping)
            and found.keys() == expected.keys()
            and all(is_close(found[name], expected[name]) for name in expected)
        )
    return isinstance(found, int | float) and abs(found - expected) <= TOLERANCE + ROUNDING


def passes(url: str, card: Card) -> None:
    """Ask for each golden row ROUNDS times. Raises what ask and check raise."""
    for golden in card.golden * ROUNDS:
        check(card, golden, ask(f"{url}/predict", golden.row.model_dump_json()))
    check_score(card, list(ask_for_holdout(url, card)))


def ask_for_holdout(url: str, card: Card) -> Iterator[Answer]:
    """Yield the answers to the held-out rows, some hundred at a time."""
    rows = [example.row.model_dump_json() for example in card.holdout]
    for start in range(0, len(rows), BATCH_ROWS):
        body = f"[{','.join(rows[start : start + BATCH_ROWS])}]"
        answer = ask(f"{url}/predict/batch", body)
        if not isinstance(answer, dict) or "predictions" not in answer:
            raise Unexpected(f"/predict/batch answers without predictions: {answer!r:.200}")
        yield from answer["predictions"]


def check_score(card: Card, answers: list[Answer]) -> None:
    """Raise Unexpected unless as many held-out rows are answered correctly as the card says."""
    pairs = list(zip(card.holdout, answers, strict=True))
    certain = sum(is_correct(card, example.label, answer) for example, answer in pairs)
    # Where two classes are as probable, rounding may decide between them otherwise than before.
    open_ = sum(is_tie(answer) for answer in answers)
    expected = round(card.metrics.correct.holdout * len(answers))
    if abs(certain - expected) > open_:
        raise Unexpected(
            f"{certain} of {len(answers)} held-out rows are answered correctly, not {expected}"
        )


def is_correct(card: Card, label: Label, answer: Answer) -> bool:
    """Tell whether an answer is the label, or near enough to it."""
    found, tolerance = answer.get(card.target), card.metrics.correct.tolerance
    if tolerance is None:
        return found == label
    return isinstance(found, int | float) and abs(found - float(label)) <= tolerance


def is_tie(answer: Answer) -> bool:
    """Tell whether two classes are as probable as any."""
    shares = answer.get("probabilities")
    if not isinstance(shares, dict) or len(shares) < 2:
        return False
    *_, second, first = sorted(shares.values())
    return bool(first - second <= 2 * TOLERANCE)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m app.smoke", description=__doc__)
    parser.add_argument("url", help="of the service, such as http://api-service:8000")
    parser.add_argument("--seconds", type=float, default=45, help="time to succeed; %(default)s")
    found = parser.parse_args()
    if not found.url.startswith(("http://", "https://")):
        parser.error(f"url: {found.url!r} does not begin with http:// or https://")
    return found


def main() -> int:
    """Ask until all is as expected or the time is up; return the exit code."""
    asked = options()
    try:
        card = Model.load(Settings().model_dir).card
    except ArtifactError as error:
        print(f"model refused: {error}", file=sys.stderr)
        return 1
    deadline, said = time.monotonic() + asked.seconds, ""
    while True:
        try:
            passes(asked.url.rstrip("/"), card)
        except (OSError, ValueError, Unexpected) as error:
            if time.monotonic() > deadline:
                print(f"failed: {error}", file=sys.stderr)
                return 1
            if str(error) != said:
                said = str(error)
                print(f"not yet: {said}", flush=True)
            time.sleep(0.5)
        else:
            print(f"{asked.url} answers with model {card.model_version}")
            return 0


if __name__ == "__main__":
    sys.exit(main())
