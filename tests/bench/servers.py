"""What /predict is compared with; each is started as `uvicorn servers:NAME` with stock flags."""

from typing import Any

ANSWER = b'{"species":"Adelie","probabilities":{"Adelie":0.999999},"model_version":"000000000000"}'


async def bare(_scope: Any, receive: Any, send: Any) -> None:
    """Answer every request with the same bytes: what uvicorn alone takes."""
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})
