"""The address of the service, as Locust's --host and the canary's --url name it."""

import re
from argparse import ArgumentTypeError
from urllib.parse import urlsplit, urlunsplit

URL = re.compile(r"(?i:https?)://[^\s/?#]+(/[^\s?#]*)?")


def address(text: str) -> str:
    """Return the URL that paths are put after: without a slash at its end.

    Raises ArgumentTypeError that quotes what is no URL of HTTP or HTTPS, or has a query.
    """
    try:
        parts = urlsplit(text)
        if URL.fullmatch(text) and parts.hostname and parts.port != 0:
            return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    except ValueError:
        pass  # a port that is none, or brackets around no address
    raise ArgumentTypeError(f"{text!r} is not a URL such as http://127.0.0.1:8000")
