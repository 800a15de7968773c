"""A player who pings every 10 ms while others are signed out.

    python -m scripts.benchmarks.bystander PORT QUERY COOKIE

A process of its own, so that a client busy with thousands of closes does not delay it. Prints
`pinging` once it does. Ends when its input is closed, and prints, as JSON, [when sent, seconds to
the answer or null] for each ping, on the monotonic clock.
"""

import asyncio
import gc
import json
import sys
import time
from collections import deque

import uvloop

from scripts.benchmarks.players import Socket, open_socket

EVERY = 0.01
"""Seconds between two pings, answered or not."""

_TIMEOUT = 1.0


class Bystander(Socket):
    """Records the time of each answer; answers come in the order of the pings."""

    def __init__(self) -> None:
        super().__init__()
        self.unanswered: deque[float] = deque()
        self.trips: list[tuple[float, float | None]] = []

    def on_message(self, payload: bytes) -> None:
        if self.unanswered:
            sent = self.unanswered.popleft()
            self.trips.append((sent, time.monotonic() - sent))
        super().on_message(payload)

    def ping(self) -> None:
        self.unanswered.append(time.monotonic())
        super().ping()


async def _ping_until_the_end(port: int, query: str, cookie: str) -> None:
    bystander = await open_socket(port, Bystander, query, cookie)
    await asyncio.sleep(0.1)  # for `hello`, which is not an answer
    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()
    loop.add_reader(sys.stdin, is_over.set)
    print("pinging", flush=True)
    due = loop.time()
    while not is_over.is_set():
        bystander.ping()
        due += EVERY
        await asyncio.sleep(max(due - loop.time(), 0.0))
    await asyncio.sleep(_TIMEOUT)
    bystander.trips += [(sent, None) for sent in bystander.unanswered]
    print(json.dumps(bystander.trips))


if __name__ == "__main__":
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_ping_until_the_end(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
