"""How the process leaves: not ready, all that was accepted answered, nobody waited for."""

import asyncio
import fcntl
import json
import re
import signal
import subprocess
from contextlib import AsyncExitStack, suppress

import httpx
import pytest

from app import schemas
from support.paths import API
from support.raw import connected, post
from support.service import COMMAND, ENDS_WITHIN, environment, serving

GET = b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n"
BATCH = post("/predict/batch", json.dumps([schemas.EXAMPLE] * 1000).encode())
READ = 0.2
"""Seconds for the server to read what was sent."""


def test_on_sigterm_it_serves_on_not_ready_and_asks_clients_to_reconnect() -> None:
    with serving(drain_seconds=2) as service, httpx.Client(base_url=service.url) as client:
        assert client.get("/readyz").status_code == 200
        service.terminate()
        while client.get("/readyz").status_code == 200:
            pass
        assert client.get("/readyz").json() == {"status": "draining"}
        assert client.get("/healthz").status_code == 200
        answer = client.post("/predict", json=schemas.EXAMPLE)
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        assert service.exit_code() == 0


def test_a_request_half_sent_before_sigterm_is_answered() -> None:
    async def play() -> None:
        async with connected(service.port, BATCH[:-1]) as connection:
            await asyncio.sleep(READ)
            service.terminate()
            await asyncio.sleep(0.5)  # the port is closed by now
            answer = await connection.ask(BATCH[-1:])
            assert answer
            assert answer.status == 200
            assert len(answer.json()["predictions"]) == 1000

    with serving(drain_seconds=0) as service:
        asyncio.run(play())
        assert service.exit_code() == 0


def test_idle_connections_do_not_keep_the_process() -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            new = [await stack.enter_async_context(connected(service.port)) for _ in range(20)]
            used = new[:10]
            assert all([await connection.ask(GET) for connection in used])
            service.terminate()
            for connection in new:
                assert await asyncio.wait_for(connection.reader.read(), 10) == b""

    with serving(drain_seconds=0.5, request_seconds=60) as service:
        asyncio.run(play())
        assert service.exit_code() == 0


def test_a_request_that_never_arrives_is_408_and_does_not_keep_the_process() -> None:
    async def play() -> None:
        async with connected(service.port, BATCH[:-1]) as connection:
            await asyncio.sleep(READ)
            service.terminate()
            answer = await connection.answer()
            assert answer
            assert answer.status == 408

    with serving(drain_seconds=0, request_seconds=1) as service:
        asyncio.run(play())
        assert service.exit_code() == 0


def test_ctrl_c_ends_it_without_a_drain_and_without_a_traceback() -> None:
    with serving(drain_seconds=60) as service:
        service.interrupt()
        assert service.exit_code() == 0
        assert "Traceback" not in "".join(service.lines)


def ask_until_it_stands_still(url: str) -> None:
    with suppress(httpx.TimeoutException):
        for _ in range(1000):
            httpx.get(f"{url}/healthz", timeout=1)
        pytest.fail("its log did not stop the service")


def test_sigterm_in_the_middle_of_a_log_line_is_heard() -> None:
    settings = environment(port=0, drain_seconds=0, log_requests=True)
    with subprocess.Popen(
        COMMAND, cwd=API, env=settings, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            # A page holds some twenty lines; then the service stands still within one.
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            addresses = (re.search(r"http://[\d.:]+", line) for line in process.stderr)
            ask_until_it_stands_still(next(filter(None, addresses))[0])
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=ENDS_WITHIN)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Logging error" not in rest
    assert "draining for 0 s" in rest
