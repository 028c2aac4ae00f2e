"""Load the model and serve it: `python -m app`."""

import argparse
import sys

from pydantic import ValidationError

from app import logs
from app.card import ArtifactError
from app.main import create_app
from app.model import Model
from app.post import RouteError
from app.server import serve
from app.settings import PREFIX, Settings

BAD_ROUTE = 1
BAD_SETTING = 2
BAD_ARTIFACT = 3
"""uvicorn's own code for a failed start."""


def main() -> int:
    """Run the command line; return its exit code."""
    argparse.ArgumentParser(
        prog="python -m app",
        description="Serve the model. Exits with 1 on a field of schemas.py that is no feature, or "
        "a route that is written another way than docs/a-route.md says, with 2 on a bad setting, "
        "with 3 on a bad artifact.",
        epilog=f"environment variables:\n{Settings.describe()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        for e in error.errors():
            name = PREFIX + str(e["loc"][0]).upper()
            print(f"{name}: {e['msg']}, got {e['input']!r}", file=sys.stderr)
        return BAD_SETTING
    logs.configure(settings.log_level)
    try:
        # Before the port opens: a pod that cannot start is noticed while the old one serves.
        model = Model.load(settings.model_dir)
    except ArtifactError as error:
        print(f"model refused: {error}", file=sys.stderr)
        return BAD_ARTIFACT
    try:
        app = create_app(settings, model)
    except RouteError as error:
        print(f"route refused: {error}", file=sys.stderr)
        return BAD_ROUTE
    serve(app, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
