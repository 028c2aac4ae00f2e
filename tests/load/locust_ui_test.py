"""Locust's UI in a real browser, on the whole stack."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from support.browser import new_page
from support.stack import Stack, running

pytestmark = pytest.mark.first

COLOURED_ROWS = """() => [...document.querySelectorAll("canvas")].map(canvas => {
  const {width, height} = canvas, legend = Math.round(height / 6), rows = new Set();
  const {data} = canvas.getContext("2d").getImageData(0, legend, width, height - legend);
  for (let i = 0; i < data.length; i += 4) {
    const rgb = data.slice(i, i + 3);
    if (Math.max(...rgb) - Math.min(...rgb) > 64) rows.add(Math.floor(i / 4 / width));
  }
  return rows.size;
})"""
"""By chart, how many rows of pixels a line crosses: a few if it is flat; all else is grey."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    """Open Locust's page with all options unfolded."""
    # Within the stack's life: Playwright's event loop must end before the stack's does.
    with new_page() as page:
        page.goto(stack.url("ui"))
        page.get_by_role("button", name="Start", exact=True).wait_for()
        for options in page.get_by_role("button", name=re.compile("options|parameters")).all():
            options.click()
        yield page


def test_the_form_offers_each_shape(page: Page) -> None:
    shapes = page.get_by_label("Shape Class").locator("option")
    expect(shapes).to_have_text(["Default", "Ramp", "Spike", "Steady"])


def test_a_host_that_is_no_address_is_refused_before_the_run(stack: Stack) -> None:
    answer = stack.locust.ask("swarm", {"user_count": 1, "spawn_rate": 1, "host": "ftp://gateway"})
    said = "Host: 'ftp://gateway' is not a URL such as http://127.0.0.1:8000"
    assert (answer["success"], answer["message"]) == (False, said)
    assert stack.locust.ask("stats/requests")["state"] == "ready"


def test_a_ramp_is_started_and_watched_and_stopped_in_the_browser(stack: Stack, page: Page) -> None:
    state = page.get_by_role("banner")
    page.get_by_label("Shape Class").select_option("Ramp")
    page.get_by_label("Number of users").fill("20")
    page.get_by_label("Ramp up").fill("10")
    page.get_by_label("Run time").fill("2m")
    host = page.get_by_label("Host")
    host.fill(f"{host.input_value()}/")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(state).to_contain_text("Statusrunning")
    for users in (2, 4):  # without the shape: 10, then 20
        expect(state).to_contain_text(f"Users{users}Workers2")

    for path in ("/predict", "/predict/batch"):
        row = page.get_by_role("row").filter(has=page.get_by_text(path, exact=True))
        requests, failures = (row.get_by_role("cell").nth(n) for n in (2, 3))
        expect(requests).to_have_text(re.compile("^[1-9]"))
        expect(failures).to_have_text("0")

    page.get_by_role("tab", name="Charts").click()
    page.wait_for_function(f"() => ({COLOURED_ROWS})().filter(rows => rows > 50).length === 3")

    page.get_by_role("button", name="Stop", exact=True).click()
    # A stop that meets a spawn: the master then gives its workers a minute.
    expect(state).to_contain_text("Statusstopped", timeout=75_000)
    assert stack.locust.ask("stats/requests")["state"] == "stopped"
