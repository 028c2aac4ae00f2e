"""Where the parts of this repository are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
API = ROOT / "api"
LOADTESTER = ROOT / "loadtester"
PROMETHEUS = ROOT / "prometheus"
MANIFEST = ROOT / "manifest"
INSTALL = ROOT / "install.yaml"
SCRIPTS = ROOT / ".github/scripts"
TESTS = ROOT / "tests"
