"""write_back.py: the deploy commit, when none is made, and retries."""

from pathlib import Path

import pytest

from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import BOT, MANIFEST, Clone, Done, Origin, image, instead, record, script, tag

ONCE = """
if test "$1" = push && mkdir {folder}/once 2>/dev/null; then {action}; fi
exec "$real" "$@"
"""
"""In place of git: does something before, or instead of, the first push."""


def once(folder: Path, action: str) -> dict[str, str]:
    return instead(folder / "bin", "git", ONCE.format(folder=folder, action=action))


def deployed(done: Done, n: int, attempt: int = 1) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"deployed {tag(n)} in attempt {attempt}"


def refused(done: Done, words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert words in done.stderr
    assert "attempt 2" not in done.stdout


def test_a_deploy_is_one_commit_by_the_bot_that_changes_one_file_and_says_what_it_deploys(
    origin: Origin, clone: Clone, tmp_path: Path
) -> None:
    source = origin.tip()
    output, summary = tmp_path / "output", tmp_path / "summary.md"
    done = clone.write_back(
        1, source, GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary),
        GIT_AUTHOR_NAME="Somebody", GIT_AUTHOR_EMAIL="somebody@example.org",
    )  # fmt: skip
    deployed(done, 1)
    shown = origin.git("show", "--name-only", "--format=%P%n%an%n%ae%n%B", "develop")
    assert shown == "\n".join((source, *BOT, record(1, source), "", MANIFEST))
    assert output.read_text() == "result=deployed\n"
    assert summary.read_text() == f"Deployed {tag(1)} in attempt 1.\n"


def test_what_is_rendered_then_names_both_images_by_tag_and_digest(
    origin: Origin, human: Clone, clone: Clone
) -> None:
    deployed(clone.write_back(1, origin.tip()), 1)
    human.git("pull", "--quiet")
    rendered = human.run("kustomize", "build", "manifest").stdout
    images = [line.split()[-1] for line in rendered.splitlines() if "image: " in line]
    assert sorted(images) == [
        image(1, LOADTESTER_IMAGE),
        image(1, LOADTESTER_IMAGE),
        image(1, API_IMAGE),
    ]


def test_a_newer_source_and_then_the_same_again_by_another_tag_are_deployed(
    origin: Origin, human: Clone, clone: Clone
) -> None:
    deployed(clone.write_back(1, origin.tip()), 1)
    human.git("pull", "--quiet")
    source = human.commit("New")
    human.push()
    deployed(clone.write_back(2, source), 2)
    deployed(clone.write_back(3, source), 3)
    log = origin.git("log", "--format=%s", "develop").splitlines()
    assert log == [f"Deploy {tag(3)}", f"Deploy {tag(2)}", "New", f"Deploy {tag(1)}", "Begin"]


def test_a_rerun_of_what_is_deployed_adds_no_commit(origin: Origin, clone: Clone) -> None:
    source = origin.tip()
    deployed(clone.write_back(1, source), 1)
    tip = origin.tip()
    done = clone.write_back(1, source)
    deployed(done, 1)
    assert "attempt 1: an earlier run has pushed it\n" in done.stdout
    assert origin.tip() == tip


def test_a_rerun_after_a_rollback_deploys_again(origin: Origin, human: Clone, clone: Clone) -> None:
    deployed(clone.write_back(1, origin.tip()), 1)
    human.git("pull", "--quiet")
    source = human.commit("New")
    human.push()
    deployed(clone.write_back(2, source), 2)
    human.git("pull", "--quiet")
    human.git("revert", "--no-edit", "HEAD")
    human.push()
    assert tag(1) in origin.show(MANIFEST)
    deployed(clone.write_back(2, source), 2)
    assert tag(2) in origin.show(MANIFEST)


def test_an_accepted_model_s_deploy_says_why(origin: Origin, human: Clone, clone: Clone) -> None:
    human.deploy(1, human.head(), loss=0.03)
    source = human.commit("New")
    human.push()
    why = "accepted, 0.010000 (33.3%) worse: robust to new data"
    deployed(clone.write_back(2, source, f"--model-gate={why}"), 2)
    assert origin.git("log", "-1", "--format=%(trailers:key=Model-Gate,valueonly)") == why


def test_a_push_that_comes_second_is_tried_again_on_top_of_the_first(
    origin: Origin, human: Clone, clone: Clone, tmp_path: Path
) -> None:
    source = origin.tip()
    human.commit("First", first="1")
    first = once(tmp_path, f'"$real" -C {human.path} push --quiet origin HEAD:develop')
    deployed(clone.write_back(1, source, **first), 1, attempt=2)
    assert origin.git("log", "-2", "--format=%s", "develop") == f"Deploy {tag(1)}\nFirst"


def test_a_deploy_whose_answer_was_lost_is_found_and_not_made_twice(
    origin: Origin, clone: Clone, tmp_path: Path
) -> None:
    answer = 'echo "fatal: the remote end hung up unexpectedly" >&2; exit 128'
    lost = once(tmp_path, f'"$real" "$@" >/dev/null; {answer}')
    done = clone.write_back(1, origin.tip(), **lost)
    deployed(done, 1, attempt=2)
    assert "attempt 1: git push ended with 128: fatal: the remote end hung up" in done.stdout
    assert origin.git("log", "--format=%s", "develop") == f"Deploy {tag(1)}\nBegin"


def test_a_network_that_fails_is_tried_again(origin: Origin, clone: Clone, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    fail = 'echo "ssh: Could not resolve hostname example.org" >&2; exit 255'
    serve = 'for command; do :; done\nexec sh -c "$command"'
    script(ssh, f"mkdir {tmp_path}/1 2>/dev/null && {{ {fail}; }}\n{serve}")
    clone.git("remote", "set-url", "origin", f"ssh://example.org{origin.path}")
    source = origin.tip()
    done = clone.write_back(1, source, GIT_SSH_COMMAND=str(ssh), GIT_SSH_VARIANT="simple")
    deployed(done, 1, attempt=2)
    assert "attempt 1: git fetch ended with 128: ssh: Could not resolve hostname" in done.stdout


def test_a_protected_branch_ends_the_run_at_once_in_git_s_words(
    origin: Origin, clone: Clone
) -> None:
    words = "error: GH006: Protected branch update failed for refs/heads/develop."
    source = origin.tip()
    origin.refuse(words)
    refused(clone.write_back(1, source), words)
    assert origin.tip() == source


@pytest.mark.parametrize(
    ("stray", "found"),
    [
        (
            f"docker.io/someone/{API_IMAGE}:latest",
            f"{image(1, API_IMAGE)}, docker.io/someone/{API_IMAGE}:latest",
        ),
        (f"docker.io/else/{API_IMAGE}", f"docker.io/else/{API_IMAGE}, {image(1, API_IMAGE)}"),
        (f"localhost:5000/{API_IMAGE}", f"{image(1, API_IMAGE)}, localhost:5000/{API_IMAGE}"),
    ],
)
def test_an_image_that_kustomize_does_not_reach_stops_the_deploy(
    origin: Origin, human: Clone, clone: Clone, stray: str, found: str
) -> None:
    path = "manifest/script-deployment.yaml"
    content = (human.path / path).read_text().replace(LOADTESTER_IMAGE, stray)
    source = human.commit("Stray", **{path: content})
    human.push()
    refused(
        clone.write_back(1, source), f"renders {API_IMAGE} as {found}, not as {image(1, API_IMAGE)}"
    )
    assert origin.tip() == source


def test_an_image_that_nothing_uses_stops_the_deploy(
    origin: Origin, human: Clone, clone: Clone
) -> None:
    path = "manifest/api-deployment.yaml"
    content = (human.path / path).read_text().replace(f"image: {API_IMAGE}", "image: nginx:1")
    source = human.commit("Unused", **{path: content})
    human.push()
    refused(
        clone.write_back(1, source), f"renders {API_IMAGE} as nothing, not as {image(1, API_IMAGE)}"
    )
    assert origin.tip() == source


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (f"sed -i s/{tag(1)}/{tag(9)}/ kustomization.yaml", f":{tag(9)}@sha256:"),
        ("echo >> ../README.md", f"not only {MANIFEST} has changed, but README.md, {MANIFEST}"),
        ("false", "kustomize edit ended with 1"),
    ],
)
def test_an_edit_that_does_something_else_is_not_committed(
    origin: Origin, clone: Clone, tmp_path: Path, edit: str, words: str
) -> None:
    source = origin.tip()
    body = f'"$real" "$@" || exit 1\ntest "$1" != edit || {edit}'
    refused(clone.write_back(1, source, **instead(tmp_path / "bin", "kustomize", body)), words)
    assert origin.tip() == source
