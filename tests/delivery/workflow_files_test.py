"""The workflows as GitHub reads them: what they may do, and who gets to see a secret."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.github.workflow import Workflow, stand_ins
from order import NAME
from support.paths import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI_CD, CI = FILES
FROM_SECRETS = "secrets."
USES = re.compile(r"uses: (\S+)(.*)")

every_workflow = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def read(file: Path) -> Workflow:
    return Workflow(file.read_text())


@pytest.fixture(scope="module")
def ci_cd() -> Workflow:
    return read(CI_CD)


def steps(workflow: Workflow, job: str) -> list[dict[str, Any]]:
    return [step for name, step in workflow.steps() if name == job]


def names(workflow: Workflow, job: str) -> list[str]:
    return [step["name"] for step in steps(workflow, job)]


@every_workflow
def test_every_action_is_pinned_by_commit_and_says_which_version_that_is(file: Path) -> None:
    found = USES.findall(file.read_text())
    assert found
    for action, comment in found:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), f"{action}{comment}"


def test_an_action_is_the_same_commit_everywhere() -> None:
    uses = {action for file in FILES for action in read(file).uses()}
    assert len({action.partition("@")[0] for action in uses}) == len(uses), sorted(uses)


@every_workflow
def test_a_job_may_do_nothing_that_it_does_not_ask_for(file: Path) -> None:
    workflow = read(file)
    assert workflow.content["permissions"] == {}
    for name, job in workflow.jobs.items():
        assert isinstance(job.get("permissions"), dict), f"{name} has no permissions of its own"


def test_only_deploying_may_write_and_only_publishing_may_sign(ci_cd: Workflow) -> None:
    assert {name: job["permissions"] for name, job in ci_cd.jobs.items()} == {
        "test": {"contents": "read"},
        "publish": {"contents": "read", "id-token": "write"},
        "deploy": {"contents": "write"},
    }
    assert all("write" not in job["permissions"].values() for job in read(CI).jobs.values())


@every_workflow
def test_every_job_ends_within_its_own_time(file: Path) -> None:
    for name, job in read(file).jobs.items():
        assert 0 < job["timeout-minutes"] <= 45, name


@every_workflow
def test_a_checkout_leaves_no_token_behind(file: Path) -> None:
    for job, step in read(file).steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, job


def test_pull_requests_see_no_secret_and_run_with_the_rights_of_their_author() -> None:
    assert "secrets" not in CI.read_text()
    assert read(CI).on == {"pull_request": {"branches": ["develop"]}}
    assert all("pull_request_target" not in file.read_text() for file in FILES)


def test_a_pull_request_pushes_no_image() -> None:
    builds = [step for _, step in read(CI).steps() if "/build-push-action@" in step.get("uses", "")]
    assert [step["with"]["push"] for step in builds] == [False]


def test_secrets_go_only_to_the_steps_that_need_them(ci_cd: Workflow) -> None:
    holders = [
        (job, step["name"], sorted(set(re.findall(r"secrets\.(\w+)|(github\.token)", str(step)))))
        for job, step in ci_cd.steps()
        if FROM_SECRETS in str(step) or "github.token" in str(step)
    ]
    name, token, run = ("DOCKERHUB_USERNAME", ""), ("DOCKERHUB_TOKEN", ""), ("", "github.token")
    assert holders == [
        ("publish", "Check the user name on Docker Hub", [name]),
        ("publish", "Log in to Docker Hub", [token, name]),
        ("publish", "Build and push the API's image", [name]),
        ("publish", "Build and push the load tester's image", [name]),
        ("publish", "Sign both images", [name]),
        ("deploy", names(ci_cd, "deploy")[2], [run, name]),
    ]
    outside = {**ci_cd.content, "jobs": {}}
    assert FROM_SECRETS not in str(outside)
    assert all(FROM_SECRETS not in str(job.get("env")) for job in ci_cd.jobs.values())


@pytest.mark.parametrize(
    ("user", "fit"),
    [("you", True), ("you-2_b", True), ("You", False), ("you@example.org", False), ("", False),
     ("you ", False), ("you\n", False), ("docker.io/you", False), ("año", False)],
)  # fmt: skip
def test_a_user_name_that_no_image_can_have_ends_publishing_at_its_first_step(
    ci_cd: Workflow, user: str, fit: bool
) -> None:
    first = steps(ci_cd, "publish")[0]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "DOCKERHUB_USERNAME": user}
    command = ("bash", "-e", "-c", first["run"])
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode == 0) == fit == bool(re.fullmatch(NAME, user))
    assert done.stderr == ""
    if not fit:
        (line,) = done.stdout.splitlines()
        assert line.startswith("::error::DOCKERHUB_USERNAME is not a user name in lower case")


def test_no_output_holds_a_secret_or_github_would_drop_it(ci_cd: Workflow) -> None:
    steps_of = {step["id"]: step for _, step in ci_cd.steps() if "id" in step}
    for name, output in ci_cd.jobs["publish"]["outputs"].items():
        found = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output)
        assert found, f"{name}: {output}"
        step = steps_of[found[1]]
        if FROM_SECRETS in str(step):
            assert found[2] == "digest", f"{name}: {output}"


@every_workflow
def test_no_expression_is_pasted_into_a_shell(file: Path) -> None:
    for job, step in read(file).steps():
        assert "${{" not in step.get("run", ""), f"{job}: {step['name']}"


def test_the_model_is_judged_before_anything_is_pushed(ci_cd: Workflow) -> None:
    order = names(ci_cd, "publish")
    gate = order.index("Compare the model with the deployed one")
    pushing = [i for i, s in enumerate(steps(ci_cd, "publish")) if s.get("with", {}).get("push")]
    card = steps(ci_cd, "publish")[gate - 1]
    assert card["with"]["target"] == "card"
    assert "push" not in card["with"]
    assert len(pushing) == 2
    assert gate < min(pushing)


def test_testing_publishing_and_deploying_follow_each_other(ci_cd: Workflow) -> None:
    assert [job.get("needs") for job in ci_cd.jobs.values()] == [None, "test", "publish"]
    assert ci_cd.jobs["test"]["if"] == "github.event.pusher.name != 'github-actions[bot]'"


def test_the_steps_that_read_history_have_all_of_it(ci_cd: Workflow) -> None:
    for job in ("publish", "deploy"):
        (checkout,) = (s for s in steps(ci_cd, job) if "/checkout@" in s.get("uses", ""))
        assert checkout["with"]["fetch-depth"] == 0


def test_every_job_of_a_pull_request_counts_for_all_green() -> None:
    jobs = read(CI).jobs
    assert set(jobs["all-green"]["needs"]) == jobs.keys() - {"all-green"}
    assert jobs["all-green"]["if"] == "always()"


@pytest.mark.parametrize(
    ("ref", "changed", "reason"),
    [
        ("refs/heads/develop", ["manifest/kustomization.yaml", "manifest/grafana/a.json"], "paths"),
        ("refs/heads/develop", ["manifest/kustomization.yaml", "README.md"], ""),
        ("refs/heads/develop", ["api/manifest/a.yaml"], ""),
        ("refs/heads/develop", [], ""),
        ("refs/heads/develop/x", ["README.md"], "branches"),
        ("refs/tags/develop", ["README.md"], "branches"),
    ],
)
def test_what_a_push_changes_decides_whether_a_run_starts(
    ci_cd: Workflow, ref: str, changed: list[str], reason: str
) -> None:
    assert ci_cd.ignores(ref, changed).partition(":")[0].removesuffix("-ignore") == reason


def test_every_action_has_a_stand_in_for_the_end_to_end_test(ci_cd: Workflow) -> None:
    assert stand_ins(ci_cd).keys() == ci_cd.uses()
    unknown = Workflow("jobs: {a: {steps: [{uses: someone/something@v1}]}}")
    with pytest.raises(LookupError, match="someone/something@v1 has no stand-in"):
        stand_ins(unknown)
