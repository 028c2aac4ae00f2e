"""Arrows point one way: from the wiring to the parts, and from training to serving."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

API = Path(__file__).parents[1]
FILES = {
    ".".join(path.relative_to(API).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (*API.glob("app/*.py"), *API.glob("training/*.py"), API / "train_model.py")
}


def imports(path: Path) -> set[str]:
    """Return the modules of this project that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found & FILES.keys()


GRAPH = {name: imports(path) for name, path in FILES.items()}


def test_no_module_imports_itself_by_a_detour() -> None:
    order = list(TopologicalSorter(GRAPH).static_order())
    assert set(order) == set(GRAPH)


def test_serving_imports_nothing_of_training() -> None:
    for name, imported in GRAPH.items():
        if name.split(".")[0] == "app":
            assert {i.split(".")[0] for i in imported} <= {"app"}, name


def test_only_the_entry_point_imports_the_wiring() -> None:
    assert [name for name, imported in GRAPH.items() if "app.main" in imported] == ["app.__main__"]


def test_the_contract_imports_nothing_of_this_project() -> None:
    assert GRAPH["app.schemas"] == set()


def test_importing_all_of_it_prints_opens_and_starts_nothing(tmp_path: Path) -> None:
    program = (
        f"import sys, threading; sys.path.insert(0, {str(API)!r})\n"
        f"import {', '.join(name for name in FILES if '__' not in name)}\n"
        "assert threading.active_count() == 1"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_serving_loads_no_scikit_learn_no_pandas_and_no_joblib() -> None:
    program = "import sys, app.main, app.server; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=API, capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "pandas", "joblib", "onnx", "skl2onnx"} & set(done.stdout.split())
