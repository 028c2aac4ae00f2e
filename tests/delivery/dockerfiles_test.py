"""What the images take from a checkout, and who keeps what they start from new."""

import re
from pathlib import Path

import pytest
import yaml

from support.fork import tracked
from support.paths import ROOT

STAND_INS = "tests/cluster/images/"
"""They name no version of others; tests/cluster/images.sh gives them files that all may read."""
DOCKERFILES = [
    name for name in tracked() if Path(name).name == "Dockerfile" and not name.startswith(STAND_INS)
]
COPY = re.compile(r"^COPY (?P<options>(?:--\S+ )*)(?P<what>.+)$", re.MULTILINE)


def stages(file: str) -> dict[str, str]:
    """Return the instructions of each stage by its name; the last one has none."""
    text = re.sub(r"\\\n", "", (ROOT / file).read_text())
    parts = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]
    named = {}
    for part in parts:
        first = part.splitlines()[0]
        named[first.rpartition(" AS ")[2] if " AS " in first else ""] = part
    return named


@pytest.mark.parametrize("file", DOCKERFILES)
def test_no_file_has_the_mode_of_the_checkout_which_may_shut_the_user_out(file: str) -> None:
    """Under umask 077 a file is its owner's alone: root's, in the image. What builds is root."""
    found = stages(file)
    last = [*found][-1]
    for options, _ in COPY.findall(found[last]):
        given = re.search(r"--from=(\S+)", options)
        if given:
            source = found.get(given[1], "")
            folders = [what for o, what in COPY.findall(source) if "--" not in o and "/ " in what]
            assert not folders or "chmod -R go=rX " in source, f"{file}: {given[1]}: {folders}"
        else:
            assert "--chmod=644" in options, f"{file}: {options}"


def test_dependabot_looks_at_whatever_names_a_version() -> None:
    config = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    covered = {
        update["package-ecosystem"]: set(update.get("directories", [update.get("directory")]))
        for update in config["updates"]
    }

    def folders(*patterns: str) -> set[str]:
        named = (name for name in tracked() if not name.startswith(STAND_INS))
        return {f"/{Path(n).parent}" for n in named if any(map(Path(n).match, patterns))}

    assert covered == {
        "github-actions": {"/"},
        # Of the manifests Dependabot reads what a container's `image` names.
        "docker": folders("Dockerfile", "grafana-deployment.yaml"),
        "npm": folders("package.json"),
        "pip": folders("*.in"),
    }
