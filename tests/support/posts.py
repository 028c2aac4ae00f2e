"""The routes that take a body, read off the OpenAPI document: what is added is tested too."""

from typing import Any

from app.main import create_app
from app.model import Model
from app.settings import Settings

SETTINGS = Settings()
DISPATCHER = create_app(SETTINGS, Model.load(SETTINGS.model_dir))
DOCUMENT: dict[str, Any] = DISPATCHER.api.openapi()
WITH_BODY = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation
]


def example(schema: dict[str, Any]) -> Any:
    """Return the first example of a body's schema; of a list, one of its items."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if schema.get("type") == "array":
        return [example(schema["items"])]
    if not schema.get("examples"):
        raise AssertionError(
            f"{schema['title']} has no example: json_schema_extra={{'examples': [...]}} in its "
            "model_config; tests begin with it, and /docs shows it"
        )
    return schema["examples"][0]


def _body(path: str) -> Any:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
    return example(content["application/json"]["schema"])


EXAMPLES = {path: _body(path) for _, path in WITH_BODY}
"""A good body of each of these routes, by its path."""
