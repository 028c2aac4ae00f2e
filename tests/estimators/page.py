"""docs/estimators.md: its words, and a row for each verdict."""

import platform
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from bench.markdown import table
from estimators.verdict import CANDIDATE, SECONDS, Verdict
from support.paths import ROOT

PAGE = ROOT / "docs/estimators.md"
COMMAND = "PYTHONPATH=api:tests .venv/bin/python -m estimators.run"
PACKAGES = (
    *("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy"),
    *("xgboost-cpu", "lightgbm", "onnxmltools"),
)
"""Whose versions are told."""


class Section(NamedTuple):
    """A table: its outcome, heading and introduction, and what its fourth column says."""

    outcome: str
    heading: str
    words: str
    column: str = ""


SECTIONS = (
    Section("onnx", "ONNX", "The image holds no scikit-learn, and a row takes microseconds."),
    Section(
        "own choice",
        "ONNX, with the model's own choice of a class",
        "These do not name the most probable class: their `predict` goes by something else. The "
        "model file holds that choice beside the probabilities, so that the service names the "
        "class that the pipeline would.",
    ),
    Section(
        "scikit-learn",
        "scikit-learn itself",
        "skl2onnx has no converter for a part of these, or what it makes of them answers "
        "otherwise, which training notices. The service then runs the pipeline itself: with the "
        "same answers, with scikit-learn in its image, and hundreds of times slower for a single "
        "row; one of XGBoost or LightGBM takes its package in the image too. For several of "
        "them there is a sister that becomes ONNX, among them "
        "`CalibratedClassifierCV(method='sigmoid')` in place of isotonic calibration, "
        "`KNeighborsClassifier(weights='uniform')`, `HistGradientBoostingClassifier()` behind "
        "one-hot columns in place of `categorical_features`, and `SVC` behind `StandardScaler()`.",
        "why it is not ONNX",
    ),
    Section(
        "refused",
        "Refused",
        f"Training ends with this line, in which the candidate is called {CANDIDATE} and `{{...}}` "
        "stands for a row of the table. Each line says what to write instead.",
        "what training says",
    ),
)


def page(found: Iterable[tuple[str, Verdict]], versions: str) -> str:
    """Return the document for verdicts with the names of their data."""
    verdicts = sorted(found, key=lambda pair: (pair[1].name, pair[1].front, pair[0]))
    parts = {s.outcome: [pair for pair in verdicts if pair[1].outcome == s.outcome]
             for s in SECTIONS}  # fmt: skip
    counts = [(f"[{s.heading}](#{_anchor(s.heading)})", len(parts[s.outcome])) for s in SECTIONS]
    return "\n".join([
        _introduction(versions),
        table({"what becomes of it": "", "cases": "d"}, counts),
        *(_section(section, parts[section.outcome]) for section in SECTIONS),
    ])  # fmt: skip


def _introduction(versions: str) -> str:
    return f"""# Which estimators can be served

Every classifier and every regressor of scikit-learn, and variants that people use, was given to
training as its only candidate, and so were those of XGBoost and LightGBM, for which
[one has to ask](your-own-model.md#xgboost-and-lightgbm). This page is written by a program, and
says what became of each:

```
{COMMAND}
```

It takes about six minutes of one core; `tests/documents/estimators_test.py` repeats a sample with
each `make test`, and `tests/documents/boosters_test.py` one of the boosters.
{date.today()}, Python {platform.python_version()}:
{versions}.

- Classifiers saw the penguins (three classes, text, missing values) behind the usual steps, and
  alone the tumours of `tests/datasets/breast_cancer/` (two classes, thirty numbers). Regressors saw
  `tests/datasets/diabetes/`.
- In front of an estimator stood a `ColumnTransformer` by name: `SimpleImputer()` where it says
  imputed, `StandardScaler()` where it says scaled, and `OneHotEncoder(handle_unknown="ignore")` for
  text. Where it says nothing, the estimator got the table as it is.
- The largest difference is that of a probability, or of a value between 0 and 400, between the
  pipeline and what the service answers in JSON, whose probabilities have six decimals. All rows of
  the table and 10,000 fuzzed ones are compared. Above 0.00001 for a probability and 0.004 for a
  value of diabetes the model is not taken. A class that differs is never taken.
- Microseconds a row are those of the model alone, on one thread: in a call of its own, and in a
  call with 1,000 rows. They are rounded to two digits and indicative: another machine, or another
  hour, gives others. Ratios below two say nothing.
- Whether a model is any good is not asked here: training still refuses one that learns nothing.
- An estimator that takes more than {SECONDS} s of a core is cut off, and named.
"""


def _section(section: Section, found: Sequence[tuple[str, Verdict]]) -> str:
    columns = {"estimator": "", "in front": "", "data": ""}
    if section.column:
        columns[section.column] = ""
    if section.outcome != "refused":
        columns |= {"largest difference": "", "µs alone": "", "µs of 1,000": ""}
    rows = [(*said(data, verdict), *_measured(verdict)) for data, verdict in found]
    return f"## {section.heading}\n\n{section.words}\n\n{table(columns, rows)}"


def said(data: str, verdict: Verdict) -> list[str]:
    """Return the cells of a verdict that are the same whenever and wherever it is found."""
    cells = [_code(verdict.name), _front(verdict.front), data]
    if verdict.outcome == "scikit-learn":
        cells.append(_plain(_in_short(verdict.reason)))
    elif verdict.outcome == "refused":
        row_left_out = re.sub(r"\{.*\}", "{...}", verdict.reason)
        cells.append(_code(row_left_out))
    return cells


def _measured(verdict: Verdict) -> list[str]:
    if verdict.outcome == "refused":
        return []
    times = (verdict.alone, verdict.together)
    return [
        f"{verdict.difference:.0e}" if verdict.difference else "0",
        *(f"{float(f'{time:.2g}'):,g}" for time in times),
    ]


def _in_short(reason: str) -> str:
    """Return in a few words why a pipeline does not become ONNX; the rest is in the reason."""
    if "the service would answer [nan" in reason:
        return "it answers NaN to some rows"
    if " where the pipeline predicts " in reason:
        return "it names another class for some rows"
    if apart := re.search(r"the service would answer .*?\], ([\d.e+-]+) from", reason):
        return f"it differs by {float(f'{float(apart[1]):.1g}'):g}"
    if kind := re.search(r"shape calculator for type '<class '[\w.]*?(\w+)'>", reason):
        return f"{kind[1]} has no converter"
    if "[ONNXRuntimeError]" in reason:
        return "onnxruntime cannot run what the converter makes of it"
    if kind := re.search(r"Option 'zipmap' not in .* for class '(\w+)'", reason):
        return f"{kind[1]} has no converter that predicts"
    if "Mismatch between expected shape" in reason:
        return "its converter leaves columns out"
    if "at most 1 input(s)" in reason:
        return "its converter takes one kind of column"
    words = re.sub(r"^\w+: ", "", reason)
    return f"its converter says: {re.split(r'[.;] | with shapes ', words)[0].rstrip('.')}"


def _front(front: str) -> str:
    return _code(front) if "(" in front else front


def _code(text: str) -> str:
    escaped = text.replace("|", r"\|").replace("`", "'")
    return f"`{escaped}`"


def _plain(text: str) -> str:
    return re.sub(r"([|<*_`\[])", r"\\\1", text)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
