"""What act says of a run with --json: a line for each thing that happens, with its time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """A step that has ended; its times are to the second."""

    job: str
    name: str
    result: str
    start: datetime
    end: datetime


class Log:
    """The log of a run, also while it grows."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what act logged; lines by others and one that is half written are left out."""
        for line in self.file.read_text(errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)

    def text(self) -> str:
        """Return it as a person reads it: `JOB: what happened`, or all of it if nothing did."""
        said = (f"{e.get('jobID', '')}: {e['msg'].rstrip()}" for e in self.entries())
        return "\n".join(said) or self.file.read_text()

    def jobs(self) -> dict[str, str]:
        """Return `success` or `failure` of each job that has ended. A skipped one is missing."""
        return {e["jobID"]: e["jobResult"] for e in self.entries() if "jobResult" in e}

    def steps(self) -> list[Step]:
        """Return the steps that have ended, in the order in which they began."""
        begun: dict[tuple[str, str], datetime] = {}
        ended = []
        for entry in self.entries():
            if entry.get("stage") != "Main":
                continue
            key = (entry["jobID"], entry["step"])
            now = datetime.fromisoformat(entry["time"])
            begun.setdefault(key, now)
            # Steps within an action have ids of their own after the step's.
            if "stepResult" in entry and len(entry["stepID"]) == 1:
                ended.append(Step(*key, entry["stepResult"], begun[key], now))
        return sorted(ended, key=lambda step: step.start)
