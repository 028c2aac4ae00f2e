"""The README in another language has the same commands, outputs, links and parts."""

import re

import pytest

from support import document

TRANSLATIONS = [name for name in document.documents() if re.fullmatch(r"README\.\w+\.md", name)]
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
    """Return the targets of links and pictures, but for those to the other languages."""
    return [target for target in document.links(text) if not re.match(r"README\b", target)]


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


def test_there_is_one_in_spanish() -> None:
    assert "README.es.md" in TRANSLATIONS


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_translation_says_the_same(name: str) -> None:
    assert missing(ENGLISH, document.text_of(name)) == []


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_the_languages_lead_to_each_other(name: str) -> None:
    assert name in document.links(ENGLISH)
    assert "README.md" in document.links(document.text_of(name))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("make up\n", "make down\n", "blocks"),
        ("\n## Try it\n", "\n### Try it\n", "headings"),
        ("docs/pictures/api.png", "docs/pictures/model.png", "links"),
        ("(docs/capacity.md)", "(docs/runbook.md)", "links"),
        ('"species":"Adelie"', '"species":"Gentoo"', "blocks"),
    ],
)
def test_a_difference_is_noticed(old: str, new: str, what: str) -> None:
    assert old in ENGLISH
    assert missing(ENGLISH, ENGLISH.replace(old, new)) == [what]
