import json
import logging
import subprocess
import sys
from pathlib import Path

API = Path(__file__).parents[1]

PROGRAM = """
import logging
from app import logs
logs.configure("INFO")
logs.log_request("GET", "/x", 200, 0.0012345678, b"me")
logging.getLogger("app").debug("quiet")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("app").exception("failed")
"""


def test_each_record_is_one_line_of_json_tracebacks_included() -> None:
    # A process of its own: pytest takes over the root logger of this one.
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=API)
    request, failure = map(json.loads, done.stderr.splitlines())
    del request["time"]
    assert request == {
        "level": logging.getLevelName(logging.INFO),
        "logger": "app.request",
        "message": "request",
        "method": "GET",
        "path": "/x",
        "status": 200,
        "seconds": 0.001235,
        "request_id": "me",
    }
    assert "ZeroDivisionError" in failure["exc_info"]
