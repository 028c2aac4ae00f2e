"""The path below which clients see the service, where a proxy takes it off before it asks."""

from collections.abc import Callable

from starlette.datastructures import Headers

from app.settings import Settings, is_prefix

Prefix = Callable[[Headers], str]
"""Tells, of a request's headers, what links have to begin with: `/ml`, or nothing."""


def prefix_of(settings: Settings) -> Prefix:
    """Return what tells the prefix: the trusted proxy's header, else the setting.

    What the header holds goes into the page's links, so anything but a path is as good as none.
    """

    def trusted(head: Headers) -> str:
        told = head.get("x-forwarded-prefix", "").rstrip("/")
        return told if told and is_prefix(told) else settings.root_path

    return trusted if settings.trust_forwarded_prefix else lambda _: settings.root_path
