#!/usr/bin/env python3
"""Thousands of sockets on a fresh `stillhere`, with hostile clients and then greedy ones among
them, and their effect on a bystander.

Not a test: a missed figure is marked in the table, and the exit code is 1 only if the server did
not stop as promised, and 2 if there was no run. Takes three minutes for 15,000, on a machine that
is otherwise idle.
"""

import argparse
import sys
from pathlib import Path

# In place of scripts/, whose files are not modules by themselves.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts import environment  # noqa: E402 - only now it can be found


def main() -> int:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    add = parser.add_argument
    add("--sockets", type=int, default=15_000, metavar="N", help="default: %(default)s")
    add("--tabs", type=int, default=1, metavar="N", help="sockets a session (default: 1)")
    add("--calm", type=float, default=30.0, metavar="SECONDS", help="default: %(default)g")
    add("--hostile", type=float, default=20.0, metavar="SECONDS", help="default: %(default)g")
    add("--greedy", type=float, default=60.0, metavar="SECONDS", help="default: %(default)g")
    add("--pings", type=float, default=500.0, metavar="N", help="of all, a second (default: 500)")
    add("--watchers", type=int, default=20, metavar="N", help="of the lobby (default: 20)")
    add("--json", type=Path, metavar="FILE", help="write the numbers there too")
    environment.need(*environment.SERVER, *environment.TABLES)
    options = parser.parse_args()
    from scripts.stress.run import Plan, run

    return run(
        Plan(
            options.sockets,
            options.tabs,
            options.calm,
            options.hostile,
            options.greedy,
            options.pings,
            options.watchers,
        ),
        options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
