"""Ask Docker Hub whether a token may push the images, before the minutes of tests and builds.

Who asks for a token that may push gets one in any case; what it may really do stands in its claim
`access` (distribution's specification, spec/auth/jwt.md). Where Docker Hub gives no answer, or one
that cannot be read, nothing is known, and the push itself will tell: that is a warning.
"""

import base64
import json
import os
import sys
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

AUTH = "https://auth.docker.io/token"
SECONDS = 15
ADVICE = (
    "make an access token with Read & Write in Docker Hub's account settings, and set"
    " DOCKERHUB_USERNAME and DOCKERHUB_TOKEN in the environment dockerhub"
)


class Unknown(Exception):
    """Docker Hub's answer says nothing. One line that says why."""


class Refused(Exception):
    """The push would be refused. One line that says why, and what to do."""


def ask(url: str, user: str, secret: str, repositories: list[str]) -> str:
    """Return a token of Docker Hub's for the pushes."""
    scopes = [("scope", f"repository:{name}:pull,push") for name in repositories]
    query = urlencode([("service", "registry.docker.io"), *scopes])
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    request = Request(f"{url}?{query}", headers={"Authorization": f"Basic {basic}"})  # noqa: S310  # AUTH
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  # AUTH, or what a test sets
            return str(json.load(answer)["token"])
    except HTTPError as error:
        if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Refused(f"Docker Hub does not let this user and token in: {ADVICE}") from None
        raise Unknown(f"Docker Hub answers {error.code}") from None
    except OSError as error:
        raise Unknown(f"Docker Hub does not answer: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise Unknown("Docker Hub answers without a token") from None


def granted(token: str) -> dict[str, set[str]]:
    """Return what a token may do with each repository."""
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        access: list[dict[str, Any]] = json.loads(base64.urlsafe_b64decode(padded))["access"]
        return {str(entry["name"]): set(entry["actions"]) for entry in access}
    except (IndexError, KeyError, TypeError, ValueError):
        raise Unknown("Docker Hub's token does not say what it may do") from None


def check(url: str, user: str, secret: str, images: list[str]) -> None:
    """Raise Refused unless all images may be pushed, Unknown where that cannot be told."""
    allowed = granted(ask(url, user, secret, [f"{user}/{image}" for image in images]))
    short = [image for image in images if "push" not in allowed.get(f"{user}/{image}", ())]
    if short:
        raise Refused(f"DOCKERHUB_TOKEN may not push {' and '.join(short)}: {ADVICE}")


def main() -> int:
    """Check the images that the command line names."""
    url = os.environ.get("DOCKER_HUB_AUTH", AUTH)
    user, secret = (os.environ[f"DOCKERHUB_{name}"] for name in ("USERNAME", "TOKEN"))
    try:
        check(url, user, secret, sys.argv[1:])
    except Refused as error:
        print(f"::error::{error}")
        return 1
    except Unknown as error:
        print(f"::warning::{error}; whether the images may be pushed shows at the push")
    return 0


if __name__ == "__main__":
    sys.exit(main())
