"""docs/estimators.md, of which a sample with each outcome is tried again."""

from pathlib import Path

import pytest

from app.features import TARGET
from documents import walkthrough
from estimators import page, run
from support import document

if TARGET != "species":
    pytest.skip("the document speaks of the penguins", allow_module_level=True)

SECTIONS = document.sections(document.text_of("docs/estimators.md"))
USUAL = "behind imputed, scaled, one-hot"
SAMPLE = {
    "penguins": (
        ("onnx", "DecisionTreeClassifier() behind one-hot alone"),
        ("own choice", f"SVC(probability=True) {USUAL}"),
        ("scikit-learn", f"NearestCentroid() {USUAL}"),
        ("refused", f"MultinomialNB() {USUAL}"),
        ("refused", f"SVC() {USUAL}"),
    ),
    "diabetes": (
        ("onnx", f"Ridge() {USUAL}"),
        ("refused", f"IsotonicRegression() {USUAL}"),
        ("refused", f"MultiTaskLasso() {USUAL}"),
    ),
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table of a section, without heading."""
    lines = [line for line in SECTIONS[heading].splitlines() if line.startswith("| ")][2:]
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]


@pytest.mark.parametrize("data", SAMPLE)
def test_a_sample_of_the_estimators_comes_out_as_the_document_says(
    data: str, tmp_path: Path
) -> None:
    expected = {case: outcome for outcome, case in SAMPLE[data]}
    found = list(run.verdicts(data, tmp_path, *expected))
    assert {verdict.case: verdict.outcome for verdict in found} == expected
    headings = {section.outcome: section.heading for section in page.SECTIONS}
    for verdict in found:
        cells = page.said(data, verdict)
        told = [row[: len(cells)] for row in rows(headings[verdict.outcome])]
        same = walkthrough.words(" | ".join(cells))
        assert same in {walkthrough.words(" | ".join(row)) for row in told}, told


def test_every_case_has_one_row() -> None:
    cases = [tuple(row[:3]) for section in page.SECTIONS for row in rows(section.heading)]
    assert len(cases) == len(set(cases))
