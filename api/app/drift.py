"""Bins of a feature: cut at training, counted while serving, compared as PSI in Prometheus."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.features import MISSING_CATEGORY, Feature, text_of

Column = NDArray[np.float32]

QUANTILES = (0.2, 0.4, 0.6, 0.8)
# PSI without any drift is about chi-squared(bins - 1) * (1/n_reference + 1/n_live): more bins
# than five would drown a real shift in the noise of a few hundred training rows.

SMOOTHING = 0.5
"""Added to the count of every bin, so that an empty one does not make PSI infinite."""

MISSING = "missing"


def cut(feature: Feature, column: Column) -> list[float]:
    """Return the inner edges of a numeric feature's bins, from its training values."""
    if not feature.is_numeric:
        return []
    observed = np.nanquantile(column, QUANTILES, method="inverted_cdf")
    # As the labels write them, or two bins could have one: 38.4, not 38.400001525878906.
    return sorted({float(f"{value:g}") for value in observed})


def labels(feature: Feature, edges: Sequence[float]) -> list[str]:
    """Name a feature's bins in the order of `indices`; the last one counts missing values."""
    if not feature.is_numeric:
        names = [text_of(category) for category in feature.categories]
        # Two bins of one name would be one series twice, and Prometheus would refuse them all.
        last = MISSING
        while last in names:
            last = f"({last})"
        return [*names, last]
    between = [f"{low:g}..{high:g}" for low, high in pairwise(edges)]
    return [f"<={edges[0]:g}", *between, f">{edges[-1]:g}", MISSING]


def indices(feature: Feature, edges: Sequence[float], column: Column) -> NDArray[np.intp]:
    """Return the bin of every value; a value on an edge belongs to the bin below."""
    if feature.is_numeric:
        # Both sides in float32, or 39.2 would lie above an edge at 39.2. NaN sorts last.
        found = np.searchsorted(np.asarray(edges, np.float32), column)
        return np.where(np.isnan(column), len(edges) + 1, found)
    return np.where(column == MISSING_CATEGORY, len(feature.categories), column).astype(np.intp)


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the smoothed share of each bin: (n + 0.5) / (N + 0.5 * bins)."""
    return np.asarray((counts + SMOOTHING) / (counts.sum() + SMOOTHING * len(counts)), np.float64)
