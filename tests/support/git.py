"""Git, without what the machine's owner has set up for it, nor a workflow's run around it."""

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    # GIT_ begins the settings of git, GITHUB_ what a run on GitHub says of itself.
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "GITHUB_"))
    },
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": "",
    "GIT_TERMINAL_PROMPT": "0",  # who has no token is refused, not asked for one
    "PYTHONDONTWRITEBYTECODE": "1",
}


def git(folder: Path, *arguments: str | Path, **environment: str) -> str:
    """Return what git prints in a folder; raise RuntimeError with its words if it fails."""
    command = ("git", *arguments)
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr}")
    return done.stdout.strip()
