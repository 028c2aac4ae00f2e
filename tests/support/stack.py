"""All that runs beside the service, as processes: what Kubernetes would start, and restarts.

Two services behind one address, a Locust master with two workers, the canary, and Prometheus with
the repository's own configuration, of which only the discovery is replaced.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import yaml

from support.clients import Locust, Prometheus
from support.paths import API, LOADTESTER, PROMETHEUS
from support.ports import free_port
from support.service import COMMAND, environment
from support.waiting import wait_until

LOCUST = (str(Path(sys.executable).parent / "locust"), "-f", "locust.py")
SCRAPE_SECONDS = 5


class Deployment:
    """A command that is started again whenever it ends, a second later, as Kubernetes does."""

    def __init__(
        self, command: Sequence[str], cwd: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._command, self._cwd, self._env, self.log = command, cwd, env, log
        self._closed = threading.Event()
        self._start()
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env={**os.environ, **(self._env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _keep(self) -> None:
        while True:
            self.process.wait()
            if self._closed.wait(1):
                return
            self._start()

    def kill(self) -> None:
        """End the process as it is, without a word."""
        self.process.kill()

    def close(self) -> int:
        """End the process as Kubernetes does, for good; return its exit code."""
        self._closed.set()
        self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._keeper.join()
        return code


class Balancer:
    """One address for several services: each new connection goes to the next one."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", next(self._ports))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    def close(self) -> None:
        """Break all connections and stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._server.close()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other side is gone, and so is this one now
    finally:
        writer.close()


class Stack:
    """What runs, and how to ask it."""

    def __init__(self, folder: Path, extra_targets: Sequence[str] = (), **settings: object) -> None:
        """Start all; settings are the services'. `extra_targets` are more of Prometheus'."""
        self._folder = folder
        self._exit = ExitStack()
        names = ("api0", "api1", "ui", "locust", "rpc", "canary", "prometheus")
        self.ports = {name: free_port() for name in names}
        self.http = self._exit.enter_context(httpx.Client(timeout=10))
        self.prometheus = Prometheus(self.http, self.url("prometheus"))
        self.locust = Locust(self.http, self.url("ui"), workers=2)
        self.running: dict[str, Deployment] = {}
        try:
            self._serve(settings)
            self._load()
            self._watch(extra_targets)
        except BaseException:
            self.close()
            raise

    def start(
        self, name: str, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Start a process and keep it running."""
        self.running[name] = Deployment(command, cwd, self._folder / f"{name}.log", env)

    def url(self, name: str) -> str:
        """Return the address of a port by its name."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def answers(self, url: str) -> bool:
        """Tell whether a GET is answered with 200."""
        try:
            return self.http.get(url).status_code == 200
        except httpx.TransportError:
            return False

    def _serve(self, settings: Mapping[str, object]) -> None:
        for name in ("api0", "api1"):
            env = environment(**{"port": self.ports[name], "drain_seconds": 0, **settings})
            self.start(name, COMMAND, API, env)
        for name in ("api0", "api1"):
            wait_until(name, lambda name=name: self.answers(f"{self.url(name)}/readyz"))  # type: ignore[misc]
        balancer = Balancer([self.ports["api0"], self.ports["api1"]])
        self._exit.callback(balancer.close)
        self.ports["api"] = balancer.port

    def _load(self) -> None:
        master = (
            *("--master", "--master-bind-port", str(self.ports["rpc"]), "--class-picker"),
            *("--host", self.url("api"), "--stop-timeout", "2", "--enable-rebalancing"),
            *("--web-host", "127.0.0.1", "--web-port", str(self.ports["ui"])),
            *("--metrics-port", str(self.ports["locust"])),
        )
        worker = ("--worker", "--master-host", "127.0.0.1", "--master-port", str(self.ports["rpc"]))
        self.start("locust", (*LOCUST, *master), LOADTESTER)
        for n in range(2):
            self.start(f"worker{n}", (*LOCUST, *worker), LOADTESTER)
        port = str(self.ports["canary"])
        canary = (sys.executable, "canary.py", "--url", self.url("api"), "--metrics-port", port)
        self.start("canary", canary, LOADTESTER)
        wait_until("two workers", lambda: self.locust.workers("ready") == 2)

    def _watch(self, extra_targets: Sequence[str]) -> None:
        targets = [
            *(f"{job}=127.0.0.1:{self.ports[name]}" for job, name in (
                ("api", "api0"), ("api", "api1"), ("locust", "locust"), ("canary", "canary"),
                ("prometheus", "prometheus"),
            )),
            *extra_targets,
        ]  # fmt: skip
        config = self._folder / "prometheus.yaml"
        made = subprocess.run(
            (sys.executable, PROMETHEUS / "static_config.py", *targets),
            check=True,
            capture_output=True,
            text=True,
        )
        config.write_text(made.stdout)
        program = shutil.which("prometheus")
        assert program, "prometheus is not on the PATH: make setup"
        self.start(
            "prometheus",
            (
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
                "--log.level=warn",
            ),
            self._folder,
        )
        wait_until("prometheus", lambda: self.answers(f"{self.url('prometheus')}/-/ready"))
        wanted = len(targets)
        wait_until("all targets up", lambda: self.prometheus.value("sum(up)") == wanted)

    def close(self) -> None:
        """End everything."""
        for running in reversed(self.running.values()):
            running.close()
        self._exit.close()


@contextmanager
def running(folder: Path, extra_targets: Sequence[str] = (), **settings: object) -> Iterator[Stack]:
    """Run the whole stack until the block ends."""
    stack = Stack(folder, extra_targets, **settings)
    try:
        yield stack
    finally:
        stack.close()


def configuration() -> dict[str, Any]:
    """Return prometheus.yaml."""
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
    return loaded
