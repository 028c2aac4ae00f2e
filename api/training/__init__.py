"""What training does with any data and any candidates: choose, check, export, report."""


class TrainingError(Exception):
    """Training must not go on; the message says what to change."""
