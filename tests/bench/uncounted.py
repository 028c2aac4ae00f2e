"""The service with nothing counted: `python -m bench.uncounted`, to see what telemetry costs."""

import runpy

from app.metrics import ModelMetrics, RouteCounts


def _nothing(*_: object) -> None: ...


if __name__ == "__main__":
    RouteCounts.finished = _nothing  # type: ignore[assignment, method-assign]
    ModelMetrics.scored = _nothing  # type: ignore[assignment, method-assign]
    runpy.run_module("app", run_name="__main__")
