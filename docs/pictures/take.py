"""Take the README's pictures of what runs on a cluster, in three minutes.

Run it with KUBECONFIG and NODE_IP set, on a deployment that is Healthy and under no load.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Locator, Page, expect

from support.argocd_server import Server, forwarded
from support.browser import new_page
from support.clients import Locust
from support.cluster import API_PORT, LOCUST_PORT, Application, KubectlError, answers, ready, url
from support.model_page import predict, visit
from support.paths import ROOT
from support.waiting import wait_until

PICTURES = ROOT / "docs/pictures"
WIDTH, MARGIN = 1280, 16
"""Pixels; the margin lies below what a picture ends with."""
USERS, SECONDS = 50, 180
"""Of the load: `Ramp`, whose ten steps are seen in every chart."""
ENOUGH = 2500
"""Requests after which to take the pictures: two minutes, as long as the page looks back."""
RUNNING = ("Deployment", "ReplicaSet", "Pod", "Job")
"""Kinds to take of Argo CD's tree: all of it is 45 rows, too many to be read at once."""
ENDS = """nodes => ['right', 'bottom'].map(
  side => Math.max(...nodes.map(node => node.getBoundingClientRect()[side])))"""


def say(words: str) -> None:
    """Tell at once how far it is."""
    print(words, flush=True)


def check() -> None:
    """End with what is missing. Raises KubectlError where there is no cluster or application."""
    unset = [name for name in ("KUBECONFIG", "NODE_IP") if not os.environ.get(name)]
    if unset:
        sys.exit(f"not set: {', '.join(unset)}")
    if not shutil.which("kubectl"):
        sys.exit("not on the PATH: kubectl")
    application = Application()
    health = application.health()
    if health != "Healthy":
        sys.exit(f"application {application.name}: {health}, not Healthy")
    for port, path in ((API_PORT, "/readyz"), (LOCUST_PORT, "/")):
        if not answers(port, path):
            sys.exit(f"does not answer: {url(port)}{path}")


@contextmanager
def loaded(locust: Locust) -> Iterator[None]:
    """Make load until the block ends. End the program if somebody else does so already."""
    state = locust.ask("stats/requests")["state"]
    if state in ("spawning", "running"):
        sys.exit(f"{locust.url}: {state} already; stop that run first")
    say(f"Locust: up to {USERS} users")
    locust.swarm(USERS, shape_class="Ramp", run_time=f"{SECONDS}s")
    try:
        yield
    finally:
        locust.stop()


def resize(page: Page, height: int) -> None:
    """Change the window."""
    page.set_viewport_size({"width": WIDTH, "height": height})


def bottom(last: Locator) -> int:
    """Return the height of a window that ends a little below an element."""
    end: float = last.evaluate("e => e.getBoundingClientRect().bottom + scrollY")
    return round(end) + MARGIN


def save(page: Page, name: str) -> None:
    """Write a picture of the window once two in a row are the same."""
    taken = [b""]

    def stands_still() -> bool:
        taken.append(page.screenshot(animations="disabled"))
        return taken[-1] == taken[-2]

    wait_until(f"{name} stands still", stands_still)
    file = PICTURES / f"{name}.png"
    file.write_bytes(taken[-1])
    say(f"{file.relative_to(ROOT)}: {len(taken[-1]) / 1000:.0f} kB")


def take_page(address: str, locust: Locust) -> None:
    """Take the service's page, its answer to the example and the load so far."""
    with new_page(width=WIDTH) as page:
        visit(page, address)
        predict(page)
        expect(page.locator("#answer").get_by_role("table")).to_be_visible()
        wait_until(f"{ENOUGH} requests", lambda: locust.sent() >= ENOUGH, SECONDS)
        resize(page, bottom(page.locator("#traffic")))
        save(page, "page")


def take_locust(address: str) -> None:
    """Take the charts of the run."""
    with new_page(width=WIDTH) as page:
        page.goto(address)
        page.get_by_role("tab", name="Charts").click()
        expect(page.get_by_role("banner")).to_contain_text("Statusrunning")
        resize(page, bottom(page.get_by_role("button", name="About")))
        save(page, "locust")


def sign_in(page: Page, server: Server, path: str) -> None:
    """Open a path of Argo CD's web UI as admin; the page must ignore its certificate."""
    page.goto(f"https://127.0.0.1:{server.port}{path}")
    page.get_by_role("textbox").first.fill("admin")
    page.locator("input[type=password]").fill(server.password)
    page.get_by_role("button", name="Sign In").click()


def take_argocd(server: Server) -> None:
    """Take the tree of what runs, from the application to the last pod.

    It lacks the commit's author and message while the repository does not answer Argo CD.
    """
    kinds = ",".join(f"kind:{kind}" for kind in RUNNING)
    with new_page(ignore_https_errors=True, width=WIDTH, expected="status of 500") as page:
        sign_in(page, server, f"/applications/argocd/mlops?view=tree&resource={kinds}")
        for pod in ready("api"):
            expect(page.get_by_text(pod, exact=True).first).to_be_visible()
        page.locator(".sidebar__collapse-button").click()
        nodes = page.locator(".application-resource-tree__node")

        def fits() -> bool:
            right: float = nodes.evaluate_all(ENDS)[0]
            if right > WIDTH:
                page.get_by_title("Zoom out").click()
            return right <= WIDTH

        wait_until("the tree is as narrow as the window", fits)
        page.mouse.move(0, 0)  # off the button, which would stay dark
        resize(page, round(nodes.evaluate_all(ENDS)[1]) + MARGIN)
        save(page, "argocd")


def main() -> None:
    """Check what is needed, take what needs no load, make load, take the rest."""
    try:
        check()
        PICTURES.mkdir(exist_ok=True)
        with forwarded() as server:
            take_argocd(server)
    except KubectlError as error:
        sys.exit(f"kubectl: {error}")
    with httpx.Client(timeout=10) as http:
        locust = Locust(http, url(LOCUST_PORT), workers=2)
        with loaded(locust):
            take_page(url(API_PORT), locust)
            take_locust(locust.url)


if __name__ == "__main__":
    main()
