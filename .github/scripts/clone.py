"""The clone in the working directory, asked through git."""

import os
import subprocess

ENVIRONMENT = {
    "LC_ALL": "C",  # what git says is read, and it speaks many languages
    "GIT_TERMINAL_PROMPT": "0",  # a question would wait forever
}
SECONDS = 60


class GitError(Exception):
    """Git failed, or the clone cannot be used. The message is Git's own, or one line."""


def run(*command: str, stdin: str = "", folder: str = ".") -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; return its exit code and everything it printed.

    A program that takes more than SECONDS is killed; the caller gets exit code 124.
    """
    try:
        return subprocess.run(
            command, input=stdin, capture_output=True, encoding="utf-8", errors="replace",
            timeout=SECONDS, cwd=folder, env=os.environ | ENVIRONMENT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"not done in {SECONDS} s")


def git(*arguments: str, stdin: str = "") -> str:
    """Return what git prints. Raises GitError where it ends with anything but 0."""
    done = run("git", *arguments, stdin=stdin)
    if done.returncode:
        raise failure(arguments, done)
    return done.stdout


def failure(arguments: tuple[str, ...], done: "subprocess.CompletedProcess[str]") -> GitError:
    """Return the error that says which command failed, how, and why in git's words."""
    words = done.stderr.strip() or done.stdout.strip()
    return GitError(f"git {arguments[0]} ended with {done.returncode}: {words}")


def refuse_shallow() -> None:
    """Raise GitError in a clone without its whole history.

    There git knows no ancestors: what is older would pass for unrelated, and be deployed.
    """
    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        raise GitError("this clone is shallow: check out with fetch-depth: 0")


def is_ancestor(older: str, newer: str) -> bool:
    """Tell whether a commit is an ancestor of another, or the same.

    Raises GitError where git cannot tell, such as for a commit that the clone does not have.
    """
    arguments = ("merge-base", "--is-ancestor", older, newer)
    done = run("git", *arguments)
    if done.returncode not in (0, 1):
        raise failure(arguments, done)
    return done.returncode == 0
