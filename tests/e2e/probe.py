"""Runs by itself, in a pod or as another user: it listens, or tries many connections at once.

Its text is what `python -c` gets, since no image of ours holds it.
"""

import json
import os
import socket
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

Address = tuple[str, int]
"""Host and port."""
UNOPENED = 9999
"""TCP; no policy opens this port to anybody."""
DNS = 53
"""UDP, and any answer will do."""
PASSES = "passes"
PATIENCE = 3
"""Seconds: what passes takes milliseconds, what is dropped is never answered."""


def listen() -> None:
    """Answer on both ports, until killed."""
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.bind(("", DNS))
    Thread(target=echo, args=[answers], daemon=True).start()
    with socket.create_server(("", UNOPENED)) as server:
        while True:
            server.accept()[0].close()


def echo(answers: socket.socket) -> None:
    while True:
        answers.sendto(*answers.recvfrom(512))


def tried(address: Address) -> str:
    """Return PASSES, or what became of a connection in place of that."""
    kind = socket.SOCK_DGRAM if address[1] == DNS else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(address)
            if kind is socket.SOCK_DGRAM:
                client.send(b"?")
                client.recv(512)
        except OSError as error:
            return type(error).__name__
    return PASSES


def tried_together(addresses: Iterable[Address]) -> list[str]:
    """Try all at once: together they take as long as the slowest."""
    with ThreadPoolExecutor(100) as threads:
        return list(threads.map(tried, addresses))


if __name__ == "__main__":
    if sys.argv[1:]:
        addresses, *user = sys.argv[1:]
        if user:
            os.setuid(int(user[0]))  # only now: Python may be where this user cannot read
        print(json.dumps(tried_together((host, port) for host, port in json.loads(addresses))))
    else:
        listen()
