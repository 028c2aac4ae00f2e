"""Writers that finish in any order, among people who push: the newest source is what runs.

RACE_SEED repeats a run's choices (not the machine's timing); RACE_TRIALS sets how many there are.
"""

import os
import random
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import BOT, MANIFEST, Clone, Done, Origin, digest, tag
from tags import image_tags

TRIALS = int(os.environ.get("RACE_TRIALS", "12"))
SEED = os.environ.get("RACE_SEED", str(time.time_ns()))
LONGEST_DELAY = 1.0
"""Seconds over which the writers of a trial start: about as long as one of them takes."""


@dataclass
class Person:
    """Somebody who pushes commits and rebases where somebody else came first."""

    clone: Clone
    pushed: list[str] = field(default_factory=list)

    def push(self, subject: str) -> str:
        """Push one more file; return its commit, as it was first pushed."""
        self.clone.commit(subject, **{f"people/{subject}.txt": subject})
        while self.clone.run("git", "push", "--quiet", "origin", "HEAD:develop").returncode:
            self.clone.git("pull", "--quiet", "--rebase", "origin", "develop")
        self.pushed.append(subject)
        return self.clone.head()


class Trial:
    """One race in a repository of its own."""

    def __init__(self, n: int, folder: Path) -> None:
        self.random = random.Random(f"{SEED}/{n}")
        self.name = f"trial {n} of RACE_SEED={SEED}"
        self.origin = Origin.create(folder / "origin")
        self.person = Person(self.origin.clone(folder / "person"))
        self.folder = folder
        self.sources: list[str] = []
        self.done: list[Done] = []

    def run(self) -> None:
        """Let two to six writers race; each one's source is newer than the one's before."""
        writers = self.random.randint(2, 6)
        early = self.random.randint(1, writers)
        with ThreadPoolExecutor(writers) as pool:
            self.sources = [self.person.push(f"source-{n}") for n in range(early)]
            races = [pool.submit(self._write, n, self._delay()) for n in self._shuffled(early)]
            for n in range(self.random.randint(2, 4)):
                time.sleep(self._delay() / 2)
                self.person.push(f"human-{n}")
            for n in range(early, writers):
                self.sources.append(self.person.push(f"source-{n}"))
                races.append(pool.submit(self._write, n, self._delay()))
            self.done = [race.result() for race in races]

    def _shuffled(self, count: int) -> list[int]:
        return self.random.sample(range(count), count)

    def _delay(self) -> float:
        return self.random.uniform(0, LONGEST_DELAY)

    def _write(self, n: int, delay: float) -> Done:
        clone = self.origin.clone(self.folder / f"writer-{n}")
        time.sleep(delay)
        return clone.write_back(n, self.sources[n])

    def check(self) -> None:
        """Raise AssertionError where anything was lost or went backwards."""
        assert all(done.returncode == 0 for done in self.done), (self.name, self.done)
        assert not self.origin.git("rev-list", "--min-parents=2", "develop"), self.name
        self._check_people()
        self._check_deploys()
        self._check_manifest(len(self.sources) - 1)

    def _check_manifest(self, newest: int) -> None:
        manifest = self.origin.show(MANIFEST)
        assert image_tags(manifest) == dict.fromkeys((API_IMAGE, LOADTESTER_IMAGE), tag(newest)), (
            self.name
        )
        for name in (API_IMAGE, LOADTESTER_IMAGE):
            assert digest(newest, name) in manifest, self.name

    def _check_people(self) -> None:
        log = self.origin.git("log", "--reverse", "--author=A Human", "--format=%s", "develop")
        assert log.split() == ["Begin", *self.person.pushed], self.name
        for subject in self.person.pushed:
            assert self.origin.show(f"people/{subject}.txt") == subject, self.name

    def _check_deploys(self) -> None:
        form = "--format=%x00%an <%ae>|%s|%(trailers:key=Source-Commit,valueonly)"
        log = self.origin.git("log", "--reverse", "--name-only", form, "develop")
        order = []
        for deploy in [record for record in log.split("\0") if "|Deploy " in record]:
            author, subject, rest = deploy.split("|")
            source, *files = rest.split()
            order.append(self.sources.index(source))
            assert author == f"{BOT[0]} <{BOT[1]}>", self.name
            assert subject == f"Deploy {tag(order[-1])}", self.name
            assert files == [MANIFEST], self.name
        assert order == sorted(set(order)), (self.name, order)
        assert len(order) == self.count("deployed "), self.name

    def count(self, words: str) -> int:
        """Return how many lines of the writers begin with these words, after `attempt N: `."""
        lines = [line for done in self.done for line in done.stdout.splitlines()]
        return sum(re.sub(r"^attempt \d+: ", "", line).startswith(words) for line in lines)


def test_the_newest_source_runs_and_nothing_is_lost_whoever_finishes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def race(n: int) -> Trial:
        trial = Trial(n, tmp_path / str(n))
        trial.run()
        trial.check()
        shutil.rmtree(trial.folder)
        return trial

    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        trials = list(pool.map(race, range(TRIALS)))
    figures = {
        "trials": len(trials),
        "writers": sum(len(trial.done) for trial in trials),
        "deployed": sum(trial.count("deployed ") for trial in trials),
        "superseded": sum(trial.count("superseded: ") for trial in trials),
        "pushes retried": sum(trial.count("develop has moved") for trial in trials),
        "commits by people": sum(len(trial.person.pushed) for trial in trials),
    }
    assert figures["deployed"] + figures["superseded"] == figures["writers"]
    assert all(figures.values()), figures  # or nobody has raced
    with capsys.disabled():
        counted = ", ".join(f"{count} {what}" for what, count in figures.items())
        taken = time.monotonic() - begun
        sys.stdout.write(f"\n{counted}; {taken:.0f} s; RACE_SEED={SEED}\n")
