"""A cable between one player and the server that can go dead: no FIN, no RST, nothing."""

import asyncio
from contextlib import suppress

PING, PONG = 0x89, 0x8A
"""First bytes of pings of the server, and of their answers (RFC 6455, 5.2)."""


class Relay:
    """Forwards one connection from its own port to `port`, until `die`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._is_dead = False
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.answered = asyncio.Event()
        """Set when the player answered a ping of the server: from then on it takes longest to
        notice silence."""

    async def start(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def die(self) -> None:
        """Forward nothing more, either way, and keep both connections open."""
        self._is_dead = True

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += [writer, back_writer]
        self._tasks += [
            asyncio.create_task(self._carry(reader, back_writer, PONG)),
            asyncio.create_task(self._carry(back_reader, writer, PING)),
        ]

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, control: int
    ) -> None:
        # Chunks, not frames: on a quiet connection each chunk begins a frame.
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._is_dead:
                    await asyncio.Event().wait()
                writer.write(data)
                if control == PONG and data[0] == PONG:
                    self.answered.set()
            if not self._is_dead:
                writer.close()
