"""What docs/estimators.md says, beside what is found."""

from collections.abc import Iterable

from documents import walkthrough
from estimators import page
from estimators.verdict import Verdict
from support import document

SECTIONS = document.sections(document.text_of("docs/estimators.md"))


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table of a section, without heading."""
    lines = [line for line in SECTIONS[heading].splitlines() if line.startswith("| ")][2:]
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]


def check_told(data: str, found: Iterable[Verdict]) -> None:
    """Fail unless the document has each verdict, but for its numbers."""
    headings = {section.outcome: section.heading for section in page.SECTIONS}
    for verdict in found:
        cells = page.said(data, verdict)
        told = [row[: len(cells)] for row in rows(headings[verdict.outcome])]
        same = walkthrough.words(" | ".join(cells))
        assert same in {walkthrough.words(" | ".join(row)) for row in told}, told
