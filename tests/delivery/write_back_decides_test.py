"""Writing back gives way, refuses and tries again; all that it decides before it edits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import clone as clone_module
from clone import GitError, run
from deployed import History
from remote import Again, fetch_and_reset, push
from support.git import ENVIRONMENT
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import MANIFEST, Clone, Done, Origin, instead, tag
from support.site import site


@pytest.fixture
def inside(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make the clone the working directory, for what is called and not started."""
    monkeypatch.chdir(clone.path)
    for name in [name for name in os.environ if name not in ENVIRONMENT]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return clone


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Yield the URL of a server that answers all requests alike."""
    with site(lambda _: (status, None)) as host:
        yield f"{host.url}/repository.git"


def superseded(done: Done, why: str) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"superseded: {why}"


@pytest.mark.parametrize(
    ("option", "value", "form"),
    [
        ("--tag", "2026-1-2-3-4-5", "YYYY-MM-DD-HH-MM-SS"),
        ("--tag", "2026-01-02-03-04-05\n", "YYYY-MM-DD-HH-MM-SS"),
        ("--tag", "\u0662026-01-02-03-04-05", "YYYY-MM-DD-HH-MM-SS"),
        ("--source", "abc", "a commit's 40 hexadecimal digits"),
        ("--source", "HEAD", "a commit's 40 hexadecimal digits"),
        (
            "--image",
            f"{API_IMAGE}=docker.io/someone/{API_IMAGE}:latest",
            "NAME=REPOSITORY@sha256:...",
        ),
        (
            "--image",
            f"{API_IMAGE}=docker.io/someone/{API_IMAGE}@sha256:12",
            "NAME=REPOSITORY@sha256:...",
        ),
        (
            "--image",
            f"docker.io/someone/{API_IMAGE}@sha256:{'0' * 64}",
            "NAME=REPOSITORY@sha256:...",
        ),
        (
            "--image",
            f"{API_IMAGE}=docker.io/Someone/{API_IMAGE}@sha256:{'0' * 64}",
            "in lower case, as an image's name has to be: write the secret DOCKERHUB_USERNAME so",
        ),
        ("--image", f"{API_IMAGE}=a/b@sha256:{'0' * 64}", f"the only one for {API_IMAGE}"),
        ("--model-version", "a b", "a version"),
        ("--model-loss", "nan", "a number of at least 0"),
        ("--model-loss-name", "log\nloss", "lower-case words"),
        ("--model-accuracy", "98", "a number from 0 to 1"),
        ("--model-data", "abc", "a SHA-256"),
        ("--model-gate", "let me in", "what model_gate.py puts out: 'accepted, ...'"),
        ("--model-gate", "accepted, x\nSource-Commit: 0", "one line of text"),
        ("--deadline", "soon", "a number of at least 0"),
    ],
)
def test_an_option_of_another_form_is_named_with_2_and_nothing_is_touched(
    clone: Clone, option: str, value: str, form: str
) -> None:
    (clone.path / "README.md").write_text("changed\n")
    done = clone.write_back(1, clone.head(), f"{option}={value}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"write_back: {option}: {value!r} is not {form}\n"
    assert (clone.path / "README.md").read_text() == "changed\n"


def test_a_shallow_clone_is_refused_since_it_knows_no_ancestors(
    origin: Origin, human: Clone, tmp_path: Path
) -> None:
    old, new = human.commit("Old"), human.commit("New")
    human.deploy(2, new)
    human.push()
    before = origin.tip()
    done = origin.clone(tmp_path / "shallow", "--depth=1").write_back(1, old)
    assert done.returncode == 1
    assert "this clone is shallow: check out with fetch-depth: 0" in done.stderr
    assert origin.tip() == before


def test_an_older_source_gives_way_to_a_newer_one_and_both_are_named(
    origin: Origin, human: Clone, clone: Clone, tmp_path: Path
) -> None:
    old, new = human.commit("Old"), human.commit("New")
    human.deploy(2, new)
    human.push()
    output, summary = tmp_path / "output", tmp_path / "summary.md"
    done = clone.write_back(1, old, GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary))
    why = f"source {old} is older than {new}, deployed as {tag(2)}"
    superseded(done, why)
    assert output.read_text() == "result=superseded\n"
    assert summary.read_text() == f"Superseded: {why}.\n"
    assert origin.tip() == human.head()


@pytest.mark.parametrize("back", ["revert", "cherry-pick"])
def test_a_run_that_comes_late_does_not_undo_a_rollback(
    human: Clone, clone: Clone, back: str
) -> None:
    sources = [human.commit(name) for name in ("One", "Two", "Three")]
    first = human.deploy(1, sources[0])
    third = human.deploy(3, sources[2])
    if back == "revert":
        human.git("revert", "--no-edit", third)
    else:
        human.git("cherry-pick", "-X", "theirs", first)
    human.push()
    why = f"source {sources[1]} is older than {sources[2]}, deployed as {tag(3)}"
    superseded(clone.write_back(2, sources[1]), why)


def test_a_deploy_counts_on_the_side_of_a_merge_that_lost(inside: Clone) -> None:
    base, old = inside.head(), inside.commit("Old")
    new = inside.commit("New")
    deployed = inside.deploy(2, new)
    inside.git("checkout", "--quiet", "-b", "side", old)
    inside.commit("Aside", aside="1")
    inside.git("merge", "--quiet", "-s", "ours", "-m", "Merge", deployed)
    newer = History().newer_than(old)
    assert newer
    assert newer.commit == deployed
    assert History(base).newer_than(base) is None


def test_a_source_that_was_pushed_away_is_not_deployed(
    origin: Origin, human: Clone, clone: Clone
) -> None:
    gone = human.commit("Gone")
    human.push()
    clone.git("fetch", "--quiet")
    human.git("reset", "--quiet", "--hard", "HEAD~1")
    human.git("push", "--quiet", "--force", "origin", "HEAD:develop")
    superseded(clone.write_back(1, gone), f"source {gone} is no longer in develop")
    superseded(clone.write_back(1, "0" * 40), f"source {'0' * 40} is no longer in develop")
    assert origin.tip() == human.head()


def test_a_deploy_whose_source_was_pushed_away_holds_nothing_up(inside: Clone) -> None:
    source = inside.commit("Source")
    inside.deploy(9, "9" * 40)
    assert History().newer_than(source) is None


def test_a_human_s_commit_with_a_deploy_s_trailers_holds_nothing_up(inside: Clone) -> None:
    old, new = inside.commit("Old"), inside.commit("New")
    inside.deploy(2, new)
    inside.git("commit", "--quiet", "--amend", "--reset-author", "--no-edit")
    assert History().newer_than(old) is None


def test_where_git_cannot_tell_what_is_older_nothing_is_deployed(
    origin: Origin, human: Clone, clone: Clone, tmp_path: Path
) -> None:
    old, new = human.commit("Old"), human.commit("New")
    human.deploy(2, new)
    human.push()
    broken = instead(
        tmp_path / "bin", "git",
        'test "$1" = merge-base && { echo "fatal: bad object" >&2; exit 128; }; exec "$real" "$@"',
    )  # fmt: skip
    done = clone.write_back(1, old, **broken)
    assert done.returncode == 1
    assert done.stderr == "write_back: git merge-base ended with 128: fatal: bad object\n"
    assert origin.tip() == human.head()


def test_a_better_model_that_landed_since_the_gate_stops_a_worse_one(
    origin: Origin, human: Clone, clone: Clone, tmp_path: Path
) -> None:
    human.deploy(1, human.head(), loss=0.03)
    source = human.commit("New")
    human.push()
    summary = tmp_path / "summary.md"
    done = clone.write_back(2, source, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    assert "worse by 0.010000 (33.3%) than the running 000000000001" in done.stderr
    assert summary.read_text().startswith("Not deployed: another model runs than at the gate: ")
    assert origin.tip() == source


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (
            (f"name: {API_IMAGE}", "name: else"),
            f"asked for {LOADTESTER_IMAGE}, {API_IMAGE}, where {MANIFEST} has else",
        ),
        (("newTag: local", "newTag: a"), f"images of {MANIFEST}: {{'{LOADTESTER_IMAGE}': 'a', "),
    ],
)
def test_a_manifest_with_other_images_or_tags_is_named_with_1(
    origin: Origin, human: Clone, clone: Clone, written: tuple[str, str], named: str
) -> None:
    path = human.path / MANIFEST
    source = human.commit("Odd", **{MANIFEST: path.read_text().replace(*written, 1)})
    human.push()
    done = clone.write_back(1, source)
    assert done.returncode == 1
    assert named in done.stderr
    assert origin.tip() == source


def test_what_a_killed_run_left_in_the_clone_is_gone(inside: Clone, human: Clone) -> None:
    tip = human.commit("Tip", tip="1")
    human.push()
    inside.commit("Not pushed", a="1", b="1")
    (inside.path / "README.md").write_text("staged\n")
    inside.git("add", "README.md")
    (inside.path / MANIFEST).write_text("edited\n")
    assert fetch_and_reset("origin", "develop") == tip == inside.head()
    assert not inside.git("status", "--porcelain")


def test_a_push_that_comes_second_may_try_again(inside: Clone, human: Clone) -> None:
    human.commit("First")
    human.push()
    inside.commit("Second")
    with pytest.raises(Again, match=r"^develop has moved: \[rejected\] \(fetch first\)$"):
        push("origin", "develop")


def test_a_push_that_meets_another_at_the_server_may_try_again(
    inside: Clone, origin: Origin
) -> None:
    inside.commit("Second")
    (origin.path / "refs/heads/develop.lock").touch()
    with pytest.raises(Again, match=r"^develop has moved: \[remote rejected\] "):
        push("origin", "develop")


def test_a_protected_branch_is_said_in_git_s_words(inside: Clone, origin: Origin) -> None:
    inside.commit("Mine")
    origin.refuse("error: GH006: Protected branch update failed for refs/heads/develop.")
    with pytest.raises(GitError, match="GH006: Protected branch update failed"):
        push("origin", "develop")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_remote_that_wants_another_token_is_not_asked_twice(inside: Clone, status: int) -> None:
    with answering(status) as url:
        inside.git("remote", "set-url", "origin", url)
        with pytest.raises(GitError):
            push("origin", "develop")
        with pytest.raises(GitError):
            fetch_and_reset("origin", "develop")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_remote_in_trouble_is_asked_again(inside: Clone, status: int) -> None:
    with answering(status) as url:
        inside.git("remote", "set-url", "origin", url)
        with pytest.raises(Again, match=f"error: {status}"):
            push("origin", "develop")
        with pytest.raises(Again, match=f"error: {status}"):
            fetch_and_reset("origin", "develop")


@pytest.mark.parametrize(("branch", "path"), [("none", "origin"), ("develop", "none")])
def test_a_branch_or_repository_that_does_not_exist_is_not_asked_for_twice(
    inside: Clone, tmp_path: Path, branch: str, path: str
) -> None:
    inside.git("remote", "set-url", "origin", str(tmp_path / path))
    with pytest.raises(GitError):
        fetch_and_reset("origin", branch)


def test_at_the_deadline_it_ends_with_1_and_the_last_reason(clone: Clone) -> None:
    with answering(503) as url:
        clone.git("remote", "set-url", "origin", url)
        done = clone.write_back(1, clone.head(), "--deadline=1")
    tries = done.stdout.count("attempt ")
    assert tries > 1
    assert done.returncode == 1
    assert f"gave up after {tries} attempts in 1 s: git fetch ended with 128: " in done.stderr
    assert "error: 503" in done.stderr


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clone_module, "SECONDS", 0.2)
    done = run("sleep", "60")
    assert (done.returncode, done.stderr) == (124, "not done in 0.2 s")
