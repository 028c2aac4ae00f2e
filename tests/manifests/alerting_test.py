"""The component that tells people of alerts: what it adds, and what Prometheus then reads."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import components
from support.kustomize import objects, rendered
from support.paths import MANIFEST, ROOT

COMPONENT = MANIFEST / "components/alerting"
PARTS = MANIFEST / "components/prometheus-parts"
OTHER = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
components:
- ../prometheus-parts
configMapGenerator:
- name: prometheus-other
  literals: ['other.yaml=scrape_config_files: [other/*.yaml]']
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: prometheus}
    spec:
      template:
        spec:
          initContainers:
          - name: merge
            volumeMounts:
            - {name: other, mountPath: /parts/other}
          volumes:
          - name: other
            configMap: {name: prometheus-other}
"""
"""Another component with a part of Prometheus' configuration."""
DEPLOYMENT = "Deployment prometheus"


@pytest.fixture
def on(tmp_path: Path) -> Path:
    """Return the manifest with the component alone."""
    return components.turned_on(tmp_path, "alerting")


def base_name(name: str) -> str:
    """Return `KIND NAME` without the hash that Kustomize gives a ConfigMap."""
    return re.sub(r"^(ConfigMap .*)-[a-z0-9]{10}$", r"\1", name)


def test_nothing_of_it_is_there_until_it_is_turned_on() -> None:
    text = rendered(MANIFEST)
    for word in ("alertmanager", "alert-log", "initContainers", "/parts"):
        assert word not in text.lower(), word


def test_it_adds_its_objects_and_changes_prometheus_alone(on: Path) -> None:
    with_it, without = objects(on), objects(MANIFEST)
    assert {base_name(name) for name in with_it.keys() - without.keys()} == {
        "ConfigMap alertmanager-config", "ConfigMap alertmanager-receivers-default",
        "ConfigMap prometheus-alerting", "Deployment alert-log", "Deployment alertmanager",
        "NetworkPolicy alert-log", "NetworkPolicy alertmanager", "Service alert-log",
        "Service alertmanager-service",
    }  # fmt: skip
    assert without.keys() <= with_it.keys()
    assert {n for n in without if with_it[n] != without[n]} == {DEPLOYMENT}


def test_prometheus_itself_is_as_before_but_for_where_its_file_is_from(on: Path) -> None:
    with_it, without = (objects(folder)[DEPLOYMENT] for folder in (on, MANIFEST))
    pods = [found["spec"]["template"]["spec"] for found in (with_it, without)]
    ours, own = (pod["containers"][0] for pod in pods)
    moved = {"name": "merged", "mountPath": "/etc/prometheus"}
    mounts = [
        moved if mount["mountPath"] == moved["mountPath"] else mount
        for mount in own["volumeMounts"]
    ]
    assert ours == own | {"volumeMounts": mounts}
    (merge,) = pods[0]["initContainers"]
    assert merge["image"] == own["image"]


def merged(manifest: Path, folder: Path) -> Path:
    """Do what the init container does with the ConfigMaps that it mounts; return the file."""
    found = objects(manifest)
    pod = found[DEPLOYMENT]["spec"]["template"]["spec"]
    maps = {v["name"]: v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
    (container,) = pod["initContainers"]
    for mount in container["volumeMounts"]:
        place = folder / mount["mountPath"].removeprefix("/")
        place.mkdir(parents=True)
        if mount["name"] in maps:
            data = found[f"ConfigMap {maps[mount['name']]}"]["data"]
            for name, text in data.items():
                (place / name).write_text(text)
    *shell, script = container["command"]
    script = re.sub(r"(?<=[ >])/(?=config|parts|merged)", f"{folder}/", script)
    subprocess.run((*shell, script), check=True, timeout=60)
    (folder / "merged/rules").mkdir()
    for name, text in found[f"ConfigMap {maps['rules']}"]["data"].items():
        (folder / "merged/rules" / name).write_text(text)
    return folder / "merged/prometheus.yaml"


def test_prometheus_takes_its_own_file_and_the_part(on: Path, tmp_path: Path) -> None:
    file = merged(on, tmp_path / "pod")
    command = ("promtool", "check", "config", "--lint=all", "--lint-fatal", file)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Checking") == 1 + len(list((file.parent / "rules").iterdir()))
    own = yaml.safe_load((ROOT / "prometheus/prometheus.yaml").read_text())
    part = yaml.safe_load((COMPONENT / "alerting.yaml").read_text())
    assert yaml.safe_load(file.read_text()) == own | part
    assert not own.keys() & part.keys()


@pytest.mark.parametrize("names", [["other"], ["alerting", "other"], ["other", "alerting"]])
def test_parts_of_several_components_are_joined_in_any_order(
    tmp_path: Path, names: list[str]
) -> None:
    manifest = components.turned_on(tmp_path)
    (manifest / "components/other").mkdir()
    (manifest / "components/other/kustomization.yaml").write_text(OTHER)
    listed = "".join(f"- components/{name}\n" for name in names)
    with (manifest / "kustomization.yaml").open("a") as file:
        file.write(f"components:\n{listed}")
    found = yaml.safe_load(merged(manifest, tmp_path / "pod").read_text())
    assert found["scrape_config_files"] == ["other/*.yaml"]
    assert ("alerting" in found) == ("alerting" in names)


def pod(on: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a Deployment's pod and its container."""
    template = objects(on)[f"Deployment {name}"]["spec"]["template"]["spec"]
    return template, template["containers"][0]


def test_the_secret_is_optional_and_goes_before_what_is_in_git(on: Path) -> None:
    template, _ = pod(on, "alertmanager")
    (receivers,) = (v["projected"] for v in template["volumes"] if v["name"] == "receivers")
    first, last = receivers["sources"]
    assert first["configMap"]["name"].startswith("alertmanager-receivers-default-")
    assert last["secret"] == {"name": "alertmanager-receivers", "optional": True}
    # With `items` the API server would refuse two sources of one file.
    assert "items" not in (first["configMap"] | last["secret"])


def test_every_file_that_is_named_has_a_default(on: Path) -> None:
    named = re.findall(r"receivers/([\w-]+)", (COMPONENT / "alertmanager.yaml").read_text())
    found = {base_name(name): o.get("data") for name, o in objects(on).items()}
    assert set(named) == set(found["ConfigMap alertmanager-receivers-default"] or ())


def test_who_is_told_by_default_is_where_its_service_says(on: Path) -> None:
    found = objects(on)
    service = found["Service alert-log"]
    address = f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    for name in ("webhook-url", "github-status-url"):
        assert (COMPONENT / f"receivers/{name}").read_text().startswith(f"http://{address}/")
    for what in ("alert-log", "alertmanager"):
        _, container = pod(on, what)
        policy = found[f"NetworkPolicy {what}"]["spec"]["ingress"][0]["ports"]
        assert [port["port"] for port in policy] == [p["name"] for p in container["ports"]]


def test_prometheus_looks_for_the_pods_of_alertmanager_by_label_and_port(on: Path) -> None:
    part = yaml.safe_load((COMPONENT / "alerting.yaml").read_text())
    ((where,),) = (part["alerting"]["alertmanagers"],)
    (selector,) = where["kubernetes_sd_configs"][0]["selectors"]
    key, value = selector["label"].split("=")
    deployment = objects(on)["Deployment alertmanager"]
    assert deployment["spec"]["template"]["metadata"]["labels"][key] == value
    kept = where["relabel_configs"][0]["regex"]
    _, container = pod(on, "alertmanager")
    assert [port["name"] for port in container["ports"]] == [kept]
