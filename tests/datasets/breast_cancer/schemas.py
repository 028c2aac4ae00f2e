"""The public contract: what a row holds, and what is answered."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE: dict[str, JsonValue] = {
    "mean_radius": 17.99,
    "mean_texture": 10.38,
    "mean_perimeter": 122.8,
    "mean_area": 1001,
    "mean_smoothness": 0.1184,
    "mean_compactness": 0.2776,
    "mean_concavity": 0.3001,
    "mean_concave_points": 0.1471,
    "mean_symmetry": 0.2419,
    "mean_fractal_dimension": 0.07871,
    "radius_error": 1.095,
    "texture_error": 0.9053,
    "perimeter_error": 8.589,
    "area_error": 153.4,
    "smoothness_error": 0.006399,
    "compactness_error": 0.04904,
    "concavity_error": 0.05373,
    "concave_points_error": 0.01587,
    "symmetry_error": 0.03003,
    "fractal_dimension_error": 0.006193,
    "worst_radius": 25.38,
    "worst_texture": 17.33,
    "worst_perimeter": 184.6,
    "worst_area": 2019,
    "worst_smoothness": 0.1622,
    "worst_compactness": 0.6656,
    "worst_concavity": 0.7119,
    "worst_concave_points": 0.2654,
    "worst_symmetry": 0.4601,
    "worst_fractal_dimension": 0.1189,
}


class Mass(BaseModel):
    """Nuclei in an image of a fine needle aspirate of a breast mass; the source states no units."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra={"examples": [EXAMPLE]}
    )

    mean_radius: float = Field(ge=0, le=60, description="Radius, mean")
    mean_texture: float = Field(ge=0, le=80, description="Texture, mean")
    mean_perimeter: float = Field(ge=0, le=400, description="Perimeter, mean")
    mean_area: float = Field(ge=0, le=6000, description="Area, mean")
    mean_smoothness: float = Field(ge=0, le=0.4, description="Smoothness, mean")
    mean_compactness: float = Field(ge=0, le=0.7, description="Compactness, mean")
    mean_concavity: float = Field(ge=0, le=0.9, description="Concavity, mean")
    mean_concave_points: float = Field(ge=0, le=0.5, description="Concave points, mean")
    mean_symmetry: float = Field(ge=0, le=0.7, description="Symmetry, mean")
    mean_fractal_dimension: float = Field(ge=0, le=0.2, description="Fractal dimension, mean")
    radius_error: float = Field(ge=0, le=6, description="Radius, standard error")
    texture_error: float = Field(ge=0, le=10, description="Texture, standard error")
    perimeter_error: float = Field(ge=0, le=50, description="Perimeter, standard error")
    area_error: float = Field(ge=0, le=2000, description="Area, standard error")
    smoothness_error: float = Field(ge=0, le=0.07, description="Smoothness, standard error")
    compactness_error: float = Field(ge=0, le=0.3, description="Compactness, standard error")
    concavity_error: float = Field(ge=0, le=0.8, description="Concavity, standard error")
    concave_points_error: float = Field(ge=0, le=0.2, description="Concave points, standard error")
    symmetry_error: float = Field(ge=0, le=0.2, description="Symmetry, standard error")
    fractal_dimension_error: float = Field(
        ge=0, le=0.06, description="Fractal dimension, standard error"
    )
    worst_radius: float = Field(ge=0, le=80, description="Radius, of the worst three nuclei")
    worst_texture: float = Field(ge=0, le=100, description="Texture, of the worst three nuclei")
    worst_perimeter: float = Field(ge=0, le=600, description="Perimeter, of the worst three nuclei")
    worst_area: float = Field(ge=0, le=9000, description="Area, of the worst three nuclei")
    worst_smoothness: float = Field(
        ge=0, le=0.5, description="Smoothness, of the worst three nuclei"
    )
    worst_compactness: float = Field(
        ge=0, le=3, description="Compactness, of the worst three nuclei"
    )
    worst_concavity: float = Field(ge=0, le=3, description="Concavity, of the worst three nuclei")
    worst_concave_points: float = Field(
        ge=0, le=0.6, description="Concave points, of the worst three nuclei"
    )
    worst_symmetry: float = Field(ge=0, le=2, description="Symmetry, of the worst three nuclei")
    worst_fractal_dimension: float = Field(
        ge=0, le=0.5, description="Fractal dimension, of the worst three nuclei"
    )


class Prediction(BaseModel):
    """The more probable diagnosis. The first field is the target, its values the classes."""

    diagnosis: Literal["benign", "malignant"] = Field(description="Most probable class")
    probabilities: dict[str, float] = Field(
        description="Probability of each class, rounded to six decimals"
    )
    model_version: str = Field(description="Version of the model that answered")


Row = Mass
"""What the rest of the code calls a row."""
