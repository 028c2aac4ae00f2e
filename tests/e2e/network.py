"""Connections between pods, as a table has them, and what becomes of each."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from e2e.probe import DNS, PASSES, UNOPENED, Address
from e2e.stand_ins import listed, tried_by, tried_by_nobody
from support.cluster import is_ready, kubectl, pods

MACHINE = "this machine"
NODE = "the node"
KNOWN_WITHIN = 20
"""Seconds until whoever enforces policies has heard of a new pod, or of a new policy."""


class Row(NamedTuple):
    """A connection: to a pod as `NAMESPACE/NAME`, to a service by its name, or to the node."""

    who: str
    to: str
    port: int
    passes: bool

    def __str__(self) -> str:
        return f"{self.who} to {self.to}:{self.port} {'passes' if self.passes else 'is refused'}"


def rows(who: str, to: str, port: int, passes: bool) -> list[Row]:
    """Return a row for each of those who are named, with commas between them."""
    return [Row(one, to, port, passes) for one in who.split(", ")]


Outcomes = dict[Row, str]


def is_stand_in(row: Row) -> bool:
    """Tell whether a row leads to a stand-in."""
    return row.port in (UNOPENED, DNS)


class Network:
    """The stand-ins and our own pods, and what becomes of connections between them."""

    def __init__(self, ours: dict[str, str], stand_ins: dict[str, str]) -> None:
        self._ours, self._stand_ins = ours, stand_ins

    def _address(self, row: Row) -> Address:
        if row.to == NODE:
            return os.environ["NODE_IP"], row.port
        there = self._stand_ins if is_stand_in(row) else self._ours
        return there.get(row.to, row.to), row.port

    def outcomes(self, rows: list[Row]) -> Outcomes:
        """Try all connections at once."""
        by_who: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_who[row.who].append(row)
        with ThreadPoolExecutor(len(by_who)) as threads:
            found = threads.map(self._outcomes_of, by_who, by_who.values())
            return {row: outcome for part in found for row, outcome in part.items()}

    def _outcomes_of(self, who: str, rows: list[Row]) -> Outcomes:
        addresses = [self._address(row) for row in rows]
        found = tried_by_nobody(addresses) if who == MACHINE else tried_by(who, addresses)
        return dict(zip(rows, found, strict=True))

    def outcomes_once(self, right: Callable[[Outcomes], bool], rows: list[Row]) -> Outcomes:
        """Try until all is right, or nothing new can be heard of: then return it as it is."""
        deadline = time.monotonic() + KNOWN_WITHIN
        while not right(found := self.outcomes(rows)) and time.monotonic() < deadline:
            pass
        return found


def address_of_ours(place: str) -> str:
    """Return the address of a pod that works."""
    namespace, _, name = place.partition("/")
    working = [pod for pod in pods(name, namespace) if is_ready(pod)]
    return str(working[0]["status"]["podIP"])


def wrong(outcomes: Outcomes) -> list[str]:
    """Return a line for each connection that did not do as its row says."""
    return [
        f"{row}: {outcome}"
        for row, outcome in outcomes.items()
        if (outcome == PASSES) is not row.passes
    ]


@contextmanager
def all_open() -> Iterator[None]:
    """Let every pod of ours call and be called by all: policies only ever add to what is let."""
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{}],
        "egress": [{}],
    }
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": spec}
    policies = listed(
        *({**kind, "metadata": {"name": "all-open", "namespace": ns}} for ns in ("mlops", "argocd"))
    )
    try:
        kubectl("apply", "-f", "-", stdin=policies)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=policies)
