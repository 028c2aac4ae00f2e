"""What of a body's type would take NaN, text for a number, a misspelt field, or anything at all."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.features import lax_settings

MODELS = {"dataclass", "model", "typed-dict"}
AROUND = {
    *("definition-ref", "definitions", "list", "nullable", "tagged-union", "tuple", "union"),
    *("function-after", "function-before", "function-wrap"),
}
"""What may stand around a model: lists, choices, and validators of them."""

LAX = {
    "any": "takes anything, NaN too: give it a type, as in dict[str, float]",
    "function-plain": "takes what its validator takes: use AfterValidator behind a type",
    "json": "takes JSON within text, NaN too: take the value itself",
    "decimal": "takes text for a number: write float",
}
"""Kinds of pydantic's that no setting of the model makes strict."""

NOT_FROM_JSON = {
    *("computed_fields", "config", "default", "definitions", "function", "keys_schema"),
    *("json_schema_input_schema", "lax_schema", "metadata", "python_schema", "serialization"),
}
"""What in a schema never sees a value of the body. Keys are text, and definitions stand in place
of the references to them."""


def lax_parts(
    schema: Any, where: str = "", known: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Yield a line for each part of pydantic's schema of a body that no schema should have.

    `where` is the model and field that the part belongs to, `known` are the definitions by name.
    """
    if isinstance(schema, (list, tuple)):
        for part in schema:
            yield from lax_parts(part, where, known)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    known = {**(known or {}), **{found["ref"]: found for found in schema.get("definitions", ())}}
    if kind in MODELS:
        where = schema["cls"].__name__
        yield from lax_settings(schema["cls"])
    elif not where and kind not in AROUND:
        yield f"the body has a bare {kind}; a field of a BaseModel has a range and a name"
        return
    if kind in LAX:
        yield f"{where} {LAX[kind]}"
    if schema.get("strict") is False or schema.get("allow_inf_nan"):
        yield f"{where} undoes what the model's settings refuse: leave out strict and allow_inf_nan"
    if kind == "definition-ref":
        name = schema["schema_ref"]
        # Within itself a type is looked at no more: it has no end.
        yield from lax_parts(known[name], where, {**known, name: None})
    for key, part in schema.items():
        if key == "fields" and isinstance(part, dict):
            for name, field in part.items():
                yield from lax_parts(field, f"{where}.{name}", known)
        elif key not in NOT_FROM_JSON:
            of_choices = isinstance(part, dict) and key == "choices"
            yield from lax_parts([*part.values()] if of_choices else part, where, known)
