"""Stop a model that is worse than the one that is running.

Run it at the root of a clone with its whole history, checked out at the branch that is deployed.
Compares the loss on held-out rows where both models know the same data and the same loss. A model
that the cluster has undone does not run. Ends with 1 where the new model is worse and nobody gave a
reason to accept it, with 2 where none can tell.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clone import GitError
from deployed import History, Model
from fields import SHA256, VERSION, WORDS, BadField, matching, number, output, sentence, summarise
from undone import Unanswered

TOLERANCE = 1e-6
"""Another processor's linear algebra rounds differently: a loss higher by this is not worse.

A loss in the target's unit may be above 1; then this is a share of it."""
ADVICE = "to deploy it all the same, run the workflow by hand (workflow_dispatch) with a reason"


@dataclass(frozen=True)
class Verdict:
    """How a model compares with the running one."""

    text: str
    worse_by: str = ""
    """How much higher its loss is, absolute and in percent; empty unless it is worse."""


def compare(candidate: Model, running: Model) -> Verdict:
    """Compare two models by the same loss on held-out rows of the same data."""
    if candidate.data != running.data:
        return Verdict(
            f"model {candidate.version} cannot be compared with the running {running.version}: "
            f"one was measured on data {candidate.data[:12]}, the other on {running.data[:12]}"
        )
    if candidate.loss_name != running.loss_name:
        return Verdict(
            f"model {candidate.version} cannot be compared with the running {running.version}: "
            f"one was measured by {candidate.loss_name}, the other by {running.loss_name}"
        )
    difference = candidate.loss - running.loss
    by = f"{abs(difference):.6f}"
    if running.loss:
        by += f" ({abs(difference) / running.loss * 100:.3g}%)"
    slack = TOLERANCE * max(1, running.loss)
    worse, better = difference > slack, difference < -slack
    how = f"worse by {by} than" if worse else f"better by {by} than" if better else "as good as"
    text = (
        f"model {candidate.version} is {how} the running {running.version}: "
        f"{candidate.loss_name} {candidate.loss:.6f} against {running.loss:.6f}"
    )
    return Verdict(text, by if worse else "")


def judge(candidate: Model, history: History) -> Verdict:
    """Compare a model with the one that the cluster serves, where there is one."""
    serving = history.serving()
    if serving is None:
        verdict = Verdict(f"nothing to compare with: {history.without_deploy()}")
    else:
        verdict = compare(candidate, serving.model())
    return replace(verdict, text=verdict.text + history.left_out())


def read_card(path: Path) -> Model:
    """Read a model card. Raises BadField that names the file, or the field and its value."""
    try:
        card = json.loads(path.read_bytes())
    except OSError as error:
        raise BadField("--card", str(path), f"a file to read: {error.strerror}") from None
    except (RecursionError, ValueError) as error:
        raise BadField("--card", str(path), f"JSON: {error}") from None

    def found(*keys: str) -> tuple[str, Any]:
        value = card
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return f"{path}: {'.'.join(keys)}", value

    return Model(
        matching(*found("model_version"), VERSION, "a version"),
        number(*found("metrics", "loss", "holdout")),
        matching(*found("metrics", "loss", "name"), WORDS, "lower-case words"),
        number(*found("metrics", "correct", "holdout"), most=1),
        matching(*found("data", "sha256"), SHA256, "a SHA-256"),
    )


def table(candidate: Model, running: Model | None, conclusion: str) -> str:
    """Return both models side by side, in Markdown."""
    columns = [("", "candidate", "running"), ("---",) * 3]
    columns += zip(
        ("model", "loss", "accuracy", "data"), _cells(candidate), _cells(running), strict=True
    )
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in columns)
    return f"### Model\n\n{rows}\n\n{conclusion}\n"


def _cells(model: Model | None) -> tuple[str, ...]:
    if model is None:
        return ("none",) * 4
    figures = f"{model.loss:.6f} {model.loss_name}", f"{model.accuracy:.4f}"
    return f"`{model.version}`", *figures, f"`{model.data[:12]}`"


def conclude(verdict: Verdict, reason: str) -> tuple[str, str]:
    """Return what follows from the verdict, and the trailer's text where that accepts a model."""
    if not verdict.worse_by:
        return verdict.text, ""
    if reason:
        accepted = f"accepted, {verdict.worse_by} worse: {reason}"
        return f"{verdict.text}; accepted: {reason}", accepted
    return f"{verdict.text}; {ADVICE}", ""


def gate(card: Path, reason: str) -> int:
    """Print, summarise and put out the verdict; return the exit code."""
    candidate, history = read_card(card), History()
    serving = history.serving()
    verdict = judge(candidate, history)
    conclusion, accepted = conclude(verdict, reason)
    stopped = bool(verdict.worse_by and not accepted)
    print(conclusion, file=sys.stderr if stopped else sys.stdout)
    summarise(table(candidate, serving.model() if serving else None, conclusion))
    output(
        model_version=candidate.version, model_data=candidate.data,
        model_loss=repr(candidate.loss), model_loss_name=candidate.loss_name,
        model_accuracy=repr(candidate.accuracy), model_gate=accepted,
    )  # fmt: skip
    return int(stopped)


def main() -> int:
    """Read the command line and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--card", type=Path, required=True, help="model.json of the new model")
    parser.add_argument("--accept-worse", metavar="REASON", help="let a worse model pass")
    asked = parser.parse_args()
    given: str | None = asked.accept_worse
    try:
        reason = "" if given is None else sentence("--accept-worse", given)
        return gate(asked.card, reason)
    except (BadField, GitError, Unanswered) as error:
        print(f"model_gate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
