"""The ports of what `make run` starts: where they are, and who has one that is taken."""

import errno
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

LOOPBACK, ALL = "127.0.0.1", "0.0.0.0"  # noqa: S104 -- where two of them listen, not a choice made here


@dataclass(frozen=True)
class Port:
    """A port, the variable that moves it, and what listens on it."""

    variable: str
    default: int
    process: str
    """Name in the Procfile."""
    what: str
    host: str = LOOPBACK


GRAFANA = Port("GRAFANA_PORT", 3000, "grafana", "Grafana")
PORTS = (
    Port("PORT", 8000, "api", "the API"),
    Port("LOCUST_WEB_PORT", 8089, "locust", "Locust's UI"),
    Port("LOCUST_METRICS_PORT", 9646, "locust", "Locust's metrics", ALL),
    Port("CANARY_METRICS_PORT", 9647, "canary", "the canary's metrics", ALL),
    Port("PROMETHEUS_PORT", 9090, "prometheus", "Prometheus"),
    Port("ALERTMANAGER_PORT", 9093, "alertmanager", "Alertmanager"),
    Port("ALERT_LOG_PORT", 9648, "alerts", "what prints alerts", ALL),
    GRAFANA,
)


def of(processes: Collection[str]) -> list[Port]:
    """Return the ports that these processes listen on."""
    return [port for port in PORTS if port.process in processes]


def number(port: Port, environment: Mapping[str, str]) -> int:
    """Return where a port is. Raises ValueError that names the variable when it holds no port."""
    text = environment.get(port.variable) or str(port.default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"{port.variable}={text} is not a port: it takes a number from 1 to 65535")
    return int(text)


def refused(numbers: Mapping[Port, int]) -> Iterator[str]:
    """Yield a line for each port that cannot be had, with the variable that moves it."""
    for at in dict.fromkeys(numbers.values()):
        wanted = [port for port, number in numbers.items() if number == at]
        if len(wanted) > 1:
            yield f"{' and '.join(p.variable for p in wanted)} have the same value {at}: change one"
        elif error := failure(wanted[0].host, at):
            taken = error.errno == errno.EADDRINUSE
            yield (
                f"port {at} of {wanted[0].what} "
                + (f"is taken by {owner(at)}: " if taken else f"cannot be had: {error.strerror}: ")
                + f"move ours with `make run {wanted[0].variable}=...`"
            )


def failure(host: str, number: int) -> OSError | None:
    """Return what a server that starts now would fail with, None if it would have its port."""
    with socket.socket() as server:
        # Servers set it, so that connections which ended a moment ago do not keep the port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, number))
        except OSError as error:
            return error
    return None


def owner(number: int) -> str:
    """Return name and pid of the process that listens on a port, where this user may see it."""
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):  # another user's process, or one that has just ended
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == number:
                    return f"{process.info['name']} (pid {process.pid})"
    return "a process of another user"
