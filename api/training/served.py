"""Load an artifact as the image of the service will, with nothing but what that image holds.

    python -P api/training/served.py FOLDER LOCK

It is a program of its own: a pickle would find here what training has imported, and packages that
training needs and the image does not have. Says in one line what the image would lack.
"""

import inspect
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

API = Path(__file__).parents[1]


class OnlyTheImage(MetaPathFinder):
    """Finds no module of a package that a lock does not name, whatever is installed here.

    What a library imports where it is there, and does without where it is not, is then absent as
    it will be.
    """

    def __init__(self, lock: Path) -> None:
        locked = set(re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE))
        self._held = {"app", *sys.stdlib_module_names}
        for package in distributions():
            if re.sub(r"[-_.]+", "-", package.name).lower() in locked:
                for file in package.files or ():
                    first, *inside = file.parts
                    self._held.add(first if inside else inspect.getmodulename(first) or first)

    def find_spec(self, name: str, path: object, target: object = None) -> None:  # noqa: ARG002
        """Raise ModuleNotFoundError for what the image does not hold; leave the rest to others."""
        # Python's own, and called after the platform that it was built on.
        is_build_data = name.startswith("_sysconfigdata_")
        if name.partition(".")[0] not in self._held and not is_build_data:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main(folder: Path, lock: Path) -> str | None:
    """Load what is in the folder; return why the service would not."""
    sys.meta_path.insert(0, OnlyTheImage(lock))
    # Only now, or their own imports would not be judged.
    try:
        from app.card import ArtifactError
        from app.model import Model
    except ModuleNotFoundError as error:
        return _remedy(error, lock)
    try:
        Model.load(folder)
    except ArtifactError as error:
        cause = error.__context__
        return _remedy(cause, lock) if isinstance(cause, ModuleNotFoundError) else str(error)
    return None


def _remedy(error: ModuleNotFoundError, lock: Path) -> str:
    module = (error.name or "").partition(".")[0]
    owners = packages_distributions().get(module)
    remedy = (
        f"add {owners[0]} to api/{lock.stem}.in and run `make lock`"
        if owners
        else "functions and classes of one's own belong into a module of api/app"
    )
    return f"the service would import {module}, which its image does not hold: {remedy}"


if __name__ == "__main__":
    sys.path.insert(0, str(API))
    sys.exit(main(*map(Path, sys.argv[1:])))
