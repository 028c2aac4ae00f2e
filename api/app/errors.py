"""pydantic's errors as FastAPI words them, cut to a size that an answer can have."""

import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from app.http import Refusal

SHOWN_BYTES = 200
"""Of an offending value or key; it may be megabytes."""

SHOWN_ERRORS = 100
"""More than a row has fields: only a flood of unknown keys gets there."""


def _shown(value: Any) -> Any:
    """Return the value as JSON can say it, or the beginning of it if it is long."""
    text = to_json(value, inf_nan_mode="strings", serialize_unknown=True).decode(errors="replace")
    return json.loads(text) if len(text) <= SHOWN_BYTES else text[:SHOWN_BYTES] + "..."


def _location(parts: tuple[int | str, ...]) -> list[int | str]:
    return ["body", *(p[:SHOWN_BYTES] if isinstance(p, str) else p for p in parts)]


def _whole_body(kind: str, message: str, body: bytes) -> dict[str, Any]:
    start = body[:SHOWN_BYTES].decode(errors="replace")
    return {"type": kind, "loc": ["body"], "msg": message, "input": start}


def refusal(error: ValidationError, body: bytes) -> Refusal:
    """Return 400 for what is not JSON, 422 for values that the schema does not allow."""
    if error.error_count() > SHOWN_ERRORS:
        text = f"more than {SHOWN_ERRORS} errors: {error.error_count()}, nearly all unknown fields"
        return Refusal(422, [_whole_body("too_many_errors", text, body)], "flood")
    details = error.errors(include_url=False, include_context=False)
    first = details[0]["type"]
    if first == "json_invalid":
        return Refusal(400, [_whole_body(first, details[0]["msg"], body)], "not_json")
    shown = [
        {
            "type": d["type"],
            "loc": _location(d["loc"]),
            "msg": d["msg"],
            "input": _shown(d["input"]),
        }
        for d in details
    ]
    return Refusal(422, shown, first)
