"""What GitHub reads in a workflow before any job runs: what starts it, which actions it uses."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ACTIONS = Path(__file__).with_name("actions")
"""Stand-ins by the names of the actions' repositories: they do here what those do on GitHub."""


class Workflow:
    """A workflow by its text."""

    def __init__(self, text: str) -> None:
        self.content: dict[Any, Any] = yaml.safe_load(text)

    @property
    def on(self) -> dict[str, Any]:
        """The events; YAML 1.1 takes their key for a truth value."""
        events: dict[str, Any] = self.content.get("on") or self.content[True]
        return events

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs by their ids."""
        jobs: dict[str, dict[str, Any]] = self.content["jobs"]
        return jobs

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each step with its job's id."""
        for name, job in self.jobs.items():
            yield from ((name, step) for step in job["steps"])

    def uses(self) -> set[str]:
        """Return the actions, OWNER/NAME@COMMIT."""
        return {step["uses"] for _, step in self.steps() if "uses" in step}

    def ignores(self, ref: str, changed: Collection[str]) -> str:
        """Say why a push of changed files to a ref starts no run; empty if it starts one."""
        push: Mapping[str, list[str]] = self.on.get("push") or {}
        unknown = push.keys() - {"branches", "paths-ignore"}
        if unknown or "push" not in self.on:
            raise NotImplementedError(f"on.push is not understood: {unknown or 'there is none'}")
        branch = ref.removeprefix("refs/heads/")
        if not _matches(branch, push.get("branches", ["**"])):
            return f"branches: {branch} is not among {push['branches']}"
        ignored = push.get("paths-ignore", [])
        if changed and all(_matches(path, ignored) for path in changed):
            return f"paths-ignore: only {', '.join(sorted(changed))}"
        return ""


def stand_ins(workflow: Workflow) -> dict[str, Path]:
    """Return the folder of each action's stand-in. Raises LookupError for one that has none."""
    found = {}
    for uses in sorted(workflow.uses()):
        folder = ACTIONS / uses.partition("@")[0].rpartition("/")[2]
        if not (folder / "action.yml").is_file():
            raise LookupError(f"{uses} has no stand-in: {folder}/action.yml does not exist")
        found[uses] = folder
    return found


def _matches(name: str, patterns: Collection[str]) -> bool:
    """Tell whether a name is one that a pattern means: `*` stops at a slash, `**` does not."""
    parts = {r"\*\*": ".*", r"\*": "[^/]*"}
    return any(
        re.fullmatch(re.sub(r"\\\*\\\*|\\\*", lambda m: parts[m[0]], re.escape(pattern)), name)
        for pattern in patterns
    )
