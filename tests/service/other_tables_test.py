"""Tables of other kinds in a copy: what is trained, served and answered, or refused in a line."""

import json
from pathlib import Path

import pytest

from support.fork import SCHEMA, TRAINING, Fork

SCHEMAS = """
from typing import Literal
import datetime
from pydantic import BaseModel, ConfigDict, Field
class Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    {fields}
class Prediction(BaseModel):
    {target}
    model_version: str
Row = Item
"""
TRAIN = """
import sys
from pathlib import Path
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from training import SEED
from training.command import Recipe, main
from training.data import Data
from training.preparation import pipeline
file = Path(__file__).with_name("table.csv")
data = Data(file, "{sha256}", "Table", "-", "-", pd.read_csv)
forest = RandomForestRegressor(n_estimators=10, random_state=SEED)
sys.exit(main(Recipe(data, lambda: {{"forest": pipeline(forest, scale=False)}})))
"""
ASK = """
import asyncio, json
from app.main import create_app
from app.metrics import ModelMetrics
from app.model import Model
from app.predict import Scorer
from app.settings import Settings
settings = Settings()
model = Model.load(settings.model_dir)
rows = [example.row for example in model.card.holdout]
scorer = Scorer(model.outputs, model.card.model_version)
metrics = ModelMetrics(model.card, settings)
scored = scorer.score(rows)
metrics.scored(*scored)
counts = {sample.labels["predicted_class"]: sample.value for family in metrics.collect()
          for sample in family.samples if sample.name == "model_predictions_total"}
schema = create_app(settings, model).api.openapi()["components"]["schemas"]
print(json.dumps({
    "answers": [json.loads(answer) for answer in scorer.write(scored[1])],
    "outputs": scored[1][:, 0].tolist(),
    "labels": [example.label for example in model.card.holdout],
    "card": model.card.public().model_dump(mode="json"),
    "counts": counts,
    "types": {n: schema[n]["properties"] for n in ("Item", "Prediction")},
}))
"""
FIELDS = """size: float = Field(ge=0.7, le=12.1)
    rooms: int | None = Field(ge=0, le=9)"""

PRICE = "price: float = Field(ge=0, le=9)"


def write_schemas(fork: Fork, fields: str, target: str) -> None:
    (fork.folder / SCHEMA).write_text(SCHEMAS.format(fields=fields, target=target))


@pytest.mark.parametrize(
    ("command", "fields", "target", "said"),
    [
        (".venv/bin/python api/train_model.py", "day: datetime.date", PRICE,
         "day: date is no feature: write float or int"),
        ("cd api && ../.venv/bin/python -m app", "rooms: int = Field(ge=0, le=10**9)", PRICE,
         "rooms: 0 to 1000000000 is too wide for an int: "),
        ("cd api && ../.venv/bin/python -m app", FIELDS, "kind: Literal[1, 'a']",
         "kind: a Literal holds text alone or whole numbers"),
        (".venv/bin/python api/train_model.py", "rooms: int = Field(ge=0.5, le=9)", PRICE,
         "SchemaError: Field \"rooms\": Error building \"int\" validator: ValueError: 'ge' must "),
        (".venv/bin/python api/train_model.py", "size: 'flot' = Field(ge=0, le=9)", PRICE,
         "PydanticUndefinedAnnotation: name 'flot' is not defined"),
        ("cd api && ../.venv/bin/python -m app", "size: flot = Field(ge=0, le=9)", PRICE,
         "NameError: name 'flot' is not defined"),
    ],
    ids=["date", "large int", "mixed", "half an int", "no such type", "no such name"],
)  # fmt: skip
def test_a_schema_that_cannot_be_had_is_one_line_of_whatever_is_started(
    tmp_path: Path, command: str, fields: str, target: str, said: str
) -> None:
    fork = Fork(tmp_path)
    write_schemas(fork, fields, target)
    done = fork.run(command)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith(f"schemas.py: {said}")


def test_a_whole_number_is_learnt_and_answered_as_one(tmp_path: Path) -> None:
    fork = Fork(tmp_path)
    write_schemas(fork, FIELDS, "points: int = Field(ge=0, le=500)")
    # The ends are values of the file: float32 has 12.10000038 and 0.69999999 in their place.
    sizes = [0.7, 12.1, *(1 + n * 0.1 for n in range(98))]
    lines = [
        f"{size:.1f},{'' if n % 7 == 0 else n % 10},{round(30 * size) + n % 3}"
        for n, size in enumerate(sizes)
    ]
    table = "size,rooms,points\n" + "\n".join(lines) + "\n"
    (fork.folder / "api/table.csv").write_text(table)
    hashed = fork.run("sha256sum api/table.csv").stdout.split()[0]
    (fork.folder / TRAINING).write_text(TRAIN.format(sha256=hashed))
    done = fork.run(".venv/bin/python -W error api/train_model.py")
    assert done.returncode == 0, done.stderr
    (fork.folder / "ask.py").write_text(ASK)
    done = fork.run("cd api && PYTHONPATH=. ../.venv/bin/python ../ask.py")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    answers = [answer["points"] for answer in found["answers"]]
    assert all(type(answer) is int for answer in answers)
    # Half up: a forest of ten trees says a half often.
    assert answers == [int(output + 0.501) for output in found["outputs"]]
    assert any(output % 1 for output in found["outputs"])
    assert found["types"]["Prediction"]["points"]["type"] == "integer"
    assert found["types"]["Item"]["rooms"]["anyOf"][0]["type"] == "integer"
    errors = [abs(a - label) for a, label in zip(answers, found["labels"], strict=True)]
    correct = found["card"]["metrics"]["correct"]
    within = [error <= correct["tolerance"] for error in errors]
    assert sum(within) / len(within) == correct["holdout"]
    mean = sum(found["labels"]) / len(errors)
    r2 = 1 - sum(e**2 for e in errors) / sum((v - mean) ** 2 for v in found["labels"])
    assert found["card"]["metrics"]["score"]["holdout"] == pytest.approx(r2, abs=1e-12)
    edges = found["card"]["class_edges"]
    first = sum(answer <= edges[0] for answer in answers)
    assert next(iter(found["counts"].values())) == first
