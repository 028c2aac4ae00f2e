"""Grafana on this machine, from the files that provision it in the cluster.

Only where things are is replaced: the address of Prometheus, and the folder of the dashboards.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "manifest/grafana"
DEPLOYMENT = ROOT / "manifest/grafana-deployment.yaml"
SETTINGS = SOURCE / "settings.env"


def program() -> tuple[Path, Path] | None:
    """Return Grafana's program and home on this machine, or None where there is none."""
    found = shutil.which("grafana")
    if not found:
        return None
    for path in (Path(found).resolve(), Path(found)):
        # Grafana's archive; Homebrew, and Debian's package.
        for home in (path.parents[1], path.parents[1] / "share/grafana"):
            if (home / "conf/defaults.ini").is_file():
                # Debian's `grafana` is a script that insists on the folders of the whole system.
                own = home / "bin/grafana"
                return (own if own.is_file() else path), home
    return None


def provisioning(prometheus: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and content of each file of provisioning, with this address of Prometheus."""
    (volume,) = (v for v in _pod()["volumes"] if v["name"] == "provisioning")
    for item in volume["configMap"]["items"]:
        content = yaml.safe_load((SOURCE / item["key"]).read_text())
        for source in content.get("datasources", ()):
            source["url"] = prometheus
        for provider in content.get("providers", ()):
            provider["options"]["path"] = str(SOURCE / "dashboards")
        yield item["path"], content


def environment(home: Path, folder: Path, port: int) -> dict[str, str]:
    """Return Grafana's settings: the cluster's, and where it listens and writes here."""
    (container,) = _pod()["containers"]
    (mounted,) = (m["mountPath"] for m in container["volumeMounts"] if m["name"] == "dashboards")
    lines = SETTINGS.read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {
        **{k: v.replace(mounted, str(SOURCE / "dashboards")) for k, v in settings.items()},
        **{f"GF_PATHS_{name.upper()}": str(folder / name) for name in ("data", "logs", "plugins")},
        "GF_PATHS_PROVISIONING": str(folder / "provisioning"),
        **_bundled(home),
        # Without a secret the administrator's password is the one that everybody knows.
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_LOG_LEVEL": "warn",
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
    }


def prepare(folder: Path, prometheus: str) -> None:
    """Write the provisioning into a folder."""
    for path, content in provisioning(prometheus):
        target = folder / "provisioning" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(content))


def _bundled(home: Path) -> dict[str, str]:
    """Return where Prometheus' plug-in is, if that is not Grafana's home but Debian's folder."""
    debian = Path("/var/lib/grafana/plugins-bundled")
    if debian.is_dir() and not (home / "data/plugins-bundled").is_dir():
        return {"GF_PATHS_BUNDLED_PLUGINS": str(debian)}
    return {}


def _pod() -> dict[str, Any]:
    pod: dict[str, Any] = yaml.safe_load(DEPLOYMENT.read_text())["spec"]["template"]["spec"]
    return pod
