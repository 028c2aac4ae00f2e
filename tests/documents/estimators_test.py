"""docs/estimators.md, of which a sample with each outcome is tried again."""

from pathlib import Path

import pytest

from app.features import TARGET
from documents import census
from estimators import page, run

if TARGET != "species":
    pytest.skip("the document speaks of the penguins", allow_module_level=True)

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


@pytest.mark.parametrize("data", SAMPLE)
def test_a_sample_of_the_estimators_comes_out_as_the_document_says(
    data: str, tmp_path: Path
) -> None:
    expected = {case: outcome for outcome, case in SAMPLE[data]}
    found = list(run.verdicts(data, tmp_path, *expected))
    assert {verdict.case: verdict.outcome for verdict in found} == expected
    census.check_told(data, found)


def test_every_case_has_one_row() -> None:
    cases = [tuple(row[:3]) for section in page.SECTIONS for row in census.rows(section.heading)]
    assert len(cases) == len(set(cases))
