"""Values from outside: each is checked before it becomes a trailer, an output or an argument."""

import math
import os
import re
from pathlib import Path

COMMIT = r"[0-9a-f]{40}"
SHA256 = r"[0-9a-f]{64}"
DIGEST = rf"sha256:{SHA256}"
TAG = r"\d{4}(-\d{2}){5}"
WORDS = r"[a-z][a-z0-9 -]{0,63}"
VERSION = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"


class BadField(ValueError):
    """A value of another form. One line that names the field and the value."""

    def __init__(self, field: str, value: object, form: str) -> None:
        super().__init__(f"{field}: {value!r:.200} is not {form}")


def matching(field: str, value: object, pattern: str, form: str) -> str:
    """Return a string that the pattern matches as a whole."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise BadField(field, value, form)
    return value


def sentence(field: str, value: str) -> str:
    """Return text that stays on one line: a second line could pass for a trailer or an output."""
    if not value.strip() or not value.isprintable():
        raise BadField(field, value, "one line of text")
    return value.strip()


def number(field: str, value: object, most: float = math.inf) -> float:
    """Return a finite number between 0 and `most`; a string must be its decimal form."""
    form = "a number of at least 0" if math.isinf(most) else f"a number from 0 to {most:g}"
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        raise BadField(field, value, form)
    try:
        found = float(value)
    except (OverflowError, ValueError):
        raise BadField(field, value, form) from None
    if not (math.isfinite(found) and 0 <= found <= most):
        raise BadField(field, value, form)
    return found


def output(**values: str) -> None:
    """Set outputs of a workflow's step, each of one line; does nothing outside a workflow."""
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in values.items()))


def summarise(markdown: str) -> None:
    """Append to the summary of a workflow's run; does nothing outside a workflow."""
    _append("GITHUB_STEP_SUMMARY", markdown + "\n")


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
