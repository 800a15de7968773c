"""The way of a script into the project's own Python, which has the packages that it needs.

Has to be readable by an old Python: that is one of the things to get away from.
"""

import importlib.util
import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parents[1] / ".venv"
NO_RUN = 2
"""The exit code of a script that could not begin."""


def need(*packages: str) -> None:
    """Return where this Python has all of `packages`; else start the script again under that of
    .venv, or end it with a line that says what to do. Modules of packages count too."""
    missing = [] if sys.version_info >= (3, 11) else ["Python 3.11"]
    missing += [name for name in packages if not _is_there(name)]
    if not missing:
        return
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(str(python), [str(python), *sys.argv])
    name = Path(sys.argv[0]).name
    what = ", ".join(missing)
    print(
        f"{name}: needs {what}: run scripts/test --help, which fills .venv and runs no tests",
        file=sys.stderr,
    )
    sys.exit(NO_RUN)


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # of the package that the module is in
        return False
