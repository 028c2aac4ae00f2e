"""A deploy that the cluster has undone does not count: what serves is compared and ordered with."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import model_gate
import undone
from deployed import History
from e2e.github.statuses import Statuses
from support.git import ENVIRONMENT
from support.origin import DATA, MANIFEST, Clone, Done, Origin, tag
from support.paths import SCRIPTS
from support.ports import free_port
from support.site import Site, site

LONG_AGO = "2020-01-01T00:00:00Z"
MARK = "progressive-delivery"


@dataclass(frozen=True)
class GitHub:
    """Its REST API, as far as it tells statuses of commits."""

    site: Site
    statuses: Statuses

    @property
    def environment(self) -> dict[str, str]:
        """What a step of a run has around it."""
        return {
            "GITHUB_API_URL": self.site.url, "GITHUB_REPOSITORY": "you/mlops", "TOKEN": "of-a-run"
        }  # fmt: skip

    def mark(
        self, source: str, state: str = "failure", context: str = MARK, at: str | None = None
    ) -> None:
        body = {"state": state, "context": context}
        status, created = self.statuses.create(source, json.dumps(body).encode())
        assert status == 201
        created["created_at"] = at or created["created_at"]


@pytest.fixture
def github() -> Iterator[GitHub]:
    statuses = Statuses(lambda _: True)

    def answer(path: str) -> tuple[int, Any]:
        url, _, query = path.partition("?")
        *_, commit, kind = url.split("/")
        assert kind == "status"
        return statuses.combined(commit, query)

    with site(answer) as host:
        yield GitHub(host, statuses)


@pytest.fixture
def inside(human: Clone, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make the clone the working directory of a run, for what is called and not started."""
    monkeypatch.chdir(human.path)
    for name, value in (ENVIRONMENT | github.environment).items():
        monkeypatch.setenv(name, value)
    return human


def released(clone: Clone, *losses: float) -> list[str]:
    """Commit a source and its deploy for each loss, numbered from 1; return the sources."""
    sources = []
    for n, loss in enumerate(losses, 1):
        sources.append(clone.commit(f"Source {n}", source=str(n)))
        clone.deploy(n, sources[-1], loss=loss)
    return sources


def serving(revision: str = "HEAD") -> str:
    deploy = History(revision).serving()
    return deploy.tag if deploy else ""


def gate(clone: Clone, loss: float, **environment: str) -> Done:
    card = clone.path.parent / "model.json"
    metrics = {"loss": {"holdout": loss, "name": "log loss"}, "correct": {"holdout": 0.98}}
    content = {"model_version": "new", "metrics": metrics, "data": {"sha256": DATA}}
    card.write_text(json.dumps(content))
    command = (sys.executable, str(SCRIPTS / "model_gate.py"), "--card", str(card))
    return clone.run(*command, **environment)


def left_out(n: int, source: str) -> str:
    return f"; undone by the cluster and left out of account: {tag(n)} (source {source})"


def test_a_model_is_compared_with_the_one_that_serves_and_the_summary_says_so(
    human: Clone, github: GitHub, tmp_path: Path
) -> None:
    _, second = released(human, 0.08, 0.04)
    assert gate(human, 0.06, **github.environment).returncode == 1
    github.mark(second)
    summary = tmp_path / "summary.md"
    done = gate(human, 0.06, **github.environment, GITHUB_STEP_SUMMARY=str(summary))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "model new is better by 0.020000 (25%) than the running 000000000001: "
        f"log loss 0.060000 against 0.080000{left_out(2, second)}\n"
    )
    assert "| model | `new` | `000000000001` |\n" in summary.read_text()
    assert done.stdout in summary.read_text()


def test_a_model_worse_than_the_one_that_serves_stops_though_the_undone_was_worse_yet(
    human: Clone, github: GitHub
) -> None:
    _, second = released(human, 0.04, 0.5)
    github.mark(second)
    done = gate(human, 0.06, **github.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "worse by 0.020000 (50%) than the running 000000000001" in done.stderr
    assert left_out(2, second) in done.stderr


def test_a_good_push_after_an_abort_is_deployed(
    origin: Origin, human: Clone, clone: Clone, github: GitHub, tmp_path: Path
) -> None:
    _, undone_source = released(human, 0.08, 0.01)
    github.mark(undone_source)
    source = human.commit("Better than what serves")
    human.push()
    summary = tmp_path / "summary.md"
    own = {**github.environment, "GITHUB_STEP_SUMMARY": str(summary)}
    done = clone.write_back(3, source, **own)
    assert (done.returncode, done.stderr) == (0, "")
    assert tag(3) in origin.show(MANIFEST)
    said = f"eployed {tag(3)} in attempt 1{left_out(2, undone_source)}"
    assert done.stdout.splitlines()[-1] == f"d{said}"
    assert summary.read_text() == f"D{said}.\n"


def test_an_undone_newer_source_does_not_hold_up_an_older_one(
    origin: Origin, human: Clone, clone: Clone, github: GitHub
) -> None:
    first, between, third = (human.commit(name) for name in ("One", "Between", "Three"))
    human.deploy(1, first)
    human.deploy(3, third)
    human.push()
    github.mark(third)
    done = clone.write_back(2, between, **github.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert tag(2) in origin.show(MANIFEST)


def test_a_source_older_than_what_serves_still_gives_way(inside: Clone, github: GitHub) -> None:
    old, first, second = (inside.commit(name) for name in ("Old", "One", "Two"))
    inside.deploy(1, first)
    inside.deploy(2, second)
    github.mark(second)
    newer = History().newer_than(old)
    assert newer
    assert newer.tag == tag(1)


def test_a_deploy_that_a_person_has_reverted_still_holds_up_an_older_one(
    inside: Clone, github: GitHub
) -> None:
    first, between, third = (inside.commit(name) for name in ("One", "Between", "Three"))
    inside.deploy(1, first)
    inside.git("revert", "--no-edit", inside.deploy(3, third))
    newer = History().newer_than(between)
    assert newer
    assert newer.tag == tag(3)
    github.mark(third)
    assert History().newer_than(between) is None


def test_the_source_of_an_undone_deploy_may_be_deployed_again(
    human: Clone, clone: Clone, github: GitHub
) -> None:
    _, second = released(human, 0.08, 0.04)
    human.push()
    github.mark(second)
    done = clone.write_back(3, second, **github.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"deployed {tag(3)} ")


def test_what_is_deployed_again_after_the_mark_is_tried_again(
    inside: Clone, github: GitHub
) -> None:
    _, second = released(inside, 0.08, 0.04)
    github.mark(second, at=LONG_AGO)
    assert serving() == tag(2)
    github.mark(second)
    assert serving() == tag(1)


@pytest.mark.parametrize(
    ("states", "served"),
    [
        ([(MARK, "failure"), (MARK, "success")], 2),
        ([(MARK, "success"), (MARK, "failure")], 1),
        ([("Progressive-Delivery", "failure")], 1),
        ([(MARK, "failure"), ("Progressive-Delivery", "success")], 2),
        ([(MARK, "error")], 2),
        ([(MARK, "pending")], 2),
        ([("another", "failure")], 2),
        ([], 2),
    ],
)
def test_the_newest_state_of_one_context_decides(
    inside: Clone, github: GitHub, states: list[tuple[str, str]], served: int
) -> None:
    _, second = released(inside, 0.08, 0.04)
    for context, state in states:
        github.mark(second, state, context)
    assert serving() == tag(served)


def test_a_mark_is_found_behind_a_hundred_others(inside: Clone, github: GitHub) -> None:
    _, second = released(inside, 0.08, 0.04)
    for n in range(100):
        github.mark(second, "success", f"another-{n}")
    github.mark(second)
    assert serving() == tag(1)
    path = f"/repos/you/mlops/commits/{second}/status?per_page=100&page="
    asked = [(f"{path}{page}", "Bearer of-a-run") for page in (1, 2)]
    assert github.site.asked[:2] == asked


def aborted_twice(clone: Clone) -> list[int]:
    released(clone, 0.1, 0.1, 0.1)
    return [2, 3]


def aborted_after_a_rollback(clone: Clone) -> list[int]:
    """Deploy three, go back to the second, deploy a fourth that is undone."""
    released(clone, 0.1, 0.1, 0.1)
    clone.git("revert", "--no-edit", "HEAD")
    clone.deploy(4, clone.commit("Source 4", source="4"))
    return [4]


def a_rollback_that_was_undone(clone: Clone) -> list[int]:
    released(clone, 0.1, 0.1, 0.1)
    clone.git("revert", "--no-edit", "HEAD")
    return [2]


def reverted_to_one_undone(clone: Clone) -> list[int]:
    released(clone, 0.1, 0.1, 0.1)
    clone.git("revert", "--no-edit", "HEAD")
    return [2, 3]


def merged_a_branch_with_the_manifest_of_before(clone: Clone) -> list[int]:
    """Merge a branch begun at the first deploy, which changes another line of the manifest."""
    released(clone, 0.1, 0.1, 0.1)
    deployed = clone.head()
    clone.git("checkout", "--quiet", "-b", "side", f"{deployed}~4")
    manifest = (clone.path / MANIFEST).read_text()
    clone.commit("Aside", **{MANIFEST: f"# Of a branch.\n{manifest}"})
    clone.git("checkout", "--quiet", "-B", "develop", deployed)
    clone.git("merge", "--quiet", "--no-edit", "side")
    return [3]


def merged_develop_into_a_branch(clone: Clone) -> list[int]:
    """Merge the deploys as the second parent, as `git pull` without rebase does."""
    released(clone, 0.1)
    clone.git("checkout", "--quiet", "-b", "side")
    clone.commit("Aside", aside="1")
    clone.git("checkout", "--quiet", "develop")
    for n in (2, 3):
        clone.deploy(n, clone.commit(f"Source {n}", source=str(n)))
    clone.git("checkout", "--quiet", "side")
    clone.git("merge", "--quiet", "--no-edit", "develop")
    return [3]


@pytest.mark.parametrize(
    ("history", "served"),
    [
        (aborted_twice, 1),
        (aborted_after_a_rollback, 2),
        (a_rollback_that_was_undone, 3),
        (reverted_to_one_undone, 1),
        (merged_a_branch_with_the_manifest_of_before, 2),
        (merged_develop_into_a_branch, 2),
    ],
)
def test_what_serves_is_what_the_manifest_held_before_all_that_was_undone(
    inside: Clone, github: GitHub, history: Callable[[Clone], list[int]], served: int
) -> None:
    for n in history(inside):
        source = inside.git(
            "log", "-1", f"--grep=Image-Tag: {tag(n)}$",
            "--format=%(trailers:key=Source-Commit,valueonly)",
        )  # fmt: skip
        github.mark(source)
    assert serving() == tag(served)


def test_where_no_deploy_came_before_there_is_nothing_to_compare_with(
    human: Clone, github: GitHub
) -> None:
    (only,) = released(human, 0.04)
    github.mark(only)
    done = gate(human, 9, **github.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"nothing to compare with: before, {MANIFEST} held the tag local, which the workflow "
        f"has not deployed{left_out(1, only)}\n"
    )


def test_a_manifest_of_before_without_one_tag_is_like_a_tag_by_hand(
    human: Clone, github: GitHub
) -> None:
    written = (human.path / MANIFEST).read_text()
    human.commit("Odd", **{MANIFEST: written.replace("newTag: local", "newTag: a", 1)})
    (only,) = released(human, 0.04)
    github.mark(only)
    done = gate(human, 9, **github.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"before, {MANIFEST} held no tag, which" in done.stdout


def test_outside_a_workflow_github_is_not_asked(human: Clone, github: GitHub) -> None:
    _, second = released(human, 0.08, 0.04)
    github.mark(second)
    outside = {"GITHUB_API_URL": github.site.url, "TOKEN": "of-a-person"}
    assert gate(human, 0.06, **outside).returncode == 1
    assert github.site.asked == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_token_that_may_not_read_statuses_stops_both_scripts_with_what_to_do(
    origin: Origin, human: Clone, clone: Clone, github: GitHub, status: int
) -> None:
    (only,) = released(human, 0.04)
    human.push()
    before = origin.tip()
    with site(lambda _: (status, {"message": "no"})) as host:
        own = {**github.environment, "GITHUB_API_URL": host.url}
        gated, written = gate(human, 0.04, **own), clone.write_back(2, before, **own)
        assert len(host.asked) == 2
    why = (
        f"GitHub does not say whether {only} was undone: it answers {status}; "
        "give the step TOKEN, and its job the permission statuses: read\n"
    )
    assert (gated.returncode, gated.stdout, gated.stderr) == (2, "", f"model_gate: {why}")
    assert (written.returncode, written.stderr) == (1, f"write_back: {why}")
    assert origin.tip() == before


@pytest.mark.parametrize("answer", [[], {}, {"statuses": [{}]}, {"statuses": [None]}])
def test_an_answer_that_cannot_be_read_is_said_in_a_line(
    human: Clone, github: GitHub, answer: object
) -> None:
    released(human, 0.04)
    with site(lambda _: (200, answer)) as host:
        done = gate(human, 0.04, **{**github.environment, "GITHUB_API_URL": host.url})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "its answer cannot be read; choose Re-run failed jobs when it does" in done.stderr


def test_github_in_trouble_is_asked_again(inside: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = released(inside, 0.04)
    monkeypatch.setattr(undone, "EVERY", 0.01)
    statuses = [503, 429, 200]

    def answer(_: str) -> tuple[int, Any]:
        return statuses[len(host.asked) - 1], {"statuses": []}

    with site(answer) as host:
        monkeypatch.setenv("GITHUB_API_URL", host.url)
        assert undone.undone_at(only) is None
    assert len(host.asked) == 3


def test_github_out_of_reach_is_no_yes_and_no_no(
    inside: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    released(inside, 0.04)
    gate(inside, 0.04)  # writes the card
    monkeypatch.setattr(undone, "EVERY", 0.01)
    monkeypatch.setattr(undone, "LONGEST", 0.1)
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(sys, "argv", ["", "--card", str(inside.path.parent / "model.json")])
    assert model_gate.main() == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "Connection refused" in said.err
    assert "; choose Re-run failed jobs when it does" in said.err
