"""What people look at, asked over HTTP: Prometheus, and the UI of Locust's master."""

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import httpx

from support.waiting import wait_until

COUNTED_WITHIN = 6
"""Seconds: Locust's workers report every 3 s, its UI remembers an answer for 2 s; 1 s of grace."""


class Prometheus:
    """A running Prometheus."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http, self.url = http, url

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the series of an instant query. Raises RuntimeError with Prometheus' message."""
        return self._ask("query", query=expr)

    def query_range(self, expr: str, seconds: float, step: float = 5) -> list[dict[str, Any]]:
        """Return the series of a query over the last seconds."""
        now = time.time()
        return self._ask("query_range", query=expr, start=now - seconds, end=now, step=step)

    def _ask(self, kind: str, **params: Any) -> list[dict[str, Any]]:
        answer = self._http.get(f"{self.url}/api/v1/{kind}", params=params).json()
        if answer["status"] != "success":
            raise RuntimeError(f"{params['query']}: {answer['error']}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expr: str) -> float | None:
        """Return the one value of an expression, None if it has no series."""
        series = self.query(expr)
        assert len(series) <= 1, f"{expr}: {len(series)} series"
        return float(series[0]["value"][1]) if series else None

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {s["metric"]["alertname"] for s in self.query('ALERTS{alertstate="firing"}')}

    def targets(self, job: str) -> dict[str, str]:
        """Return the health of a job's targets by pod."""
        answer = self._http.get(f"{self.url}/api/v1/targets", params={"state": "active"}).json()
        found = answer["data"]["activeTargets"]
        return {t["labels"]["pod"]: t["health"] for t in found if t["labels"]["job"] == job}


class Locust:
    """A running master."""

    def __init__(self, http: httpx.Client, url: str, workers: int) -> None:
        self._http, self.url, self._workers = http, url, workers

    def ask(self, path: str, form: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask as the UI does; an empty answer while it does not listen."""
        try:
            url = f"{self.url}/{path}"
            answer = self._http.get(url) if form is None else self._http.post(url, data=form)
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def workers(self, state: str) -> int:
        """Return how many workers the master sees in a state."""
        return len(self.users().get(state, []))

    def users(self) -> dict[str, list[int]]:
        """Return how many users each worker runs, by the workers' state."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for worker in self.ask("stats/requests").get("workers", []):
            found[worker["state"]].append(worker["user_count"])
        return found

    def sent(self) -> int:
        """Return how many requests the run has sent so far."""
        *stats, _aggregated = self.ask("stats/requests")["stats"]
        return sum(entry["num_requests"] for entry in stats)

    def failures(self) -> dict[str, int]:
        """Return how often each failure of the run occurred, by what it was."""
        return {one["error"]: one["occurrences"] for one in self.ask("stats/requests")["errors"]}

    def swarm(self, users: int, **form: object) -> None:
        """Start a run, or change the users of one that runs; its counts begin at zero or go on."""
        answer = self.ask("swarm", {"user_count": users, "spawn_rate": users, **form})
        assert answer["success"], answer
        started = ("spawning", "running")
        wait_until("a run", lambda: self.ask("stats/requests")["state"] in started)

    def stop(self) -> dict[str, int]:
        """End the run; return Locust's count of requests by name once all workers reported."""
        self.ask("stop", {})
        wait_until("stopped", lambda: self.ask("stats/requests")["state"] == "stopped")
        wait_until("workers are back", lambda: self.workers("ready") == self._workers)
        time.sleep(COUNTED_WITHIN)
        *stats, _aggregated = self.ask("stats/requests")["stats"]
        return {entry["name"]: entry["num_requests"] for entry in stats}
