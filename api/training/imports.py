"""One line for a package that is missing; train_model.py imports this before any package."""

import sys
from pathlib import Path
from types import TracebackType


def _in_one_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if isinstance(error, ModuleNotFoundError):
        sys.stderr.write(
            f"train_model: {error}: add its package to api/requirements-train.in, then "
            "`make lock` locks it and `make train` installs it\n"
        )
    else:
        sys.__excepthook__(kind, error, traceback)


if Path(sys.argv[0]).name == "train_model.py":  # and no program that asks it for its data
    sys.excepthook = _in_one_line
