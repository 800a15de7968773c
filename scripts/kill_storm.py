#!/usr/bin/env python3
"""A server that is killed in a storm of players, again and again, and what it has to keep.

    scripts/kill_storm.py --times 100

The storm and its judge are in `scripts/storm/`. This file only finds a Python that has the
packages they need, so it has to be readable by an old one.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def main() -> int:
    """Run here, or in the project's own .venv; returns the exit code."""
    if not can_run_here():
        python = VENV / "bin" / "python"
        if not python.exists() or Path(sys.prefix).resolve() == VENV.resolve():
            print(
                "kill_storm.py: the packages it needs are not there; "
                "run scripts/serve or scripts/test once, which install them in .venv",
                file=sys.stderr,
            )
            return 2
        os.execv(str(python), [str(python), __file__, *sys.argv[1:]])
    # In place of scripts/, whose files are nobody's modules.
    sys.path[0] = str(ROOT)
    from scripts.storm.command import main as storm

    return storm()


def can_run_here() -> bool:
    """Whether this Python is new enough and has the packages."""
    if sys.version_info < (3, 11):  # noqa: UP036 - that is what is being asked
        return False
    try:
        import httptools  # noqa: F401
        import websockets.asyncio.client  # noqa: F401 - which old versions have not
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
