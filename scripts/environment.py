"""Runs a script under the project's own Python, which has the needed packages.

Must be valid for old Pythons, which it may be started with.
"""

import importlib.util
import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parents[1] / ".venv"
NO_RUN = 2
"""The exit code of a script that could not run, or not measure everything."""

CLIENT = ("h11", "msgspec", "websockets.asyncio.client")
"""The packages of the Python client."""

SERVER = (
    *CLIENT, "aiosqlite", "argon2", "itsdangerous", "openskill", "precis_i18n", "prometheus_client",
    "pydantic", "pydantic_settings", "starlette", "unicodedata2", "uvicorn", "uvloop",
)  # fmt: skip
"""Those of the server, for scripts that start their own."""

TABLES = ("rich",)
"""What only the dev group installs."""


def need(*packages: str) -> None:
    """Return if this Python has all of `packages`, which may include submodules. Otherwise restart
    the script under .venv's Python, or exit with a line that says what to do."""
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
        f"{name}: needs {what}: run scripts/test --version, which fills .venv and runs no tests",
        file=sys.stderr,
    )
    sys.exit(NO_RUN)


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # the package of the module is missing
        return False
