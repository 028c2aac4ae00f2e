"""Fetch and push a branch of a remote; tell failures worth a retry from final ones."""

import re
import subprocess

from clone import GitError, failure, git, run


class Again(Exception):
    """The attempt failed, and the next one may succeed. One line that says why."""


# Of two pushes at one instant the later finds the branch changed, or locked while it changes.
MOVED = re.compile(
    r"\[rejected\]|\[remote rejected\] \("
    r"(cannot lock ref|failed to lock|failed to update ref|incorrect old value)"
)
# Every other failure may be temporary, from an unreachable name server to a server's 500.
LASTING = re.compile(
    r"returned error: 40[134]|Authentication failed|could not read (Username|Password)"
    r"|Permission .*denied|Host key verification failed|[Rr]epository .*not found"
    r"|does not appear to be a git repository|couldn't find remote ref"
)


def fetch_and_reset(remote: str, branch: str) -> str:
    """Make the clone equal to the remote's branch, whatever it held; return the commit.

    Raises Again where the remote gave no answer, GitError where it never will.
    """
    ours = f"refs/remotes/{remote}/{branch}"
    arguments = ("fetch", "--quiet", remote, f"+refs/heads/{branch}:{ours}")
    done = run("git", *arguments)
    if done.returncode:
        raise _unanswered(arguments, done)
    git("reset", "--quiet", "--hard", ours)
    return git("rev-parse", "HEAD").strip()


def push(remote: str, branch: str) -> None:
    """Push HEAD, without force.

    Raises Again where the branch has moved or the remote gave no answer, GitError where the remote
    refuses: a protected branch, a token without permission.
    """
    arguments = ("push", "--porcelain", remote, f"HEAD:refs/heads/{branch}")
    done = run("git", *arguments)
    if not done.returncode:
        return
    status = next((line for line in done.stdout.splitlines() if line.startswith("!")), "")
    if MOVED.search(status):
        raise Again(f"{branch} has moved: {status.split(chr(9))[-1]}")
    if status:
        raise failure(arguments, done)
    raise _unanswered(arguments, done)


def _unanswered(
    arguments: tuple[str, ...], done: "subprocess.CompletedProcess[str]"
) -> Again | GitError:
    """Return what follows from a failure that came before the remote's answer."""
    if LASTING.search(done.stderr):
        return failure(arguments, done)
    words = done.stderr.strip().splitlines() or ["no word"]
    return Again(f"git {arguments[0]} ended with {done.returncode}: {words[0]}")
