"""Two releases, asked the same labelled rows at the same time: what each of them answers."""

import asyncio
import logging
import threading
from collections import Counter as Tally
from collections.abc import Iterator
from itertools import islice, product
from typing import NamedTuple

import httpx
from prometheus_client import CollectorRegistry, Counter

from holdout import PATH, Holdout, Label, Row, WrongAnswer

RELEASE = "x-release"
OUTCOMES = ("correct", "wrong", "error")
SECONDS = 2
"""Time for an answer. Pairs do not wait for each other, so a release that hangs slows none."""
AT_REST = 1.0
"""Seconds between two pairs as long as both sides are one release."""
KEPT = 20
"""Pairs of releases that are exported; months of rollouts would fill Prometheus."""

FAULTS = (httpx.HTTPError, RecursionError, TimeoutError, ValueError, WrongAnswer)
"""What a service can do to a client."""

log = logging.getLogger("canary")


class Answer(NamedTuple):
    """What came back, and of which release; that is empty where no answer has ever told it."""

    release: str
    outcome: str


class Pair(NamedTuple):
    """Two releases that are compared."""

    new: str
    stable: str


class Side:
    """A service of which every pod is of one release."""

    def __init__(self, name: str, url: str) -> None:
        self.release = ""
        """The last that answered."""
        self.holdout: Holdout | None = None
        self._holdout_of = ""
        self._name = name
        self._asked = self._told = 0
        self._complaint = ""
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=url, timeout=SECONDS, limits=limits)

    async def learn(self) -> None:
        """Get the holdout, if that is possible."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._holdout(self.release)
        except FAULTS as error:
            self._complain(error)

    async def ask(self, row: Row, label: Label, labelled: Holdout) -> Answer:
        """Send a row of a holdout; return what came back, judged by its label."""
        self._asked += 1
        turn, release, outcome = self._asked, "", "error"
        try:
            async with asyncio.timeout(SECONDS):  # httpx's begins anew with every byte
                response = await self._client.post("/predict", json=row)
                release = response.headers.get(RELEASE, "")
                if not release:
                    raise WrongAnswer(f"no {RELEASE} in the answer: set SERVING_RELEASE there")
                # Before the status is looked at: it may refuse the rows of the release before it.
                holdout = await self._holdout(release)
                found = _checked(response.raise_for_status().json(), holdout, labelled)
            outcome = "correct" if labelled.is_correct(found, label) else "wrong"
        except FAULTS as error:
            self._complain(error)
        if release and turn > self._told:  # a late answer does not bring the release of before back
            self._told = turn
            if release != self.release:
                self.release, self._complaint = release, ""
        return Answer(release or self.release, outcome)

    async def _holdout(self, release: str) -> Holdout:
        """Return the holdout of a release."""
        if self.holdout is None or self._holdout_of != release:
            response = await self._client.get(PATH)
            self.holdout = Holdout.parse(response.raise_for_status().json())
            self._holdout_of = response.headers.get(RELEASE, "")
        return self.holdout

    def _complain(self, error: Exception) -> None:
        """Log an error, unless it is the release's last one again."""
        why = str(error) or f"not within {SECONDS} s"
        line = f"{self._name} {self._client.base_url}: {type(error).__name__}: {why}"
        if line != self._complaint:
            self._complaint = line
            log.info(line)


def _checked(answer: object, holdout: Holdout, labelled: Holdout) -> Label:
    """Return the class or the value of an answer that keeps to its own release's contract.

    A model that knows a class more than the stable one is not wrong for that. But whoever reads the
    answers looks for the name of the stable one's target.
    """
    if holdout.target != labelled.target:
        raise WrongAnswer(f"target: {holdout.target}, not {labelled.target}")
    return holdout.check(answer)


class Comparison:
    """Asks the stable and the new release; counts their answers while they are two."""

    def __init__(
        self, stable_url: str, new_url: str, rate: float, registry: CollectorRegistry
    ) -> None:
        self._urls = (new_url, stable_url)
        self._rate = rate
        self._rows = Counter(
            "canary_compared_rows",
            "Rows sent to two releases, by what each of them answered",
            ["release", "stable_release", "new", "stable"],
            registry=registry,
        )
        self._tallies: dict[Pair, Tally[tuple[str, str]]] = {}
        self._compared: Pair | None = None
        self._labelled: Holdout | None = None

    def run(self, ended: threading.Event) -> None:
        """Compare until the event; whatever either side does meanwhile."""
        asyncio.run(self._run(ended))

    async def _run(self, ended: threading.Event) -> None:
        clock = asyncio.get_running_loop().time
        self._new, self._stable = map(Side, ("new", "stable"), self._urls)
        asked: set[asyncio.Task[None]] = set()
        due = clock()
        while not ended.is_set():
            task = asyncio.create_task(self._ask_both())
            asked.add(task)
            task.add_done_callback(asked.discard)
            due = max(due + (1 / self._rate if self._compared else AT_REST), clock())
            await asyncio.sleep(due - clock())
        self._turn_to(None)

    async def _ask_both(self) -> None:
        """Send the next row to both sides, and count what they answer."""
        if self._stable.holdout is None:
            await self._stable.learn()
        if self._stable.holdout is None:
            return
        if self._stable.holdout is not self._labelled:
            self._labelled = self._stable.holdout
            self._next: Iterator[tuple[Row, Label]] = self._labelled.shuffled()
        (row, label), labelled = next(self._next), self._labelled
        new, stable = await asyncio.gather(
            *(side.ask(row, label, labelled) for side in (self._new, self._stable))
        )
        self._turn_to(two_of(self._new.release, self._stable.release))
        pair = two_of(new.release, stable.release)
        if pair and pair in self._tallies:
            self._tallies[pair][new.outcome, stable.outcome] += 1
            self._rows.labels(*pair, new.outcome, stable.outcome).inc()

    def _turn_to(self, pair: Pair | None) -> None:
        """Begin to compare two releases, or to ask one now and then."""
        before, self._compared = self._compared, pair
        if pair == before:
            return
        if before:
            log.info("compared release %s with %s: %s", *before, in_words(self._tallies[before]))
        if pair:
            log.info("comparing release %s with %s", *pair)
            if pair not in self._tallies:
                self._export(pair)

    def _export(self, pair: Pair) -> None:
        """Export the counts of a pair, as zero; and the oldest pair's no longer."""
        self._tallies[pair] = Tally()
        for outcomes in product(OUTCOMES, OUTCOMES):
            self._rows.labels(*pair, *outcomes)  # a rate can't see the step from nothing to one
        for old in list(islice(self._tallies, max(0, len(self._tallies) - KEPT))):
            del self._tallies[old]
            for outcomes in product(OUTCOMES, OUTCOMES):
                self._rows.remove(*old, *outcomes)


def two_of(new: str, stable: str) -> Pair | None:
    """Return the pair of two releases that are known and differ, else None."""
    return Pair(new, stable) if new and stable and new != stable else None


def in_words(tally: Tally[tuple[str, str]]) -> str:
    """Return what each side answered."""
    return "; ".join(
        f"{side} " + ", ".join(
            f"{sum(n for key, n in tally.items() if key[place] == outcome)} {outcome}"
            for outcome in OUTCOMES
        )
        for place, side in enumerate(("new", "stable"))
    )  # fmt: skip
