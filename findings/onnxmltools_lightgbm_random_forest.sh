#!/usr/bin/env bash
# lightgbm 4.7.0, onnxmltools 1.16.0, skl2onnx 1.20.0, onnx 1.23.2, onnxruntime 1.32.0, scikit-learn 1.9.1, Python 3.11.
#
# A random forest of LightGBM answers the mean of its trees. The converter sums them and divides by 100, whatever their
# number is: 100 is the default of n_estimators, so that the usual example is right to the last digit. With 20 trees all
# answers are a fifth of what they should be, and with 200 twice as much. Nothing is said in the conversion.
#
# Seen:  ONNX / LightGBM = 1.00 to 1.00 with 100 trees, 0.20 to 0.20 with 20, 2.00 to 2.00 with 200
# Source: onnxmltools/convert/lightgbm/operator_converters/LightGbm.py, `denominator_name` with [100.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  lightgbm==4.7.0 onnxmltools==1.16.0 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from lightgbm import LGBMRegressor
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes

update_registered_converter(LGBMRegressor, "Lgbm", calculate_linear_regressor_output_shapes, convert_lightgbm)
rows = np.random.default_rng(0).uniform(1, 9, (500, 3)).astype(np.float32)
for trees, expected in ((100, 1), (20, 0.2), (200, 2)):
    settings = {"boosting_type": "rf", "subsample": 0.8, "subsample_freq": 1, "n_jobs": 1, "verbosity": -1}
    model = LGBMRegressor(n_estimators=trees, **settings).fit(rows, rows.sum(axis=1))
    onnx = to_onnx(model, rows[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString()
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    ratios = session.run(None, {"X": rows})[0].ravel() / model.booster_.predict(rows)
    print(f"{trees} trees: ONNX / LightGBM = {ratios.min():.2f} to {ratios.max():.2f}")
    assert np.allclose(ratios, expected, rtol=1e-3), "the behaviour has changed"
PYTHON
