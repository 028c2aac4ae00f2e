"""Rules on series that a test makes up, in promtool's time."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

Samples = Mapping[str, float]
"""Values by their labels, as promtool writes them."""
Series = Mapping[str, Sequence[float | None]]
"""What each scrape brought, by name{label="value",…}; None where it was not there."""


def samples(collectors: Iterable[Collector]) -> Iterator[tuple[str, float]]:
    """Yield what a scrape brings, as name{label="value",…} and value."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    for family in registry.collect():
        for sample in family.samples:
            labels = ",".join(f"{k}={json.dumps(v)}" for k, v in sample.labels.items())
            yield f"{sample.name}{{{labels}}}", sample.value


def case(
    interval: str, series: Series, expected: Iterable[tuple[str, str, Samples]]
) -> dict[str, Any]:
    """Return a test of expressions, each at a time and with what is to be found."""
    return {
        "interval": interval,
        "input_series": [
            {"series": name, "values": " ".join("_" if v is None else f"{v:.10g}" for v in values)}
            for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": time,
                "exp_samples": [{"labels": k, "value": n} for k, n in found.items()],
            }
            for expr, time, found in expected
        ],
    }


def run(folder: Path, rules: Iterable[Path], interval: str, cases: Sequence[Any]) -> None:
    """Run tests on files of rules; fail with promtool's words."""
    file = folder / "simulated_test.yaml"
    content = {
        "rule_files": [str(path) for path in rules],
        "evaluation_interval": interval,
        "tests": cases,
    }
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper))
    command = ("promtool", "test", "rules", file)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
