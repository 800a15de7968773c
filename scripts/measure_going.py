#!/usr/bin/env python3
"""How long until others see that a player has gone, for each way of going, against its bound.

    scripts/measure_going.py            # all of them, 6 players each: about 100 s
    scripts/measure_going.py --quick    # those that are noticed at once: 4 s

It starts servers of its own. What is measured is in `scripts/going/`. This file only finds a Python
that has the packages they need, so it has to be readable by an old one.
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
                "measure_going.py: the packages it needs are not there; run scripts/test once, "
                "which installs them in .venv",
                file=sys.stderr,
            )
            return 2
        os.execv(str(python), [str(python), __file__, *sys.argv[1:]])
    # In place of scripts/, whose files are nobody's modules.
    sys.path[0] = str(ROOT)
    from scripts.going.command import main as measure

    return measure()


def can_run_here() -> bool:
    """Whether this Python is new enough and has the packages."""
    if sys.version_info < (3, 11):  # noqa: UP036 - that is what is being asked
        return False
    try:
        import httptools  # noqa: F401
        import msgspec  # noqa: F401
        import pydantic_settings  # noqa: F401
        import rich  # noqa: F401
        import websockets.asyncio.client  # noqa: F401 - which old versions have not
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
