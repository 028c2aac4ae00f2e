"""The service's page in Chromium, and what it showed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from playwright.sync_api import Locator, Page, expect

from app.features import CLASS_NAMES, CLASSES
from support.browser import chromium, new_page
from support.service import Process

Row = dict[str, Any]


@contextmanager
def opened(service: Process, **options: Any) -> Iterator[Page]:
    """Open the page until the block ends; options are those of `new_page`."""
    with new_page(**options) as page:
        visit(page, service.url)
        yield page


def visit(page: Page, url: str) -> None:
    """Load the page and wait until its form can be used."""
    page.goto(url)
    expect(button(page, "Predict")).to_be_enabled()


def button(page: Page, name: str) -> Locator:
    """Find a button by its text."""
    return page.get_by_role("button", name=name, exact=True)


def field(page: Page, name: str) -> Locator:
    """Find a field's control."""
    return page.locator(f".field [name={name}]")


def box(page: Page, name: str) -> Locator:
    """Find all that belongs to a field."""
    return page.locator(".field").filter(has=page.locator(f"[name={name}]"))


def as_text(value: Any) -> str:
    """Return a value as the form shows it: nothing where it is missing, true and not True."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def fill(page: Page, row: Row) -> None:
    """Enter a whole row; None leaves its field empty."""
    for name, value in row.items():
        control, text = field(page, name), as_text(value)
        if control.evaluate("control => control.localName") == "select":
            control.select_option(text)
        else:
            control.fill(text)


def predict(page: Page) -> tuple[Row, Row]:
    """Press the button; return what was sent and what came back."""
    with page.expect_response("**/predict") as response:
        button(page, "Predict").click()
    sent: Row = response.value.request.post_data_json or {}
    return sent, response.value.json()


def numbers(table: Locator, column: int = 0) -> dict[str, float]:
    """Return a column of the numbers in a table, by the heads of its rows, unrounded."""
    cells = table.locator("tbody tr").evaluate_all(
        "(all, n) => all.map(r => [r.cells[0].textContent, r.querySelectorAll('data')[n]?.value])",
        column,
    )
    return {name: float(value) for name, value in cells if value is not None}


def drawn(page: Page) -> Row:
    """Return the answer that is drawn, without the model's version."""
    target = page.locator("#said .quiet").inner_text()
    value = page.locator(".winner data").get_attribute("value") or ""
    table = page.get_by_role("table", name="Probabilities")
    if not table.count():
        return {target: float(value)}
    named = dict(zip(CLASS_NAMES, CLASSES, strict=True))
    return {target: named[value], "probabilities": numbers(table)}


FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  const found = list.getEntriesByName('first-contentful-paint');
  if (found.length) done(found[0].startTime);
}).observe({type: 'paint', buffered: true}))"""


def first_paint_ms(service: Process, loads: int) -> float:
    """Return the median time until the first text is seen, with nothing in the cache."""
    times = []
    with chromium() as browser:
        for _ in range(loads):
            page = browser.new_page()
            page.goto(service.url)
            times.append(page.evaluate(FIRST_PAINT))
            page.close()
    return float(median(times))
