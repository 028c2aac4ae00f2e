"""Print prometheus.yaml for a place without Kubernetes.

python prometheus/static_config.py api=127.0.0.1:8000 locust=127.0.0.1:9646 canary=127.0.0.1:9647

Only where a job finds its targets is replaced: each NAME=HOST:PORT becomes a target with the labels
that a pod's discovery would give it, so that the job's own relabelling runs on them. A job that is
named by no target is left out. Rules are read from beside prometheus.yaml, or from --rules.
alertmanager=HOST:PORT is no job: alerts are sent there, as components/alerting says.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "prometheus.yaml"
ALERTING = HERE.parent / "manifest/components/alerting/alerting.yaml"
ALERTMANAGER = "alertmanager"
PORT_NAME = "__meta_kubernetes_pod_container_port_name"


def port_name(job: dict[str, Any]) -> str:
    """Return the name of the container port that the job keeps."""
    return next(
        str(rule["regex"])
        for rule in job["relabel_configs"]
        if rule.get("source_labels") == [PORT_NAME]
    )


def pods(name: str, job: dict[str, Any], addresses: list[str]) -> list[dict[str, Any]]:
    """Return the addresses as targets, labelled like pods of this name."""
    return [
        {
            "targets": [address],
            "labels": {
                "__meta_kubernetes_pod_name": f"{name}-{n}",
                "__meta_kubernetes_pod_phase": "Running",
                PORT_NAME: port_name(job),
            },
        }
        for n, address in enumerate(addresses)
    ]


def literal(folder: Path) -> str:
    """Return a folder as a pattern that fits it alone: Prometheus reads its rules by patterns."""
    return re.sub(r"([][?\\])", r"\\\1", str(folder))


def alerting(addresses: list[str]) -> dict[str, Any]:
    """Return the part of the configuration that sends alerts to these addresses."""
    part: dict[str, Any] = yaml.safe_load(ALERTING.read_text())
    (where,) = part["alerting"]["alertmanagers"]
    del where["kubernetes_sd_configs"]
    where["static_configs"] = pods(ALERTMANAGER, where, addresses)
    return part


def static(config: dict[str, Any], targets: dict[str, list[str]], rules: Path) -> dict[str, Any]:
    """Return the configuration with these targets by job.

    Raises ValueError that names a job which the configuration does not have.
    """
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    if unknown := targets.keys() - jobs.keys() - {ALERTMANAGER}:
        there = ", ".join((*jobs, ALERTMANAGER))
        raise ValueError(f"no such job: {', '.join(sorted(unknown))}; there are {there}")
    for name, addresses in targets.items():
        if name == ALERTMANAGER:
            config = {**config, **alerting(addresses)}
        elif jobs[name].pop("kubernetes_sd_configs", None):
            jobs[name]["static_configs"] = pods(name, jobs[name], addresses)
        else:
            jobs[name]["static_configs"] = [{"targets": addresses}]
    return {
        **config,
        "rule_files": [f"{literal(rules)}/{pattern}" for pattern in config["rule_files"]],
        "scrape_configs": [jobs[name] for name in jobs if name in targets],
    }


def parse(arguments: list[str]) -> dict[str, list[str]]:
    """Read NAME=HOST:PORT. Raises ValueError that names one of another form."""
    targets: dict[str, list[str]] = {}
    for argument in arguments:
        found = re.fullmatch(r"([^=]+)=([^/\s]+:\d+)", argument)
        if not found:
            raise ValueError(f"{argument!r} is not NAME=HOST:PORT")
        targets.setdefault(found[1], []).append(found[2])
    return targets


def main() -> None:
    """Print the configuration."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="+", metavar="NAME=HOST:PORT")
    parser.add_argument("--rules", type=Path, default=HERE, help="folder that holds rules/")
    asked = parser.parse_args()
    config = yaml.safe_load(CONFIG.read_text())
    try:
        yaml.safe_dump(static(config, parse(asked.targets), asked.rules), sys.stdout)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
