"""The page's form and its answer, as people use them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app import schemas
from app.features import FEATURES, TARGET, text_of
from support.model_page import Row, as_text, box, button, drawn, field, fill, opened, predict, visit
from support.sample import NOTHING, NUMBER, NUMBERS, REQUIRED
from support.service import Process, serving

REFUSED = "status of 422"


@pytest.fixture
def page(service: Process) -> Iterator[Page]:
    with opened(service) as page:
        yield page


@pytest.fixture(scope="module")
def held_out(client: httpx.Client) -> Row:
    rows = client.get("/model/holdout").json()["rows"]
    row: Row = next(r["row"] for r in rows if r["row"] != schemas.EXAMPLE)
    return row


def answered(client: httpx.Client, row: Row) -> Row:
    """Return the API's own answer, without the model's version."""
    answer: Row = client.post("/predict", json=row).json()
    del answer["model_version"]
    return answer


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.name || document.activeElement.textContent")
    return text


@pytest.mark.by_data
def test_a_row_is_predicted_by_keyboard_alone(
    page: Page, client: httpx.Client, held_out: Row
) -> None:
    while focused(page) != FEATURES[0].name:
        page.keyboard.press("Tab")
    order = []
    for feature in FEATURES:
        order.append(focused(page))
        if feature.is_numeric:
            page.keyboard.press("Control+A")
            page.keyboard.press("Delete")
        page.keyboard.type(
            as_text(held_out[feature.name]) or ("" if feature.is_numeric else "not k")
        )
        page.keyboard.press("Tab")
    order.append(focused(page))
    assert order == [*(f.name for f in FEATURES), "Predict"]
    with page.expect_response("**/predict") as response:
        page.keyboard.press("Enter")
    assert response.value.request.post_data_json == held_out
    expect(page.get_by_role("status").filter(has_text=TARGET)).to_be_visible()
    assert drawn(page) == answered(client, held_out)


def test_every_place_that_the_keyboard_reaches_is_seen(page: Page) -> None:
    page.keyboard.press("Tab")
    places = 0
    while focused(page) and page.evaluate("document.activeElement !== document.body"):
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        places += 1
    assert places > len(FEATURES) + 3


@pytest.mark.by_data
def test_the_form_has_name_unit_range_and_description_of_each_feature(page: Page) -> None:
    for feature in FEATURES:
        found = box(page, feature.name)
        expect(found).to_contain_text(feature.description)
        if feature.unit:
            expect(found.locator(".unit")).to_have_text(feature.unit)
        if feature.is_numeric:
            expect(found).to_contain_text(f"{feature.minimum:,.12g} to {feature.maximum:,.12g}")
        else:
            texts = found.locator("option").all_text_contents()
            assert texts[1:] == [*map(text_of, feature.categories)]


@pytest.mark.by_data
def test_the_example_row_is_filled_in_at_first_and_again(page: Page) -> None:
    assert predict(page)[0] == schemas.EXAMPLE
    button(page, "Clear").click()
    assert field(page, NUMBER).input_value() == ""
    button(page, "Example row").click()
    assert predict(page)[0] == schemas.EXAMPLE


@pytest.mark.by_data
def test_the_answer_has_the_apis_own_numbers(
    page: Page, client: httpx.Client, held_out: Row
) -> None:
    fill(page, held_out)
    _, answer = predict(page)
    expect(page.locator("#drawn")).to_contain_text(answer["model_version"])
    assert drawn(page) == answered(client, held_out)
    page.get_by_text("As JSON").click()
    text = page.locator("pre").inner_text()
    assert json.loads(text[text.index("\n\n") :]) == answer


def test_an_empty_field_is_sent_as_null(page: Page, client: httpx.Client) -> None:
    fill(page, NOTHING)
    sent, _ = predict(page)
    assert sent == {**schemas.EXAMPLE, **NOTHING}
    expect(page.locator("#drawn")).to_contain_text("Model")
    assert drawn(page) == answered(client, sent)


@pytest.mark.by_data
def test_a_refused_value_is_named_at_its_field(service: Process, client: httpx.Client) -> None:
    value = int(NUMBERS[0].maximum or 0) + 1
    (error,) = client.post("/predict", json={**schemas.EXAMPLE, NUMBER: value}).json()["detail"]
    with opened(service, expected=REFUSED) as page:
        field(page, NUMBER).fill(str(value))
        predict(page)
        found = box(page, NUMBER)
        expect(found.locator(".error")).to_have_text(f"{NUMBER}: {error['msg']}, got {value}")
        expect(field(page, NUMBER)).to_be_focused()
        expect(field(page, NUMBER)).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#said")).to_contain_text(NUMBER)
        # By the keyboard: the live part below may move the button from under the mouse.
        button(page, "Example row").press("Enter")
        expect(found.locator(".error")).to_be_empty()
        predict(page)
        expect(page.locator(".winner")).to_be_visible()


@pytest.mark.by_data
def test_a_field_that_must_be_known_is_asked_for(service: Process) -> None:
    with opened(service, expected=REFUSED) as page:
        button(page, "Clear").click()
        predict(page)
        expect(page.get_by_text(f"{REQUIRED[0]}: Field required")).to_be_visible()


def test_what_is_no_number_is_not_sent_as_unknown(page: Page) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url.endswith("/predict")))
    field(page, NUMBER).press_sequentially("e")
    button(page, "Predict").click()
    expect(page.get_by_text(f"{NUMBER}: This is not a number")).to_be_visible()
    assert not any(asked)


def test_a_busy_service_is_said_and_asked_again(service: Process) -> None:
    with opened(service, expected="status of 503") as page:
        busy = {"status": 503, "headers": {"retry-after": "1"}, "json": {"detail": "busy"}}
        page.route("**/predict", lambda route: route.fulfill(**busy), times=1)
        button(page, "Predict").click()
        expect(page.locator("#said")).to_contain_text("is busy (503). Trying again in 1 s")
        expect(page.locator(".winner")).to_be_visible()


def test_a_service_that_is_gone_is_said_and_found_again() -> None:
    with serving() as first:
        port = first.port
        with opened(first, expected="ERR_|status of") as page:
            first.kill()
            button(page, "Predict").click()
            expect(page.locator("#said")).to_contain_text("cannot be reached. Trying again")
            expect(page.locator("#state")).to_contain_text("no answer, trying again")
            with serving(port=port):
                expect(page.locator(".winner")).to_be_visible()
                expect(page.locator("#state")).to_have_text("answering")


def row(shown: Locator, head: str) -> Locator:
    return shown.get_by_role("rowheader", name=head, exact=True).locator("..")


@pytest.mark.by_data
def test_the_card_is_shown(page: Page, client: httpx.Client) -> None:
    card, shown = client.get("/model").json(), page.locator("#card")
    texts = (card["model_version"], card["estimator"], card["data"]["name"], card["data"]["sha256"])
    for text in texts:
        expect(shown).to_contain_text(text)
    for name in ("loss", "score"):
        measure = card["metrics"][name]
        expect(row(shown, measure["name"])).to_contain_text(f"{measure['holdout']:.4g}")
    shown.get_by_text("Features and how").click()
    for feature in card["features"]:
        lowest = feature["bins"][0]["label"].replace("<=", "≤\xa0")
        expect(row(shown, feature["feature"]["name"])).to_contain_text(lowest)


def another(document: dict[str, Any], properties: Row, answer: Row) -> dict[str, Any]:
    """Return an OpenAPI document whose rows and answers have other fields."""
    names = document["components"]["schemas"]
    names["Cell"] = {"title": "Cell", "properties": properties, "examples": [{}]}
    names["Size"] = {"title": "Size", "properties": answer}
    post = document["paths"]["/predict"]["post"]
    post["requestBody"]["content"]["application/json"]["schema"]["$ref"] = (
        "#/components/schemas/Cell"
    )
    answered = post["responses"]["200"]["content"]["application/json"]["schema"]
    answered["$ref"] = "#/components/schemas/Size"
    return document


def test_numbers_and_bools_are_chosen_and_sent_in_their_type(
    service: Process, client: httpx.Client
) -> None:
    fields = {
        "flag": {"type": "boolean"},
        "grade": {"anyOf": [{"enum": [1, 2], "type": "integer"}, {"type": "null"}]},
    }
    target = {"year": {"enum": [2023, 2024], "type": "integer"}}
    document = another(client.get("/openapi.json").json(), fields, target)
    answer = {"year": 2024, "probabilities": {"2023": 0.25, "2024": 0.75}, "model_version": "1"}

    def play(route: Route) -> None:
        route.fulfill(json=answer if route.request.method == "POST" else document)

    with opened(service) as page:
        page.route("**/openapi.json", play)
        page.route("**/predict", play)
        visit(page, service.url)
        assert box(page, "flag").locator("option").all_text_contents()[1:] == ["false", "true"]
        for row in ({"flag": False, "grade": 2}, {"flag": True, "grade": None}):
            fill(page, row)
            assert predict(page)[0] == row
        expect(page.locator(".winner")).to_have_text("2024")
        expect(page.locator("#answer strong")).to_have_text("2024")


@pytest.mark.parametrize("width", [390, 1280])
def test_another_schema_of_thirty_numbers_and_a_number_as_answer_fits(
    service: Process, client: httpx.Client, width: int
) -> None:
    number = {"anyOf": [{"type": "number", "minimum": -0.5}, {"type": "null"}], "unit": "μm"}
    names = [f"a_rather_long_name_of_a_feature_{n}" for n in range(30)]
    target = {"size": {"type": "number", "unit": "mm²"}, "model_version": {"type": "string"}}
    document = another(client.get("/openapi.json").json(), dict.fromkeys(names, number), target)
    answer = {"size": 13270.422, "model_version": "1"}

    def play(route: Route) -> None:
        route.fulfill(json=answer if route.request.method == "POST" else document)

    with opened(service, width=width) as page:
        page.route("**/openapi.json", play)
        page.route("**/predict", play)
        visit(page, service.url)
        field(page, names[7]).fill("-0.25")
        sent, _ = predict(page)
        assert sent == {**dict.fromkeys(names), names[7]: -0.25}
        expect(page.locator(".winner")).to_have_text("13,270.4 mm²")
        expect(page.get_by_role("table", name="Probabilities")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        expect(button(page, "Predict")).to_be_in_viewport()
