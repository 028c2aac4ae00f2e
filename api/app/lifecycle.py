"""Whether this process wants traffic."""


class Lifecycle:
    """Ready from the start: the model is loaded before the port opens. Draining at the end."""

    def __init__(self) -> None:
        self.ready = True
        self.closing: list[tuple[bytes, bytes]] = []
        """Header of every answer that makes a keep-alive client reconnect, and so elsewhere."""

    def drain(self) -> None:
        """Ask the load balancer and the clients to go; requests are served on."""
        self.ready = False
        self.closing = [(b"connection", b"close")]
