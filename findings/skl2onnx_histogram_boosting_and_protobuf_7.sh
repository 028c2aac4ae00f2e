#!/usr/bin/env bash
# scikit-learn 1.9.1, skl2onnx 1.20.0, onnx 1.23.2, protobuf 7.36.2, Python 3.11.
#
# No HistGradientBoosting model can be converted where protobuf 7 is installed, which `pip install skl2onnx` brings: the
# converter writes False among integers, and protobuf 7 refuses a boolean there. The error's first line speaks of a
# node that cannot be created, and lists arrays; the reason stands only in its cause. Protobuf 6 takes the boolean.
#
# Seen:  ValueError: Unable to create node 'TreeEnsembleRegressor' ...
#        because of TypeError: ... Expected an int, got a boolean.
# Source: skl2onnx/common/tree_ensemble.py, `missing = False` in
#         add_tree_to_attribute_pairs_hist_gradient_boosting(); https://pypi.org/project/protobuf/7.36.2/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 protobuf==7.36.2
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingRegressor

rows = np.arange(100, dtype=np.float32).reshape(-1, 1)
model = HistGradientBoostingRegressor(max_iter=2).fit(rows, rows.ravel())
try:
    to_onnx(model, rows[:1])
except ValueError as error:
    print(f"{type(error).__name__}: {str(error)[:60]}\n  because of {error.__cause__!r:.200}")
    assert "Expected an int, got a boolean" in str(error.__cause__), "the behaviour has changed"
else:
    raise AssertionError("the behaviour has changed")
PYTHON
