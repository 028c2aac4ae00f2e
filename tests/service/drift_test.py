"""Drift as Prometheus computes it from /metrics, against numpy on the same rows."""

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from pandas import DataFrame

import train_model
from app.features import FEATURES
from support.psi import psi, psi_from_metrics
from support.service import scrape, serving
from training.data import to_rows

pytestmark = pytest.mark.by_data

TABLE = train_model.DATA.read(train_model.DATA.file)
FIRST = FEATURES[0].name
THIRDS = np.array_split(TABLE.sort_values(FIRST, kind="stable").index, 3)
"""Rows with the least, the middle and the largest values of the first feature."""


def as_json(value: object) -> object:
    """Return a category as JSON writes it; pandas has 2.0 where another one is missing."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else value


def share(rows: DataFrame, feature: str, card: dict[str, list[float]]) -> NDArray[np.float64]:
    """Bin raw values by numpy.histogram alone, with nothing of the service's own code."""
    column = rows[feature]
    if card["edges"]:
        # Bins are closed above, histogram's below: the mirror image of both is the same.
        edges = [-np.inf, *(-e for e in reversed(card["edges"])), np.inf]
        known = np.histogram(-column.dropna(), edges)[0][::-1]
    else:
        labels = [b["label"] for b in card["bins"][:-1]]  # type: ignore[index]
        known = np.array([(column.map(as_json) == label).sum() for label in labels])
    counts = np.array([*known, column.isna().sum()]) + 0.5
    return np.asarray(counts / counts.sum(), np.float64)


@pytest.mark.parametrize("third", range(3))
def test_psi_from_the_metrics_equals_numpys(third: int) -> None:
    with serving() as service, httpx.Client(base_url=service.url) as client:
        card = client.get("/model").json()
        held_out = [e["row"] for e in client.get("/model/holdout").json()["rows"]]
        names = [f["feature"]["name"] for f in card["features"]]
        live = TABLE.loc[THIRDS[third], names]
        rows = [row.model_dump() for row in to_rows(live)]
        client.post("/predict/batch", json=rows).raise_for_status()
        training = _without(TABLE[names], DataFrame(held_out, columns=names))
        assert len(training) == card["data"]["training_rows"]
        samples = scrape(client)
        found = {name: psi_from_metrics(samples, name) for name in names}
        for name, feature in zip(names, card["features"], strict=True):
            expected = psi(share(training, name, feature), share(live, name, feature))
            assert found[name] == pytest.approx(expected, abs=1e-6)
        assert found[FIRST] > 0.5  # all from one third


def _without(table: DataFrame, rows: DataFrame) -> DataFrame:
    """Return the table less one occurrence of each of the rows."""

    def keyed(frame: DataFrame) -> DataFrame:
        text = (
            frame.astype(object)
            .where(frame.notna(), "")
            .map(lambda v: f"{v:g}" if isinstance(v, int | float) else v)
        )
        return text.assign(copy=text.groupby(list(text.columns)).cumcount()).apply(tuple, axis=1)

    return table[~keyed(table).isin(set(keyed(rows)))]
