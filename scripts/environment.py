"""A script's way into the project's own Python, where the one that started it lacks packages."""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

VENV = Path(__file__).resolve().parents[1] / ".venv"


def find(packages: Iterable[str]) -> list[str]:
    """Go on under the project's own Python where this one lacks any of `packages`; returns what is
    missing where that cannot be done, or does not help."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    python = VENV / "bin" / "python"
    if missing and python.exists() and Path(sys.prefix) != VENV:
        os.execv(python, [str(python), *sys.argv])
    return missing
