#!/usr/bin/env python3
"""How long until others see that a player has left, for each way of leaving, against its bound.

    scripts/measure_departures.py            # all of them, 6 players each: about 100 s
    scripts/measure_departures.py --quick    # those that are noticed at once: 4 s

It starts its own servers. The measurement is in `scripts/departures/`.
"""

import sys
from pathlib import Path

# In place of scripts/, whose files are not modules by themselves.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts import environment  # noqa: E402 - only now it can be found

if __name__ == "__main__":
    environment.need(*environment.SERVER, *environment.TABLES)
    from scripts.departures.command import main

    sys.exit(main())
