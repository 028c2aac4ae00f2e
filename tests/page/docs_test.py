"""/docs: read and tried without another host, under the page's policy, below any prefix."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from app import schemas
from app.docs import FOLDER, SWAGGER_UI
from app.page import HEADERS
from support.browser import new_page
from support.model_page import predict, visit
from support.posts import EXAMPLES
from support.proxy import stripping
from support.service import Process, serving

PATHS = ["/docs", *(f"/docs/{path.name}" for path in FOLDER.iterdir() if path.suffix != ".html")]
ASSETS = [*PATHS[1:], *(f"/docs/{name}" for name in SWAGGER_UI)]


@contextmanager
def watched(**options: Any) -> Iterator[Page]:
    """Open a page until the block ends; it may ask nothing of any host but the first."""
    asked: list[str] = []
    with new_page(**options) as page:
        page.on("request", lambda request: asked.append(request.url))
        yield page
        hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
        assert hosts == {urlsplit(page.url).netloc}


def open_docs(page: Page, url: str) -> None:
    page.goto(f"{url}/docs")
    expect(page.locator(".opblock")).not_to_have_count(0)


def tried(page: Page, path: str) -> tuple[int, Any]:
    """Open a route, press "Try it out" and "Execute"; return status and answer."""
    block = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    with page.expect_response(f"**{path}") as response:
        block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        str(response.value.status)
    )
    return response.value.status, response.value.json()


def test_the_policy_is_the_page_s(client: httpx.Client) -> None:
    for path in (*PATHS, *ASSETS):
        head = client.get(path).headers
        for name in ("content-security-policy", "x-content-type-options", "referrer-policy"):
            assert head[name] == HEADERS[name]


def test_a_known_version_is_not_sent_again(client: httpx.Client) -> None:
    for path in ASSETS:
        tag = client.get(path).headers["etag"]
        assert client.get(path, headers={"if-none-match": tag}).status_code == 304


def test_other_documents_and_files_are_not_there(client: httpx.Client) -> None:
    for path in ("/redoc", "/docs/oauth2-redirect", "/docs/index.html", "/docs/favicon-32x32.png"):
        assert client.get(path).status_code == 404


@pytest.mark.by_data
def test_every_route_is_drawn_and_can_be_tried(service: Process) -> None:
    with watched() as page:
        open_docs(page, service.url)
        for path, body in EXAMPLES.items():
            status, answer = tried(page, path)
            assert status == 200
            assert answer == httpx.post(service.url + path, json=body).json()
        assert tried(page, "/healthz") == (200, {"status": "alive"})


def test_all_of_it_opened_breaks_no_rule_of_the_policy(service: Process) -> None:
    with watched() as page:
        open_docs(page, service.url)
        for control in page.locator(".opblock-summary-control").all():
            control.click()
        for tabs in ("Schema", "Expand all"):
            page.get_by_text(tabs, exact=True).evaluate_all("all => all.forEach(b => b.click())")
        expect(page.get_by_role("button", name="Collapse all")).not_to_have_count(0)
        expect(page.locator(".opblock.is-open")).to_have_count(page.locator(".opblock").count())


def test_a_service_that_is_busy_is_asked_again(service: Process) -> None:
    with watched(expected="status of 503") as page:
        busy = {"status": 503, "headers": {"retry-after": "1"}, "json": {"detail": "busy"}}
        page.route("**/openapi.json", lambda route: route.fulfill(**busy), times=1)
        page.goto(f"{service.url}/docs")
        expect(page.locator("#trouble")).to_contain_text("is busy (503)")
        expect(page.locator(".opblock")).not_to_have_count(0)
        expect(page.locator("#trouble")).to_be_empty()


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        pytest.param({}, (), id="unknown"),
        pytest.param({"root_path": "/ml"}, (), id="by setting"),
        pytest.param({"trust_forwarded_prefix": True}, ("x-forwarded-prefix: /ml",), id="by proxy"),
    ],
)
def test_both_pages_work_below_a_proxy_s_prefix(
    settings: dict[str, Any], headers: tuple[str, ...]
) -> None:
    with serving(**settings) as own, stripping("/ml", own, *headers) as proxy:
        with watched() as page:
            open_docs(page, f"{proxy}/ml")
            assert tried(page, "/predict")[0] == 200
            link = page.get_by_role("link", name="openapi.json")
            assert httpx.get(link.evaluate("link => link.href")).json()["paths"]
        # A browser takes the page's relative links for those of `/`, if it shows `/ml`.
        for path in ("/ml/", *(["/ml"] if settings else [])):
            with watched() as page:
                visit(page, proxy + path)
                assert predict(page)[0] == schemas.EXAMPLE
                expect(page.locator(".winner")).to_be_visible()
                expect(page.locator("#state")).to_have_text("answering")
                page.get_by_role("link", name="API").click()
                expect(page.locator(".opblock")).not_to_have_count(0)
