"""A tab in a process of its own, which can crash or freeze.

    python -m scripts.departures.tab URL COOKIE

Prints a line once it is connected; answers the server's pings, and says nothing by itself.
"""

import sys

from websockets.sync.client import connect


def main() -> None:
    url, cookie = sys.argv[1:]
    with connect(url, additional_headers={"Cookie": cookie}, ping_interval=None) as socket:
        socket.recv()
        print("connected", flush=True)
        for _ in socket:
            pass


if __name__ == "__main__":
    main()
