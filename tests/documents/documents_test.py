"""Docs refer only to things that exist and show real output."""

import json
import re
from pathlib import Path

import httpx
import pytest

from app import schemas
from app.features import TARGET
from documents import known_names, unknown_names, walkthrough
from support import document
from support.fork import Fork
from support.paths import ROOT
from support.service import Process

pytestmark = pytest.mark.by_data

if TARGET != "species":
    pytest.skip("the documents speak of the penguins", allow_module_level=True)

DOCUMENTS = document.documents()
README, REFERENCE = (document.text_of(name) for name in ("README.md", "docs/reference.md"))
READMES = [name for name in DOCUMENTS if re.fullmatch(r"README(\.\w+)?\.md", name)]
COMPARED = {*READMES, "docs/reference.md", "docs/your-own-model.md"}
"""Documents whose commands are run: the last one's in your_own_model_test.py, the others' below."""
LOCAL = "http://127.0.0.1:8000"
BEFORE_FASTAPI = {"431"}
"""What the server answers before it knows the route."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_that_a_document_names_exists(name: str) -> None:
    assert unknown_names.missing(document.text_of(name)) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_links_and_pictures_of_a_document_lead_somewhere(name: str) -> None:
    assert unknown_names.links(document.text_of(name), (ROOT / name).parent) == []


@pytest.mark.parametrize(
    "text",
    [
        # targets, variables, files
        "`make deploy`", "`make run HOST=::`", "```\nmake run deploy\n```", "`api/app/web.py`",
        "`web.py`", "`manifest/web/`", "`api/tests/*_spec.py`", "`docs/decisions/0099-none.md`",
        "```\napi/app/     the service: web.py is the contract\n```", "`manifest/minikub.sh up`",
        "```\napi/web/     the service\n```",
        "```\n$ .venv/bin/pythn api/train_model.py\n```", "`cd web && ls`",
        "`cd app && ../.venv/bin/python -m app`",
        "`cd api && ../.venv/bin/locust -f locust.py`", "`git log -- manifests`",
        "```mermaid\nflowchart LR\n  a[\"test<br>make tests\"]\n```",
        "`docker build -f web/Dockerfile .`", "`docker compose -f loadtester/compose.yaml up`",
        "`kubectl apply -f application.yaml`", "`kubectl kustomize manifests`", "`argocd/setup.sh`",
        # routes, addresses, ports
        "`POST /predictions`", "`GET /predict`", "`/ready`", "http://127.0.0.1:8088",
        "http://127.0.0.1:8000/ready", "`curl http://127.0.0.1:8000/models`",
        "`http://$NODE:30800/ready`", "port 30801 of the node", "| `api-service` | 30089 | it |",
        "| `web-service` | 30800 | it |",
        # metrics, alerts, panels, settings, words
        "`http_request_total`", "`model:feature_psi:1m`", "`SLOBurnHot`", "`API: Burn ratio`",
        "`SERVING_PROT`", "```\nSERVING_PROT=1 make run\n```", "the variable SERVING_PROT",
        "`DOCKERHUB_USER`", "`--max-p90-ms`", "`Pinguin`", "`Modell-Version`", "`workflow_call`",
        "```\ncurl http://$NODE:30090/ --data-urlencode 'query=sum(requests)'\n```",
        # Kubernetes and Git
        "`minikube service -n mlops locust-service --url`", "`kubectl -n prod get pods`",
        "`minikube service -n prod api-service`",
        "`kubectl -n argocd port-forward svc/argocd 8080:443`",
        "`kubectl -n argocd port-forward svc/argocd-server 8080:444`", "`deployment/web`",
        "`kubectl -n argocd get secret argocd-admin`", "`kubectl -n mlops get deployment web`",
        "`kubectl logs deployment/api`",
        "`git push origin main`", "`git switch dev`",
        "```\ngit clone --branch main https://github.com/YOU/REPOSITORY && cd REPOSITORY\n```",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_noticed(text: str) -> None:
    assert unknown_names.missing(text)


@pytest.mark.parametrize(
    "target", ["LICENCE.md", "docs/decision/", "docs/pictures/none.png", "#speeed", "#speed-2",
               "docs/runbook.md#sloburn", "http://127.0.0.1:8088"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["[it]({})", "![it]({})", '<img src="{}">'])
def test_a_link_that_leads_nowhere_is_noticed(form: str, target: str) -> None:
    text = "## Speed\n\n## Speed\n\n[first](#speed), [second](#speed-1), "
    assert unknown_names.links(text + form.format(target), ROOT) == [target]


@pytest.mark.parametrize("name", sorted({*DOCUMENTS} - COMPARED))
def test_a_document_that_nobody_compares_shows_no_output(name: str) -> None:
    assert [step.command for step in document.steps(document.text_of(name))] == []


@pytest.mark.parametrize("text", [README, REFERENCE], ids=["README", "reference"])
def test_commands_print_what_the_document_says(service: Process, tmp_path: Path, text: str) -> None:
    fork = Fork(tmp_path)
    steps = [step for step in document.steps(text) if step.output]
    assert steps
    for step in steps:
        found = walkthrough.printed(fork, step.command.replace(LOCAL, service.url))
        assert walkthrough.same(step.output, found), f"{step.command}\n{found}"


def test_the_readme_s_row_is_the_one_that_make_run_prints() -> None:
    first = next(step for step in document.steps(README) if "/predict" in step.command)
    row = re.search("-d '(.*)'", first.command)
    assert row
    assert json.loads(row[1]) == schemas.EXAMPLE


def test_the_table_of_routes_has_every_route_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| (`[A-Z]+ /.*?) \|", REFERENCE)
    told = {route for row in rows for route in re.findall("`(.*?)`", row)}
    of_the_pages = {f"GET {path}" for path in ("/page/{name}", "/docs/{name}")}
    assert told == known_names.operations() - of_the_pages


def test_the_table_of_statuses_has_those_of_predict(client: httpx.Client) -> None:
    answers = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["responses"]
    said = set(re.findall(r"(?m)^\| ([45]\d\d) \|", REFERENCE))
    assert said == answers.keys() - {"200"} | BEFORE_FASTAPI


@pytest.mark.parametrize("name", READMES)
def test_the_workflow_s_steps_are_its_jobs(name: str) -> None:
    steps = re.findall(r"(?m)^\d\. \*\*([\w-]+)\*\*", document.text_of(name))
    assert steps == list(known_names.workflow()["jobs"])
