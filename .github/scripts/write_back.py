"""Write a tag and digests into the manifest of a branch that others push to as well.

Run it at the root of a clone with its whole history; uncommitted changes in there are lost. Each
attempt begins at the branch as it is then and edits anew, so that there is never anything to merge.
Ends with 0 if this is deployed or something newer already is, with 1 if neither can be reached,
with 2 on a bad argument.
"""

import argparse
import random
import sys
import time

from clone import GitError, git
from deployed import BOT, BOT_EMAIL, History
from fields import BadField, number, output, summarise
from images import Refused, edit, verify
from model_gate import judge
from order import Order, add_options, read
from remote import Again, fetch_and_reset, push
from tags import MANIFEST
from undone import Unanswered

LONGEST_PAUSE = 5
"""Seconds between two attempts."""


def overtaken(order: Order, history: History, branch: str) -> str:
    """Say why this must no longer be deployed; empty where it may."""
    if not history.contains(order.source):
        return f"source {order.source} is no longer in {branch}"
    if newer := history.newer_than(order.source):
        return f"source {order.source} is older than {newer.source}, deployed as {newer.tag}"
    return ""


def check(order: Order, history: History) -> None:
    """Raise Refused where the manifest has other images, or runs a better model since the gate."""
    if order.images.keys() != history.images.keys():
        asked, there = ", ".join(sorted(order.images)), ", ".join(sorted(history.images))
        raise Refused(f"--image: asked for {asked}, where {MANIFEST} has {there}")
    verdict = judge(order.model, history)
    if verdict.worse_by and not order.gate:
        raise Refused(f"another model runs than at the gate: {verdict.text}")


def commit(order: Order, history: History) -> bool:
    """Edit, verify and commit; return False where an earlier run has deployed just this."""
    edit(order.images)
    if verify(order.images):
        identity = ("-c", f"user.name={BOT}", "-c", f"user.email={BOT_EMAIL}")
        author = f"--author={BOT} <{BOT_EMAIL}>"  # or GIT_AUTHOR_NAME would be heard
        git(*identity, "commit", "-q", author, "-F", "-", "--", MANIFEST, stdin=order.message())
        return True
    running = history.running()
    if running is None or running.source != order.source:
        raise Refused(f"{MANIFEST} holds {order.tag}, but not as a deploy of {order.source}")
    return False


def attempt(order: Order, remote: str, branch: str, tries: int) -> tuple[str, str]:
    """Try once; return the result and what to say of it. Raises Again where it may yet work."""

    def say(what: str) -> None:
        print(f"attempt {tries}: {what}", flush=True)

    say(f"{branch} is at {fetch_and_reset(remote, branch)}")
    history = History()
    if why := overtaken(order, history, branch):
        return "superseded", f"superseded: {why}{history.left_out()}"
    check(order, history)
    if commit(order, history):
        say(f"committed {git('rev-parse', 'HEAD').strip()}")
        push(remote, branch)
        say(f"pushed to {branch}")
    else:
        say("an earlier run has pushed it")
    return "deployed", f"deployed {order.tag} in attempt {tries}{history.left_out()}"


def land(order: Order, remote: str, branch: str, seconds: float) -> tuple[str, str]:
    """Try until it is deployed or overtaken. Raises Refused when the seconds are over."""
    deadline, tries, pause = time.monotonic() + seconds, 0, 0.2
    while True:
        tries += 1
        try:
            return attempt(order, remote, branch, tries)
        except Again as error:
            wait = random.uniform(0.5, 1) * pause  # writers that pause alike would meet again
            print(f"attempt {tries}: {error}; again in {wait:.1f} s", flush=True)
            if time.monotonic() + wait > deadline:
                raise Refused(f"gave up after {tries} attempts in {seconds:g} s: {error}") from None
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


def main() -> int:
    """Read the command line and deploy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--remote", default="origin", help="%(default)s")
    parser.add_argument("--branch", default="develop", help="%(default)s")
    parser.add_argument("--deadline", default="300", metavar="SECONDS", help="%(default)s")
    asked = parser.parse_args()
    try:
        order, seconds = read(asked), number("--deadline", asked.deadline)
    except BadField as error:
        print(f"write_back: {error}", file=sys.stderr)
        return 2
    try:
        result, line = land(order, asked.remote, asked.branch, seconds)
    except (BadField, GitError, Refused, Unanswered) as error:
        print(f"write_back: {error}", file=sys.stderr)
        summarise(f"Not deployed: {error}")
        return 1
    print(line)
    output(result=result)
    summarise(f"{line[0].upper()}{line[1:]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
