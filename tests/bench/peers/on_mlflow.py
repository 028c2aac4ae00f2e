"""Save the model as MLflow keeps it, with its signature: `python -m bench.peers.on_mlflow FOLDER`.

The format is cloudpickle, since a model of one's own candidates may hold classes of any package.
"""

import os
import sys
from pathlib import Path

import joblib
import mlflow
from pandas import DataFrame

from app.card import PIPELINE_FILE
from app.schemas import EXAMPLE, Row

if __name__ == "__main__":
    model = joblib.load(Path(os.environ["SERVING_MODEL_DIR"]) / PIPELINE_FILE)
    frame = DataFrame([Row.model_validate(EXAMPLE).model_dump()])
    mlflow.sklearn.save_model(
        model,
        sys.argv[1],
        signature=mlflow.models.infer_signature(frame, model.predict(frame)),
        serialization_format="cloudpickle",
    )
