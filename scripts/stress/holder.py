"""Part of the load: signs in, opens sockets, and pings until the server closes them.

    python -m scripts.stress.holder PORT FIRST SOCKETS TABS PINGS_A_SECOND WATCHERS

In several processes, as the open files of each are limited. Prints `ready`, and, once every socket
or its input is closed, the results as JSON.
"""

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import ClassVar

import uvloop

from scripts.benchmarks.players import Socket, open_sockets, sign_in
from server.wire.messages import LOBBY, Watch


class Member(Socket):
    """Records its close code, and when it was closed."""

    codes: ClassVar[Counter[int]] = Counter()
    last_closed = 0.0
    open = 0
    is_over = asyncio.Event()

    def on_open(self) -> None:
        Member.open += 1

    def on_close(self, code: int) -> None:
        Member.codes[code] += 1

    def on_lost(self) -> None:
        Member.open -= 1
        Member.last_closed = time.monotonic()
        if not Member.open:
            Member.is_over.set()

    def watch(self) -> None:
        """Watch the lobby."""
        self.say(Watch(topic=LOBBY))


async def _hold(port: int, first: int, count: int, tabs: int, rate: float, watchers: int) -> None:
    cookies = await sign_in(port, -(-count // tabs), first)
    members = await open_sockets(port, Member, [cookies[each // tabs] for each in range(count)])
    Member.is_over.clear()
    for member in members[:watchers]:
        member.watch()
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    asyncio.get_running_loop().add_reader(sys.stdin, Member.is_over.set)
    pinging = asyncio.create_task(_ping(members, rate))
    await Member.is_over.wait()
    pinging.cancel()
    left = sum(member.is_open for member in members)
    print(
        json.dumps({"codes": Member.codes, "left": left, "last_closed": Member.last_closed}),
        flush=True,
    )


async def _ping(members: list[Member], rate: float) -> None:
    """Ping from each socket in turn."""
    began, sent = time.monotonic(), 0
    while rate:
        await asyncio.sleep(0.01)
        while sent < (time.monotonic() - began) * rate:
            member = members[sent % len(members)]
            member.ping()
            sent += 1


if __name__ == "__main__":
    gc.disable()
    port, first, count, tabs, watchers = (int(sys.argv[place]) for place in (1, 2, 3, 4, 6))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, suppress(KeyboardInterrupt):
        runner.run(_hold(port, first, count, tabs, float(sys.argv[5]), watchers))
