"""Stand-ins for Minikube, Docker and kubectl in one program; its state is the JSON file $STATE.

What they refuse, and how they end, is what the real ones do by their sources: Minikube 1.35.0 to
1.38.1 and its main branch of 2026-08-23 (cmd/minikube/cmd, pkg/minikube/machine/cache_images.go,
pkg/minikube/reason/exitcodes.go), Docker's command line 29.7.2 (cmd/docker/builder.go).
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

START = {"--driver": "docker", "--cpus": "2", "--memory": "4g"}


def end(message: str, code: int) -> NoReturn:
    """End as a command that fails."""
    sys.stderr.write(f"{message}\n")
    sys.exit(code)


def minikube(state: dict[str, Any], *asked: str) -> str:
    """Do what Minikube does, with one node that runs containerd."""
    match asked:
        case ("version", "--short"):
            return str(state["version"])
        case ("profile",):
            return str(state["profile"])
        case ("status",):
            code = {"missing": 85, "stopped": 7, "running": 0}[state["status"]]
            return "" if not code else end(f"host: {state['status']}", code)
        case ("start", *options):
            given = dict(zip(options[::2], options[1::2], strict=True))
            for unknown in given.keys() - START.keys():
                end(f"Error: unknown flag: {unknown}", 1)
            if given and state["status"] != "missing" and state["driver"] != given["--driver"]:
                end("Exiting due to GUEST_DRVMISMATCH", 82)
            if state.get("start fails"):
                end("Exiting due to PROVIDER_DOCKER_NOT_RUNNING", 69)
            state["status"] = "running"
            return "Done!"
        case ("stop",):
            state["status"] = "stopped"
            return "1 node stopped."
    if state["status"] != "running":
        end(f"The control-plane node host is not running: state={state['status']}", 83)
    match asked:
        case ("ip",):
            return "192.168.49.2"
        case ("image", "load", archive):
            # That nothing was loaded, the real one only logs: it ends with 0.
            if not state.get("load fails"):
                for tag, content in json.loads(Path(archive).read_text()).items():
                    state["node"][f"docker.io/library/{tag}"] = content
            return ""
        case ("image", "ls", "--format", "json"):
            contents = sorted(set(state["node"].values()))
            return json.dumps(
                [
                    {"id": c, "repoTags": [t for t, has in state["node"].items() if has == c]}
                    for c in contents
                ],
                separators=(",", ":"),
            )
        case ("docker-env",):
            end("Using the docker-env command with the containerd runtime: 404 page not found", 1)
    return end(f'Error: unknown command "{" ".join(asked)}" for "minikube"', 1)


def docker(state: dict[str, Any], *asked: str) -> str:
    """Do what Docker does; what it builds has the content that state["code"] says."""
    match asked:
        case ("version",):
            return end("Cannot connect", 1) if state.get("docker is down") else "29.7.2"
        case ("buildx", "version"):
            return end("unknown command: docker buildx", 1) if state.get("no buildx") else "0.36.1"
        case ("build", "--load", "--tag", tag, "--file", file, "."):
            if os.environ.get("DOCKER_BUILDKIT") != "1" or not Path(file).is_file():
                end(f"failed to read dockerfile: {file}", 1)
            if state.get("build fails") == tag:
                end("ERROR: failed to build: exit code: 3", 1)
            # Provenance holds the time, so that no two builds would be the same.
            plain = os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS") == "1"
            salt = "" if plain else os.urandom(8).hex()
            state["host"][tag] = hashlib.sha256(f"{tag}{state['code']}{salt}".encode()).hexdigest()
            return ""
        case ("image", "inspect", "--format", "{{.Id}}", tag):
            return f"sha256:{state['host'][tag]}"
        case ("tag", tag, other):
            state["host"][other] = state["host"][tag]
            return ""
        case ("save", *tags):
            return json.dumps({tag: state["host"][tag] for tag in tags})
        case ("image", "rm", tag):
            del state["host"][tag]
            return ""
    return end(f"docker: unknown command: docker {' '.join(asked)}", 1)


def kubectl(state: dict[str, Any], *asked: str) -> str:
    """Answer for the cluster of Minikube's profile; all others are somebody else's."""
    if asked[:2] != ("--context", state["profile"]):
        end(f"kubectl without the profile's context: {' '.join(asked)}", 1)
    match asked[2:]:
        case ("get", "nodes", "-o", _):
            return str(state["kubernetes"])
        case ("-n", "mlops", "get", "deployments", "-o", _):
            return "".join(f"{name} {image}\n" for name, image in state["deployments"].items())
        case ("-n", "mlops", "rollout", "restart", deployment):
            state["restarted"].append(deployment)
            return ""
        case ("-n", "mlops", "rollout", "status", "--timeout", _, _):
            return end("timed out", 1) if state.get("never ready") else ""
    return end(f"error: unknown command: {' '.join(asked)}", 1)


def main() -> None:
    """Do what the program is asked whose name is the first argument."""
    file = Path(os.environ["STATE"])
    state = json.loads(file.read_text())
    state["asked"].append(" ".join(sys.argv[1:]))
    file.write_text(json.dumps(state))
    programs = {"minikube": minikube, "docker": docker, "kubectl": kubectl}
    said = programs[sys.argv[1]](state, *sys.argv[2:])
    file.write_text(json.dumps(state))
    sys.stdout.write(f"{said.rstrip()}\n" if said else "")


if __name__ == "__main__":
    main()
