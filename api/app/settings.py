"""Settings, from environment variables; `python -m app --help` lists them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.features import ROW_BYTES

PREFIX = "SERVING_"
MAX_BATCH_ROWS = 10_000

Positive = Annotated[int, Gt(0)]

is_prefix = re.compile(r"(?:/[A-Za-z0-9._~%-]+)*").fullmatch
_is_release = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?").fullmatch
_is_origin = re.compile(
    # Browsers leave the usual port out.
    r"\*|(?!http://.*:80$|https://.*:443$)[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+"
).fullmatch


def _fitting(fits: Callable[[str], object], otherwise: str) -> AfterValidator:
    """Return a validator that raises ValueError with these words unless a text fits."""

    def check(value: str) -> str:
        if not fits(value):
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


Prefix = Annotated[
    str, _fitting(is_prefix, "a prefix begins with / and does not end with it, as in /ml")
]
Release = Annotated[
    str,
    _fitting(
        _is_release,
        "a release is up to 63 small letters, digits and -, with no - at its ends, as in 6d4f9c7b8",
    ),
]
Origin = Annotated[
    str,
    _fitting(
        _is_origin,
        "an origin is * or as browsers send it: scheme, host and unusual port, in small "
        "letters and with no / at the end, as in https://example.org:8443",
    ),
]


class Settings(BaseSettings):
    """What may differ between one place that the service runs in and the next."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on, 0 for any free one")
    model_dir: Path = Field(
        Path(__file__).parents[1] / "data" / "model", description="folder with model.json"
    )
    version: str = Field("local", description="image tag, for serving_build_info")
    revision: str = Field("unknown", description="Git commit, for serving_build_info")
    release: Release = Field(
        "", description="name of what was rolled out, for X-Release and serving_build_info"
    )
    # What fits a few columns, or more where the schema has more.
    max_row_bytes: Positive = Field(
        max(16 * 1024, 2 * ROW_BYTES), description="largest body of /predict; above it 413"
    )
    max_batch_bytes: Positive = Field(
        max(2 * 1024 * 1024, MAX_BATCH_ROWS * ROW_BYTES),
        description="largest body of /predict/batch; above it 413",
    )
    max_batch_rows: Positive = Field(
        MAX_BATCH_ROWS, description="most rows of /predict/batch; above it 422"
    )
    max_queued_rows: Positive = Field(
        32, description="most requests to /predict that wait for the model; above it 503"
    )
    max_queued_batches: Positive = Field(
        16,
        description="most requests to /predict/batch, and to any other route that takes a body "
        "but for /predict, that wait or run; above it 503",
    )
    max_head_bytes: Positive = Field(
        64 * 1024, description="largest request line and headers; above it 431"
    )
    request_seconds: float = Field(
        10,
        gt=0,
        description="time for a request to arrive, else 408, or for a stuck answer to be read",
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (), description="origins whose pages may call the service, separated by commas, or *"
    )
    root_path: Prefix = Field(
        "", description="prefix that a proxy takes off, for links and /openapi.json, as in /ml"
    )
    trust_forwarded_prefix: bool = Field(
        False,
        description="take that prefix from X-Forwarded-Prefix; behind a proxy that always sets it",
    )
    drain_seconds: float = Field(
        5, ge=0, description="time after SIGTERM to serve on, not ready, while traffic moves away"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severity logged"
    )
    log_requests: bool = Field(False, description="log one line for every request")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(origin for part in value.split(",") if (origin := part.strip()))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Headers of every answer, whatever the route and the status."""
        return [("x-release", self.release)] if self.release else []

    @classmethod
    def describe(cls) -> str:
        """Return a line for every variable: name, default, meaning."""
        return "\n".join(
            f"  {PREFIX + name.upper():30} {field.description} (default: "
            f"{'none' if field.default in ('', ()) else field.default})"
            for name, field in cls.model_fields.items()
        )
