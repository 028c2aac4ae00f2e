"""What is found of a case."""

from typing import NamedTuple

CANDIDATE = "mine"
"""What the candidate is called: the lines that training prints begin with it."""
SECONDS = 60
"""Of a processor, for all that is done with a case."""


class Verdict(NamedTuple):
    """What a table says of a case."""

    name: str
    front: str
    outcome: str
    """onnx, own choice, scikit-learn or refused."""
    reason: str = ""
    """What training prints of a refusal, or how its process ended; why it is not ONNX."""
    difference: float = 0
    alone: float = 0
    """Microseconds that a row takes in a call of its own."""
    together: float = 0
    """Microseconds that a row takes in a call with 1,000."""

    @property
    def case(self) -> str:
        """Return how the case is chosen."""
        return f"{self.name} behind {self.front}"
