"""Sockets that say nothing while others are measured.

    python -m scripts.benchmarks.idle PORT COUNT FIRST

A process of its own, as the open files of each are limited. Opens COUNT sockets, for new guests
with the names from number FIRST on, or, with a FIRST of -1, without signing in. Prints `open` and
holds them until its input is closed.
"""

import asyncio
import gc
import sys

import uvloop

from scripts.benchmarks.players import Socket, open_sockets, sign_in


async def _hold(port: int, count: int, first: int) -> None:
    cookies = [""] * count if first < 0 else await sign_in(port, count, first)
    sockets = await open_sockets(port, Socket, cookies)
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, is_over.set)
    print("open", flush=True)
    await is_over.wait()
    lost = sum(not socket.is_open for socket in sockets)
    print(lost, flush=True)


if __name__ == "__main__":
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_hold(*map(int, sys.argv[1:])))
