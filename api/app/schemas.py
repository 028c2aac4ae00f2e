"""The public contract: what a row holds, and what is answered.

The features derive from `Row`, and from `Prediction` the target and with it the task: a Literal
makes it classification, a float with a range regression. Nothing else lists them.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE: dict[str, JsonValue] = {
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
}


class Penguin(BaseModel):
    """One bird. Field order is the model's column order.

    The year of the study is left out: it never comes again. A measurement that was not
    taken is sent as null, so that a forgotten field is an error and not a guess. The ranges
    hold any bird of these species, and no centimetres or kilograms.
    """

    # Strict: "39.1" and true are not numbers. A misspelt field is refused by its name.
    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra={"examples": [EXAMPLE]}
    )

    island: Literal["Biscoe", "Dream", "Torgersen"] = Field(
        description="Island of the Palmer Archipelago where the bird nests"
    )
    bill_length_mm: float | None = Field(
        ge=10, le=100, description="Length of the upper ridge", json_schema_extra={"unit": "mm"}
    )
    bill_depth_mm: float | None = Field(
        ge=5, le=50, description="Depth of the upper ridge", json_schema_extra={"unit": "mm"}
    )
    flipper_length_mm: float | None = Field(
        ge=100, le=400, description="Length of the flipper", json_schema_extra={"unit": "mm"}
    )
    body_mass_g: float | None = Field(
        ge=1000, le=10_000, description="Body mass", json_schema_extra={"unit": "g"}
    )
    sex: Literal["female", "male"] | None = Field(default=None, description="Sex, where known")


class Prediction(BaseModel):
    """The most probable species. The first field is the target, its values the classes."""

    species: Literal["Adelie", "Chinstrap", "Gentoo"] = Field(description="Most probable class")
    probabilities: dict[str, float] = Field(
        description="Probability of each class, rounded to six decimals"
    )
    model_version: str = Field(description="Version of the model that answered")


Row = Penguin
"""What the rest of the code calls a row."""
