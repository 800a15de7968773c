#!/usr/bin/env python3
"""Hundreds of rooms with running matches on a fresh `stillhere`, and their cost.

    scripts/simulate_rooms.py      # 300 arenas with 4 snakes each, then 2,000 idle boards
    scripts/simulate_rooms.py --arenas 50 --idle-rooms 200 --seconds 10

Every snake has a player with a socket who never steers, so that the server's bot soon does; every
board is a match of Connect Four between two players who think. The lateness of ticks is from
`/metrics`; their arrival is seen by some of the players. Not a test: a missed figure is marked in
the table, and the exit code is 2 only if there was no run. Needs a machine that is otherwise idle.
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
    add("--arenas", type=int, default=300, metavar="N", help="rooms (default: %(default)s)")
    add("--snakes", type=int, default=4, metavar="N", help="players a room (default: 4)")
    add("--idle-rooms", type=int, default=2000, metavar="N", help="default: %(default)s")
    add("--seconds", type=float, default=30.0, metavar="S", help="of measuring (default: 30)")
    environment.need(*environment.SERVER, *environment.TABLES)
    options = parser.parse_args()
    from scripts.benchmarks.rooms import Plan, run

    return run(Plan(options.arenas, options.snakes, options.idle_rooms, options.seconds))


if __name__ == "__main__":
    sys.exit(main())
