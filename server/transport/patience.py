"""How long a peer is waited for. Shared by both transports.

A deadline that is noticed late proves nothing about the peer: the process itself stood still, and
what the peer did meanwhile may not have been read. So it is given the same time again.
"""

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress

LATE = 0.5
"""Seconds by which a timer may be late before this process is taken to have stood still."""

WRITE_STALL = 10.0
"""Seconds in which a peer has to take `LEAST_PROGRESS` of what waits for it."""

LEAST_PROGRESS = 1024
"""Bytes. Less is as good as nothing: a connection could be held for ever at a byte a minute."""


class Patience:
    """One deadline, which is set anew as the connection goes through its states."""

    __slots__ = ("_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running_out(self) -> bool:
        """Whether there is a deadline."""
        return self._timer is not None

    def set(self, seconds: float, then: Callable[[], None]) -> None:
        """Call `then` in `seconds`, instead of what was to be called before."""
        self.stop()
        due = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._wake, seconds, then, due)

    def stop(self) -> None:
        """There is no deadline now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self, seconds: float, then: Callable[[], None], due: float) -> None:
        self._timer = None
        if self._loop.time() - due > LATE:
            self.set(seconds, then)
        else:
            then()


class StallWatch:
    """Cuts a peer off that takes nothing of what waits for it; from its making to `stop`.

    `transport.close()` would wait for the peer, and nothing else would end: no `connection_lost`
    comes, and whoever waits to send waits for ever.
    """

    __slots__ = ("_patience", "_transport", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting = _untaken(transport)
        self._patience = Patience(loop)
        self._patience.set(WRITE_STALL, self._check)

    def stop(self) -> None:
        """The peer has taken what waited, or is gone."""
        self._patience.stop()

    def _check(self) -> None:
        waiting = _untaken(self._transport)
        if waiting > self._waiting - LEAST_PROGRESS:
            _reset(self._transport)
            return
        self._waiting = waiting
        self._patience.set(WRITE_STALL, self._check)


def _reset(transport: asyncio.Transport) -> None:
    """Cut a peer off, and have the kernel drop what it holds for it: megabytes, for minutes."""
    its_socket = transport.get_extra_info("socket")
    with suppress(OSError):
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _untaken(transport: asyncio.Transport) -> int:
    """Bytes on their way to a peer: those that wait here, and those that the kernel has.

    The kernel takes some megabytes, and says that it takes more only when a third of them is
    gone: for as long as that, a peer that reads steadily would look as if it did not.
    """
    waiting = transport.get_write_buffer_size()
    its_socket = transport.get_extra_info("socket")
    try:
        kernel = fcntl.ioctl(its_socket.fileno(), termios.TIOCOUTQ, bytes(4))  # SIOCOUTQ, tcp(7)
    except (OSError, ValueError):  # it has none, or is closed
        return waiting
    unacknowledged: int = struct.unpack("i", kernel)[0]
    return waiting + unacknowledged
