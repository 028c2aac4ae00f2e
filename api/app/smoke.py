"""Ask a deployed service for what this image's model must answer: `python -m app.smoke URL`.

Exits with 0 once every golden row was answered rightly several times in a row, on a new connection
each, so that all pods are likely to have been asked; with 1 if that does not happen in time.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from app.card import Card, Golden
from app.features import ANSWER, CLASS_NAMES
from app.model import TOLERANCE, Model
from app.settings import Settings

ROUNDS = 5
"""Times that each golden row is answered in a row."""

ROUNDING = 0.501 if ANSWER.is_whole else 0.0
"""How far an answer may be from what the model says, where it is an int."""


class Unexpected(Exception):
    """An answer that the image's model would not give."""


def ask(url: str, golden: Golden) -> dict[str, object]:
    """Return the answer to a row. Raises OSError or ValueError where there is none."""
    body = golden.row.model_dump_json().encode()
    request = Request(f"{url}/predict", body, {"content-type": "application/json"})  # noqa: S310  # main() checks it
    try:
        with urlopen(request, timeout=5) as response:  # noqa: S310
            answer: dict[str, object] = json.load(response)
    except HTTPError as error:
        raise ValueError(f"{error.code}: {error.read(200)!r}") from None
    return answer


def check(card: Card, golden: Golden, answer: dict[str, object]) -> None:
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
        check(card, golden, ask(url, golden))


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
    card = Model.load(Settings().model_dir).card
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
