"""A network cable between a browser and the server, which can be pulled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.ports import accept_no_more, keep_port, usual_port


class Cable:
    """Forwards connections from its own port to `port` while it is plugged in."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._is_plugged = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        self.url = ""

    def pull(self) -> None:
        """Reset every connection, and refuse new ones."""
        self._is_plugged = False
        for writer in self._writers:
            writer.transport.abort()

    def plug(self) -> None:
        """Accept connections again."""
        self._is_plugged = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection, both ways, until either end closes it."""
        if not self._is_plugged:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._carriers.add(task)
        try:
            try:
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._to)
            except OSError:
                writer.transport.abort()
                return
            await asyncio.gather(self._carry(reader, back_writer), self._carry(back_reader, writer))
        finally:
            self._carriers.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def settle(self) -> None:
        """Wait until every connection is closed."""
        self.pull()
        await asyncio.gather(*self._carriers, return_exceptions=True)


@asynccontextmanager
async def run_cable(port: int) -> AsyncIterator[Cable]:
    """Run a cable to `port` until the context ends."""
    cable = Cable(port)
    server = await asyncio.start_server(cable.accept, "127.0.0.1", usual_port("cable"))
    async with server:
        own_port = server.sockets[0].getsockname()[1]
        keep_port("cable", own_port)
        cable.url = f"http://127.0.0.1:{own_port}"
        yield cable
        await accept_no_more(server.sockets[0].fileno())
        await cable.settle()
