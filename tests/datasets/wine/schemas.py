"""The public contract: what a row holds, and what is answered."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE: dict[str, JsonValue] = {
    "alcohol": 14.23, "malic_acid": 1.71, "magnesium": 127, "proline": 1065, "colour": 2,
    "brownish": False,
}  # fmt: skip


class Wine(BaseModel):
    """One wine of three cultivars: every type that a field may have, but for text."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra={"examples": [EXAMPLE]}
    )

    # The ends are the data's own least and largest value, which float32 moves outside.
    alcohol: float = Field(ge=11.03, le=14.83, description="Alcohol by volume")
    malic_acid: float = Field(ge=0, le=10, description="Malic acid")
    magnesium: int | None = Field(ge=50, le=200, description="Magnesium, where it was measured")
    proline: int = Field(ge=100, le=3000, description="Proline")
    colour: Literal[1, 2, 3] | None = Field(description="Colour: light, middle or deep")
    brownish: bool = Field(description="Whether the hue is below 0.8")


class Prediction(BaseModel):
    """The most probable cultivar. The first field is the target, its values the classes."""

    cultivar: Literal[1, 2, 3] = Field(description="Most probable class")
    probabilities: dict[str, float] = Field(
        description="Probability of each class, rounded to six decimals"
    )
    model_version: str = Field(description="Version of the model that answered")


Row = Wine
"""What the rest of the code calls a row."""
