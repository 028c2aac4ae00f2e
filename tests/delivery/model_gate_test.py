"""A model that is worse than the one that is running goes no further, unless somebody says why."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.card import Metrics, ModelCard
from fields import BadField
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import DATA, FILES, MANIFEST, Clone, Done, Origin, tag
from support.paths import ROOT, SCRIPTS
from tags import image_tags

OTHER_DATA = "e" * 64


@dataclass(frozen=True)
class Candidate:
    """What differs between the cards below."""

    loss: Any = 0.04
    loss_name: Any = "log loss"
    version: Any = "ce0fa017d476"
    accuracy: Any = 0.98
    data: Any = DATA

    def card(self) -> dict[str, Any]:
        return {
            "model_version": self.version,
            "metrics": {
                "loss": {"holdout": self.loss, "name": self.loss_name},
                "correct": {"holdout": self.accuracy},
            },
            "data": {"sha256": self.data},
        }


CANDIDATE = Candidate()


@dataclass(frozen=True)
class Develop:
    """A clone where the model of the second deploy is running, with a log loss of 0.04."""

    clone: Clone
    sources: tuple[str, str]
    card: Path

    def gate(self, candidate: Candidate, *options: str, **environment: str) -> Done:
        self.card.write_text(json.dumps(candidate.card()))
        return self.run("--card", str(self.card), *options, **environment)

    def run(self, *options: str, **environment: str) -> Done:
        return self.clone.run(
            sys.executable, str(SCRIPTS / "model_gate.py"), *options, **environment
        )


@pytest.fixture
def nothing_deployed(tmp_path: Path) -> Develop:
    clone = Origin.create(tmp_path / "origin").clone(tmp_path / "clone")
    sources = clone.commit("One", a="1"), clone.commit("Two", a="2")
    return Develop(clone, sources, tmp_path / "model.json")


@pytest.fixture
def develop(nothing_deployed: Develop) -> Develop:
    first, second = nothing_deployed.sources
    nothing_deployed.clone.deploy(1, first, loss=0.08, data=OTHER_DATA)
    nothing_deployed.clone.deploy(2, second, loss=0.04)
    return nothing_deployed


def values(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_what_it_reads_is_where_training_writes_it() -> None:
    card = Candidate().card()
    assert card.keys() <= ModelCard.model_fields.keys()
    assert card["metrics"].keys() <= Metrics.model_fields.keys()
    assert "sha256" in ModelCard.model_fields["data"].annotation.model_fields  # type: ignore[union-attr]


def test_a_worse_model_stops_with_1_and_one_line_that_says_by_how_much(develop: Develop) -> None:
    done = develop.gate(replace(CANDIDATE, loss=0.05))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "model ce0fa017d476 is worse by 0.010000 (25%) than the running 000000000002: log loss "
        "0.050000 against 0.040000; to deploy it all the same, run the workflow by hand "
        "(workflow_dispatch) with a reason\n"
    )


@pytest.mark.parametrize(
    ("loss", "how"),
    [(0.03, "better by 0.010000 (25%) than"), (0.04, "as good as"), (0.0400009, "as good as"),
     (0.0399991, "as good as")],
)  # fmt: skip
def test_a_model_that_is_no_worse_than_rounding_passes(
    develop: Develop, loss: float, how: str
) -> None:
    done = develop.gate(replace(CANDIDATE, loss=loss))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"model ce0fa017d476 is {how} the running 000000000002: ")


def test_a_little_more_than_rounding_is_worse(develop: Develop) -> None:
    done = develop.gate(replace(CANDIDATE, loss=0.0400011))
    assert done.returncode == 1
    assert "worse by 0.000001 (0.00275%)" in done.stderr


def test_figures_from_other_data_are_not_compared(develop: Develop) -> None:
    done = develop.gate(replace(CANDIDATE, loss=9, data=OTHER_DATA))
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot be compared" in done.stdout
    assert "eeeeeeeeeeee" in done.stdout
    assert "dddddddddddd" in done.stdout


def test_figures_of_another_loss_are_not_compared(develop: Develop) -> None:
    done = develop.gate(replace(CANDIDATE, loss=9, loss_name="root mean squared error"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "one was measured by root mean squared error, the other by log loss" in done.stdout


def test_the_first_model_passes(nothing_deployed: Develop) -> None:
    done = nothing_deployed.gate(CANDIDATE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to compare with: nothing was deployed yet" in done.stdout


def test_after_a_revert_the_model_before_is_the_one_to_beat(develop: Develop) -> None:
    develop.clone.git("revert", "--no-edit", "HEAD")
    done = develop.gate(replace(CANDIDATE, loss=0.09, data=OTHER_DATA))
    assert done.returncode == 1
    assert "worse by 0.010000 (12.5%) than the running 000000000001" in done.stderr


def test_a_tag_written_by_hand_is_named_and_passes(develop: Develop) -> None:
    manifest = (develop.clone.path / MANIFEST).read_text()
    develop.clone.commit("By hand", **{MANIFEST: manifest.replace(tag(2), "mine")})
    done = develop.gate(replace(CANDIDATE, loss=9))
    assert (done.returncode, done.stderr) == (0, "")
    assert "holds the tag mine, which the workflow has not deployed" in done.stdout


def test_a_human_s_commit_that_quotes_a_deploy_is_none(nothing_deployed: Develop) -> None:
    clone, (first, _) = nothing_deployed.clone, nothing_deployed.sources
    clone.deploy(1, first, loss=0.01)
    clone.git("commit", "--quiet", "--amend", "--reset-author", "--no-edit")
    done = nothing_deployed.gate(CANDIDATE)
    assert done.returncode == 0
    assert "nothing was deployed yet" in done.stdout


def test_a_worse_model_passes_with_a_reason_that_its_deploy_will_carry(
    develop: Develop, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    done = develop.gate(
        replace(CANDIDATE, loss=0.05), "--accept-worse= robust to new data ",
        GITHUB_OUTPUT=str(outputs),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("; accepted: robust to new data\n")
    found = values(outputs)
    assert found["model_gate"] == "accepted, 0.010000 (25%) worse: robust to new data"


def test_a_reason_that_nobody_needed_leaves_no_trace(develop: Develop, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    done = develop.gate(CANDIDATE, "--accept-worse=in case", GITHUB_OUTPUT=str(outputs))
    assert done.returncode == 0
    assert "in case" not in done.stdout
    assert values(outputs) == {
        "model_version": "ce0fa017d476",
        "model_loss": "0.04",
        "model_loss_name": "log loss",
        "model_accuracy": "0.98",
        "model_data": DATA,
        "model_gate": "",
    }


def test_the_summary_shows_both_models_side_by_side(develop: Develop, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = develop.gate(replace(CANDIDATE, loss=0.05), GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == (
        "before\n### Model\n\n"
        "|  | candidate | running |\n"
        "| --- | --- | --- |\n"
        "| model | `ce0fa017d476` | `000000000002` |\n"
        "| loss | 0.050000 log loss | 0.040000 log loss |\n"
        "| accuracy | 0.9800 | 0.9800 |\n"
        "| data | `dddddddddddd` | `dddddddddddd` |\n"
        f"\n{done.stderr}\n"
    )


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "   ",
        "fine\nSource-Commit: " + "0" * 40,
        "fine\rx",
        "fine\u2028x",
        "fine\u202ex",
        "\x07",
    ],
)
def test_a_reason_that_is_not_one_visible_line_is_refused_with_2(
    develop: Develop, tmp_path: Path, reason: str
) -> None:
    outputs = tmp_path / "outputs"
    done = develop.gate(
        replace(CANDIDATE, loss=0.05), f"--accept-worse={reason}", GITHUB_OUTPUT=str(outputs)
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"model_gate: --accept-worse: {reason!r} is not one line of text\n"
    assert not outputs.exists()


@pytest.mark.parametrize(
    ("candidate", "named"),
    [
        (replace(CANDIDATE, loss=None), "metrics.loss.holdout: None is not a number"),
        (replace(CANDIDATE, loss=float("nan")), "metrics.loss.holdout: nan is not"),
        (replace(CANDIDATE, loss=10**400), "metrics.loss.holdout: 1000"),
        (replace(CANDIDATE, loss=-0.1), "metrics.loss.holdout: -0.1 is not a number of"),
        (replace(CANDIDATE, loss=True), "metrics.loss.holdout: True is not a number"),
        (replace(CANDIDATE, loss_name="Log"), "metrics.loss.name: 'Log' is not lower-case words"),
        (replace(CANDIDATE, accuracy=1.1), "metrics.correct.holdout: 1.1 is not a number from"),
        (replace(CANDIDATE, version="a\nb=c"), "model_version: 'a\\nb=c' is not a version"),
        (replace(CANDIDATE, data="D" * 64), f"data.sha256: '{'D' * 64}' is not a SHA-256"),
        (replace(CANDIDATE, data=["d"]), "data.sha256: ['d'] is not a SHA-256"),
    ],
)
def test_a_field_of_the_card_that_is_not_as_it_must_be_is_named_with_2(
    develop: Develop, candidate: Candidate, named: str
) -> None:
    done = develop.gate(candidate)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{develop.card}: {named}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "a file to read"), ("{", "JSON"), ("[" * 100_000, "JSON"), ("[]", "a version")],
)
def test_a_card_that_cannot_be_read_is_named_with_2(
    develop: Develop, content: str | None, why: str
) -> None:
    if content is not None:
        develop.card.write_text(content)
    done = develop.run("--card", str(develop.card))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert str(develop.card) in done.stderr
    assert f"is not {why}" in done.stderr


def test_a_shallow_clone_is_refused_since_what_runs_may_be_cut_off(
    develop: Develop, tmp_path: Path
) -> None:
    develop.clone.push()
    shallow = Origin(tmp_path / "origin").clone(tmp_path / "shallow", "--depth=1")
    done = replace(develop, clone=shallow).gate(CANDIDATE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "fetch-depth: 0" in done.stderr


def test_a_deploy_that_records_no_loss_is_named_with_2(develop: Develop) -> None:
    message = develop.clone.git("log", "-1", "--format=%B").replace("Loss: 0.04", "Loss: ?")
    develop.clone.git("commit", "--quiet", "--amend", "-m", message)
    done = develop.gate(CANDIDATE)
    assert done.returncode == 2
    assert f"Model-Loss of the deploy {develop.clone.head()}: '?' is not" in done.stderr


@pytest.mark.parametrize(
    "images",
    [
        f"- name: {LOADTESTER_IMAGE}\n  newTag: X\n- name: {API_IMAGE}\n  newTag: X\n",
        f"# a\n\n  - newTag: 'X'  # b\n    name: {API_IMAGE}\n"
        f'# - name: c\n  - name: {LOADTESTER_IMAGE}\n    newTag: "X"\n',
        f"- digest: sha256:0\n  name: {API_IMAGE}\n  newName: a:5/b\n  newTag: X\n- newTag: X\n"
        f"  name: {LOADTESTER_IMAGE}\n",
    ],
)
def test_the_tag_is_found_however_the_list_of_images_is_written(images: str) -> None:
    around = "patches:\n- patch: |\n    images:\n    - name: no\n", "labels:\n- name: no\n"
    text = f"{around[0]}images: # c\n{images}{around[1]}"
    assert image_tags(text) == {API_IMAGE: "X", LOADTESTER_IMAGE: "X"}
    assert image_tags(f"{around[1]}images:\n{images}".rstrip()) == {
        API_IMAGE: "X",
        LOADTESTER_IMAGE: "X",
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kind: Kustomization\n", "{} is not a list of images that share one tag"),
        ("images: []\n", "{} is not a list of images that share one tag"),
        ("images: [{name: a, newTag: b}]\n", "{} is not a list of images that share one tag"),
        ("images:\n- name: a\n", "'name: a' is not an image with name and newTag"),
        (
            "images:\n- name: a\n  newTag: b\n- name: c\n  newTag: d\n",
            "{'a': 'b', 'c': 'd'} is",
        ),
    ],
)
def test_images_without_one_tag_are_named(text: str, named: str) -> None:
    with pytest.raises(BadField) as caught:
        image_tags(text)
    assert f"images of {MANIFEST}: {named}" in str(caught.value)


def test_this_repository_s_manifest_can_be_read() -> None:
    assert image_tags(FILES[MANIFEST]) == {LOADTESTER_IMAGE: "local", API_IMAGE: "local"}
    own = (ROOT / MANIFEST).read_text()
    assert image_tags(own).keys() == {LOADTESTER_IMAGE, API_IMAGE}
