#!/usr/bin/env python3
"""Kill a server in a storm of players, again and again, and check what it keeps.

    scripts/kill_storm.py --times 100

The storm and its checks are in `scripts/storm/`.
"""

import sys
from pathlib import Path

# In place of scripts/, whose files are not modules by themselves.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts import environment  # noqa: E402 - only now it can be found

if __name__ == "__main__":
    environment.need(*environment.SERVER, *environment.TABLES)
    from scripts.storm.command import main

    sys.exit(main())
