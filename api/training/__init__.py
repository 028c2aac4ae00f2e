"""What training does with any data and any candidates: choose, check, export, report."""

SEED = 0
"""Of whatever is drawn at random, so that two runs write the same bytes."""


class TrainingError(Exception):
    """Training must not go on; the message says what to change."""
