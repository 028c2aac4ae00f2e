"""What the service answers about penguins; other data has other expectations."""

import httpx
import pytest

from app import schemas
from app.features import CLASS_NAMES, FEATURES, TARGET
from app.page import FOLDER

pytestmark = pytest.mark.by_data

if TARGET != "species":
    pytest.skip("the data is no longer the penguins'", allow_module_level=True)


def test_the_example_is_an_adelie(client: httpx.Client) -> None:
    answer = client.post("/predict", json=schemas.EXAMPLE).json()
    assert answer["species"] == "Adelie"
    assert list(answer["probabilities"]) == ["Adelie", "Chinstrap", "Gentoo"]
    assert answer["probabilities"]["Adelie"] > 0.9


def test_an_island_that_is_not_in_the_archipelago_is_named(client: httpx.Client) -> None:
    answer = client.post("/predict", json={**schemas.EXAMPLE, "island": "Madeira"})
    (error,) = answer.json()["detail"]
    assert (answer.status_code, error["loc"]) == (422, ["body", "island"])


def test_the_service_is_named_after_its_data(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json()["info"]["title"] == "Palmer Penguins"


def test_the_page_names_nothing_of_the_data() -> None:
    text = "".join(path.read_text() for path in FOLDER.iterdir())
    for name in (TARGET, *CLASS_NAMES, *(f.name for f in FEATURES), schemas.Row.__name__):
        assert name.lower() not in text.lower()
