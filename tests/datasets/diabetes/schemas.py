"""The public contract: what a row holds, and what is answered."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE: dict[str, JsonValue] = {
    "age": 59, "sex": "2", "bmi": 32.1, "bp": 101,
    "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.8598, "s6": 87,
}  # fmt: skip


class Patient(BaseModel):
    """One patient with diabetes at the beginning of the study."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra={"examples": [EXAMPLE]}
    )

    age: float = Field(ge=0, le=120, description="Age", json_schema_extra={"unit": "years"})
    sex: Literal["1", "2"] = Field(description="Sex, as the source codes it")
    bmi: float = Field(
        ge=10, le=80, description="Body mass index", json_schema_extra={"unit": "kg/m2"}
    )
    bp: float = Field(
        ge=40, le=200, description="Average blood pressure", json_schema_extra={"unit": "mmHg"}
    )
    s1: float = Field(ge=50, le=600, description="Total serum cholesterol")
    s2: float = Field(ge=20, le=500, description="Low-density lipoproteins")
    s3: float = Field(ge=10, le=200, description="High-density lipoproteins")
    s4: float = Field(ge=1, le=20, description="Total cholesterol / HDL")
    s5: float = Field(ge=1, le=10, description="Logarithm of serum triglycerides, possibly")
    s6: float = Field(ge=30, le=300, description="Blood sugar level")


class Prediction(BaseModel):
    """How far the disease will have gone. The first field is the target."""

    progression: float = Field(
        ge=0, le=400, description="Progression of the disease one year after the baseline"
    )
    model_version: str = Field(description="Version of the model that answered")


Row = Patient
"""What the rest of the code calls a row."""
