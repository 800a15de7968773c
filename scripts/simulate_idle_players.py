#!/usr/bin/env python3
"""Simulate players over real WebSockets against a running server, and print a verdict.

    scripts/serve &
    scripts/simulate_idle_players.py --players 1000

The players and the rules are in `scripts/idle_players/`.
"""

import sys
from pathlib import Path

# In place of scripts/, whose files are not modules by themselves.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts import environment  # noqa: E402 - only now it can be found

if __name__ == "__main__":
    environment.need(*environment.CLIENT)
    from scripts.idle_players.command import main

    sys.exit(main())
