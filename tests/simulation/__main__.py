"""Many days, each from its seed: `python -m tests.simulation --seeds 200`."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.simulation.day import POLICY, Day, DayFailed


def main() -> int:
    """Run the days; the exit code is 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many days")
    parser.add_argument("--first", type=int, default=1, help="the first of the seeds")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--players", type=int, default=200)
    parser.add_argument("--heartbeat", type=float, default=5.0)
    parser.add_argument("--session-lifetime", type=float, default=POLICY["session_lifetime"])
    chosen = parser.parse_args()
    seeds = (
        [chosen.seed]
        if chosen.seed is not None
        else range(chosen.first, chosen.first + chosen.seeds)
    )
    logging.disable(logging.CRITICAL)  # the failures are intended
    broken: list[int] = []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="stillhere-day-") as folder:
            day = Day(
                seed,
                Path(folder) / "day.db",
                players=chosen.players,
                hours=chosen.hours,
                heartbeat=chosen.heartbeat,
                session_lifetime=chosen.session_lifetime,
            )
            began = time.perf_counter()
            try:
                day.run()
            except DayFailed as error:
                broken.append(seed)
                print(error, file=sys.stderr)
            took = time.perf_counter() - began
            told = day.digest.hexdigest()[:12]
            print(
                f"seed {seed}: {day.steps} steps in {took:.1f} s, trace {told}, {day.counts}",
                flush=True,
            )
    print(f"{len(seeds)} days, broken: {broken or 'none'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
