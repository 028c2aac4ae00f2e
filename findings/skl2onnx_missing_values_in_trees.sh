#!/usr/bin/env bash
# scikit-learn 1.9.1, skl2onnx 1.20.0, onnx 1.23.2, onnxruntime 1.32.0, Python 3.11.
#
# A decision tree learns on which side a missing value belongs (`tree_.missing_go_to_left`). The converter does not
# write it down: nodes_missing_value_tracks_true is 0 everywhere, so that in ONNX each missing value goes to the right.
# Nothing is said in the conversion. Forests, ExtraTrees and Bagging of trees are converted in the same way;
# HistGradientBoosting has its own converter, which does write it.
#
# Seen:  scikit-learn [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], ONNX [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
# Source: skl2onnx/common/tree_ensemble.py, add_tree_to_attribute_pairs() calls add_node() without
#         nodes_missing_value_tracks_true; https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.tree import DecisionTreeRegressor

rows = np.array([[1], [2], [np.nan], [7], [8], [9]], np.float32)
values = np.array([0, 0, 0, 1, 1, 1], np.float32)
tree = DecisionTreeRegressor().fit(rows, values)
assert tree.tree_.missing_go_to_left[0] == 1

model = to_onnx(tree, rows[:1])
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
found = session.run(None, {"X": rows})[0].ravel().tolist()
print(f"scikit-learn {tree.predict(rows).tolist()}, ONNX {found}")
assert found == [0, 0, 1, 1, 1, 1], "the behaviour has changed"
PYTHON
