"""How the page is sent, and what the browser and axe-core say of it."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from app import schemas
from app.features import FEATURES
from app.page import FOLDER, INDEX
from support.browser import new_page
from support.model_page import button, field, first_paint_ms, opened, predict, visit
from support.paths import TESTS
from support.posts import EXAMPLES
from support.service import Process, scrape, serving, value

AXE = TESTS / "node/node_modules/axe-core/axe.min.js"
PATHS = ["/", *(f"/page/{path.name}" for path in FOLDER.iterdir() if path.name != INDEX)]

LARGEST = 64_000
"""Bytes of all that is sent until the page is whole, heads included. Readings of /metrics, which
go on and grow with the routes in use, are left out."""

SLOWEST_MS = 1000
"""The page paints in well under 200 ms, which `make bench` prints. Tests share their two cores
with others; what waits for a script or for data would still be noticed by this bound."""


def test_the_policy_lets_nothing_in_but_the_pages_own_files(client: httpx.Client) -> None:
    for path in PATHS:
        head = client.get(path).headers
        policy = dict(
            part.split(maxsplit=1) for part in head["content-security-policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert head["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
def test_a_known_version_is_not_sent_again(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["cache-control"] == "no-cache"
    tag = answer.headers["etag"]
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304
    assert client.get(path, headers={"if-none-match": 'W/"other"'}).content == answer.content


def test_no_markup_holds_a_script_or_a_style() -> None:
    text = (FOLDER / INDEX).read_text()
    assert not re.search(r"<style|<script(?! type=\"module\" src=)|\sstyle=|\son\w+=", text)


def test_the_pages_files_share_one_label_and_others_are_not_found() -> None:
    with serving() as service, httpx.Client(base_url=service.url) as client:
        files = [client.get(path).status_code for path in PATHS[1:]]
        assert [client.get(f"/page/{n}").status_code for n in range(5)] == [404] * 5
        seen = scrape(client)
        counted = {dict(labels).get("handler") for _, labels in seen} - {None}
        assert counted == {*EXAMPLES, "/page/{name}", "/metrics"}
        labels = {"handler": "/page/{name}", "method": "GET"}
        assert value(seen, "http_requests_total", status="200", **labels) == len(files)
        assert value(seen, "http_requests_total", status="404", **labels) == 5


@pytest.mark.by_data
def test_the_page_asks_nobody_else_and_is_small(service: Process) -> None:
    asked: list[str] = []
    with new_page() as page:
        page.on("request", lambda request: asked.append(request.url))
        with page.expect_response("**/metrics"):
            visit(page, service.url)
        predict(page)
        expect(page.locator("#card")).to_contain_text("estimator")
        expect(page.locator("#state")).to_have_text("answering")
        sent = page.evaluate(
            "() => performance.getEntries().filter(e => !e.name.endsWith('/metrics'))"
            ".reduce((sum, e) => sum + (e.transferSize ?? 0), 0)"
        )
    assert {url for url in asked if not url.startswith(service.url)} == set()
    assert LARGEST / 10 < sent < LARGEST


@pytest.mark.alone
def test_the_first_paint_waits_for_no_script_and_no_data(service: Process) -> None:
    assert first_paint_ms(service, 5) < SLOWEST_MS


def findings(page: Page) -> list[str]:
    """Return what axe-core has to say, its best practices included."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{f['id']}: {n['html']} {n['failureSummary']}" for f in found for n in f["nodes"]]


@pytest.mark.parametrize(
    ("dark", "width"),
    [
        pytest.param(False, 390, id="light-390", marks=pytest.mark.by_data),
        pytest.param(False, 1280, id="light-1280"),
        pytest.param(True, 390, id="dark-390"),
        pytest.param(True, 1280, id="dark-1280", marks=pytest.mark.by_data),
    ],
)
def test_axe_finds_nothing(client: httpx.Client, service: Process, width: int, dark: bool) -> None:
    # Drift, in its colour, whatever other tests have sent to this service.
    client.post("/predict/batch", json=[schemas.EXAMPLE] * 5000)
    number = next(f.name for f in FEATURES if f.is_numeric)
    with opened(service, width=width, dark=dark, expected="status of 422") as page:
        expect(page.locator("#drift")).to_contain_text("drifted")
        predict(page)
        expect(page.locator(".winner")).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert findings(page) == []
        field(page, number).fill("-1000000")
        predict(page)
        expect(page.locator("[aria-invalid=true]")).to_be_focused()
        button(page, "Clear").hover()
        assert findings(page) == []
