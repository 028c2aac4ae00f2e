"""Drift as anybody may compute it from /metrics, by numpy."""

import numpy as np
from numpy.typing import NDArray

from support.service import Samples


def by_bin(samples: Samples, name: str, feature: str) -> dict[str, float]:
    labelled = {labels: n for (found, labels), n in samples.items() if found == name}
    return {
        dict(labels)["bin"]: n
        for labels, n in labelled.items()
        if dict(labels)["feature"] == feature
    }


def psi(reference: NDArray[np.float64], live: NDArray[np.float64]) -> float:
    """Return the population stability index of two distributions over the same bins."""
    return float(((live - reference) * np.log(live / reference)).sum())


def psi_from_metrics(samples: Samples, feature: str) -> float:
    """Compute what a recording rule can: half a row more in each bin, shares, PSI."""
    counts = by_bin(samples, "model_feature_bin_total", feature)
    reference = by_bin(samples, "model_feature_bin_reference_ratio", feature)
    assert counts.keys() == reference.keys()
    smoothed = np.array(list(counts.values())) + 0.5
    return psi(np.array(list(reference.values())), smoothed / smoothed.sum())
