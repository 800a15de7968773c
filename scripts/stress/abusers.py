"""Clients that keep to the protocol and ask for too much, and what the server gives them.

    python -m scripts.stress.abusers PORT SECONDS

Prints `abusing` once it begins and, as JSON, a line for each kind: what was done and refused, and
how many bytes went to the server and came from it. Each kind has an address of its own, in
`X-Forwarded-For`: the server has to trust 127.0.0.1 as a proxy.
"""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec

from scripts.stress.abuser import Abuser
from scripts.stress.abuses import ABUSES, Abuse
from server.client import Unreachable


async def _again(abuse: Abuse, one: Abuser) -> None:
    """Begin anew whenever the server refuses, or is too busy for, what an abuse begins with."""
    while True:
        try:
            await abuse(one)
        except (OSError, TimeoutError, Unreachable):
            one.tally.refused["begun anew"] += 1
        await asyncio.sleep(1)


async def _abuse(port: int, seconds: float) -> None:
    kinds = {abuse.__name__: Abuser(port, number) for number, abuse in enumerate(ABUSES, 1)}
    tasks = [asyncio.create_task(_again(abuse, kinds[abuse.__name__])) for abuse in ABUSES]
    print("abusing", flush=True)
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for each in done:
        each.result()
    for task in tasks:
        task.cancel()
    tallies = {name: one.tally for name, one in kinds.items()}
    print(msgspec.json.encode(tallies).decode(), flush=True)


if __name__ == "__main__":
    os.nice(10)  # the bystander, which measures, is to wait for the server alone
    with suppress(KeyboardInterrupt):
        asyncio.run(_abuse(int(sys.argv[1]), float(sys.argv[2])))
