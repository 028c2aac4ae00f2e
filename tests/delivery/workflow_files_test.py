"""The workflows as GitHub reads them: what they may do, and who gets to see a secret."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.github.workflow import Workflow, stand_ins
from order import NAME
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import Done
from support.paths import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI_CD, CI = FILES
FROM_SECRETS = "secrets."
USES = re.compile(r"\buses: (\S+)(.*)")

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
        "publish": {
            "actions": "read",
            "contents": "read",
            "id-token": "write",
            "statuses": "read",
        },
        "deploy": {"contents": "write", "statuses": "read"},
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
        ("publish", "Check that both images may be pushed", [token, name]),
        ("publish", "Log in to Docker Hub", [token, name]),
        ("publish", "Compare the model with the one that runs", [run]),
        ("publish", "Wait until the tests have passed", [run]),
        ("publish", "Build and push the API's image", [name]),
        ("publish", "Build and push the load tester's image", [name]),
        ("publish", "Sign both images", [name]),
        ("deploy", names(ci_cd, "deploy")[2], [run]),
    ]
    outside = {**ci_cd.content, "jobs": {}}
    assert FROM_SECRETS not in str(outside)
    assert all(FROM_SECRETS not in str(job.get("env")) for job in ci_cd.jobs.values())


def test_whoever_reviews_the_environment_is_asked_once(ci_cd: Workflow) -> None:
    assert [name for name, job in ci_cd.jobs.items() if "environment" in job] == ["publish"]


@pytest.mark.parametrize(
    ("user", "fit"),
    [("you", True), ("you-2_b", True), ("You", False), ("you@example.org", False), ("", False),
     ("you ", False), ("you\n", False), ("docker.io/you", False), ("año", False)],
)  # fmt: skip
def test_a_user_name_that_no_image_can_have_ends_publishing_at_its_first_step(
    ci_cd: Workflow, tmp_path: Path, user: str, fit: bool
) -> None:
    done, outputs = execute(steps(ci_cd, "publish")[0], tmp_path, DOCKERHUB_USERNAME=user)
    assert (done.returncode == 0) == fit == bool(re.fullmatch(NAME, user))
    assert done.stderr == ""
    if fit:
        assert bytes.fromhex(outputs.removeprefix("in_hex=")).decode() == user
        return
    (line,) = done.stdout.splitlines()
    said = "is not a user name in lower case" if user else "is empty: make the environment"
    assert line.startswith(f"::error::DOCKERHUB_USERNAME {said}")


def execute(step: dict[str, Any], folder: Path, **environment: str) -> tuple[Done, str]:
    """Run a step as GitHub does; return what came of it, with its outputs or summary."""
    written = folder / "written"
    files = {"GITHUB_OUTPUT": str(written), "GITHUB_STEP_SUMMARY": str(written)}
    own = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    command = ("bash", "-e", "-c", step["run"])
    done = subprocess.run(
        command, env=own | files | environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done, written.read_text() if written.exists() else ""


def test_the_command_that_verifies_names_nothing_that_github_masks(
    ci_cd: Workflow, tmp_path: Path
) -> None:
    (step,) = (s for s in steps(ci_cd, "deploy") if s["name"].startswith("Say how to verify"))
    environment = {
        "GITHUB_SHA": "c" * 40, "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "you/mlops", "TAG": "2026-01-02-03-04-05",
        "GITHUB_WORKFLOW_REF": "you/mlops/.github/workflows/ci-cd.yml@refs/heads/develop",
        "API_DIGEST": "sha256:a", "LOADTESTER_DIGEST": "sha256:b",
    }  # fmt: skip
    done, summary = execute(step, tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "you" not in re.findall(r"\w+", summary)
    assert "cosign 3" in summary
    commands = summary.split("```")[1]
    heard = 'cosign() { printf "%s " "$@"; echo; }; ' + commands.replace(
        "=...  # OWNER/NAME", "=you/mlops"
    ).replace("=...", "=you")
    command = ("bash", "-euc", heard)
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    first, second = said.stdout.splitlines()
    identity = "https://github.com/you/mlops/.github/workflows/ci-cd.yml@refs/heads/develop"
    for line, image in ((first, f"{API_IMAGE}@sha256:a"), (second, f"{LOADTESTER_IMAGE}@sha256:b")):
        assert line.startswith(f"verify docker.io/you/{image} ")
        assert line.endswith(f" --certificate-identity {identity} ")


@pytest.mark.parametrize(
    ("failed", "pushed", "said"),
    [
        ("USER_NAME", "skipped", "Nothing was published.** Mend the secrets"),
        ("MAY_PUSH", "skipped", "Nothing was published.** Mend the secrets"),
        ("GATE", "skipped", "Nothing was published.** The model is worse"),
        ("TESTS", "skipped", "Nothing was published.** The tests did not pass"),
        ("", "failure", "Nothing was published.** See the failed step's log"),
        ("", "success", "Both images are on Docker Hub, not deployed.** See the failed"),
    ],
)
def test_a_failed_run_says_in_a_line_what_to_do(
    ci_cd: Workflow, tmp_path: Path, failed: str, pushed: str, said: str
) -> None:
    outcomes = dict.fromkeys(("USER_NAME", "MAY_PUSH", "GATE", "TESTS"), "success")
    given = {**outcomes, failed: "failure"} if failed else outcomes
    done, summary = execute(steps(ci_cd, "publish")[-1], tmp_path, **given, PUSHED=pushed)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = summary.splitlines()
    assert line.startswith(f"**{said}")
    for job in ("test", "publish", "deploy"):
        last = steps(ci_cd, job)[-1]
        assert (last["name"], last["if"]) == ("Say what to do", "failure()")


def test_no_output_holds_a_secret_or_github_would_drop_it(ci_cd: Workflow) -> None:
    steps_of = {step["id"]: step for _, step in ci_cd.steps() if "id" in step}
    for name, output in ci_cd.jobs["publish"]["outputs"].items():
        found = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output)
        assert found, f"{name}: {output}"
        step = steps_of[found[1]]
        if FROM_SECRETS in str(step):
            assert found[2] in ("digest", "in_hex"), f"{name}: {output}"


@every_workflow
def test_no_expression_is_pasted_into_a_shell(file: Path) -> None:
    for job, step in read(file).steps():
        assert "${{" not in step.get("run", ""), f"{job}: {step['name']}"


def test_the_model_is_judged_before_anything_is_pushed(ci_cd: Workflow) -> None:
    order = names(ci_cd, "publish")
    gate = order.index("Compare the model with the one that runs")
    pushing = [i for i, s in enumerate(steps(ci_cd, "publish")) if s.get("with", {}).get("push")]
    card = steps(ci_cd, "publish")[gate - 1]
    assert card["with"]["target"] == "card"
    assert "push" not in card["with"]
    assert len(pushing) == 2
    assert gate < min(pushing)
    assert order[: gate - 1].count("Check that both images may be pushed") == 1


def test_images_are_built_before_the_tests_have_passed_and_pushed_after(ci_cd: Workflow) -> None:
    publish, order = steps(ci_cd, "publish"), names(ci_cd, "publish")
    waiting = order.index("Wait until the tests have passed")
    assert publish[waiting]["run"].endswith(f" {ci_cd.jobs['test']['name']}")
    for image in ("the API's image", "the load tester's image"):
        built, pushed = (order.index(f"{verb} {image}") for verb in ("Build", "Build and push"))
        assert built < waiting < pushed
        # The same but for what leaves the machine, or nothing of it would be found in the cache.
        before, after = dict(publish[built]["with"]), dict(publish[pushed]["with"])
        assert before.pop("push") is False
        assert {name: after[name] for name in before} == before
        assert after.keys() - before.keys() == {"push", "tags", "provenance", "sbom"}


def test_nothing_is_deployed_before_the_tests_have_passed_and_both_images_are_there(
    ci_cd: Workflow,
) -> None:
    needs = {name: job.get("needs") for name, job in ci_cd.jobs.items()}
    assert needs == {"test": None, "publish": None, "deploy": ["test", "publish"]}
    human = "github.event.pusher.name != 'github-actions[bot]'"
    assert ci_cd.jobs["test"]["if"] == human
    assert ci_cd.jobs["publish"]["if"] == f"github.ref == 'refs/heads/develop' && {human}"


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
