"""A tab in a process of its own, which can crash or freeze.

    python -m scripts.departures.tab URL COOKIE

Prints a line once it is connected; answers the server's pings, and sends nothing else.
"""

import asyncio
import sys

from server.client import Address, Connection


async def main(url: str, cookie: str) -> None:
    tab = await Connection.open(Address.parse(url), cookie)
    await tab.receive()
    print("connected", flush=True)
    async for _ in tab:
        pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
