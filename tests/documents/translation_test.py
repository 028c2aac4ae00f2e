"""A document in another language has the same commands, outputs, links and parts."""

import re
from pathlib import Path

import pytest

from support import document

LANGUAGE = re.compile(r"\.[a-z]{2}(?=\.md$)")
ORIGINALS = {n: LANGUAGE.sub("", n) for n in document.documents() if LANGUAGE.search(n)}
"""By the names of their translations."""
ENGLISH = document.text_of("README.md")


def wordless(language: str, block: str) -> str:
    """Return a block without what is translated: comments, descriptions, texts of a diagram."""
    if document.TREE.match(block):
        return "\n".join(line.split()[0] for line in block.splitlines())
    if language == "mermaid":
        return re.sub(r'"[^"]*"', '""', block)
    return re.sub(r"(?m) +# .*$", "", block)


def levels(text: str) -> list[int]:
    """Return the level of each heading."""
    return [level for level, _ in document.headings(text)]


def links(text: str) -> list[str]:
    """Return the targets of links and pictures, in whichever language."""
    return [LANGUAGE.sub("", target) for target in document.links(text)]


def missing(english: str, other: str) -> list[str]:
    """Return what differs though it must not."""
    blocks = [
        [wordless(*fence) for fence in document.FENCE.findall(text)] for text in (english, other)
    ]
    found = {
        "blocks": blocks[0] == blocks[1],
        "headings": levels(english) == levels(other),
        "links": links(english) == links(other),
    }
    return [what for what, same in found.items() if not same]


def test_what_a_student_needs_first_is_there_in_spanish() -> None:
    assert {"README.es.md", "docs/workshop.es.md"} <= ORIGINALS.keys()


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_translation_says_the_same(name: str) -> None:
    assert missing(document.text_of(ORIGINALS[name]), document.text_of(name)) == []


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_languages_lead_to_each_other(name: str) -> None:
    here, there = Path(name).name, Path(ORIGINALS[name]).name
    assert here in document.links(document.text_of(ORIGINALS[name]))
    assert there in document.links(document.text_of(name))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("make up  ", "make down", "blocks"),
        ("\n## Try it\n", "\n### Try it\n", "headings"),
        ("docs/pictures/api.png", "docs/pictures/model.png", "links"),
        ("(docs/capacity.md)", "(docs/runbook.md)", "links"),
        ('"species":"Adelie"', '"species":"Gentoo"', "blocks"),
    ],
)
def test_a_difference_is_noticed(old: str, new: str, what: str) -> None:
    assert old in ENGLISH
    assert missing(ENGLISH, ENGLISH.replace(old, new)) == [what]
