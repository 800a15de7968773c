"""Peers that do not read what they are sent. For both transports."""

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress

from server.base.units import to_ms
from server.transport.limits import Limits
from server.transport.wheel import Wheel

_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
"""tcp(7): how long data may wait for the peer. Linux only; other systems have limits of their
own."""


class StallWatch:
    """Blocks senders while a peer reads too slowly, until `stop` is called, and cuts the peer off
    if it reads nothing.

    `transport.close()` would wait for the peer: `connection_lost` would not be called, and `send`,
    which waits for it, would never return.
    """

    __slots__ = ("_is_over", "_limits", "_transport", "_waiting", "_wheel", "turn")

    def __init__(self, wheel: Wheel, transport: asyncio.Transport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits
        self._waiting = _untaken(transport)
        self._is_over = asyncio.Event()
        self._wheel = wheel
        self.turn: int | None = None
        wheel.set(self, limits.write_stall)

    def stop(self) -> None:
        """The peer has taken what waited, or is gone: senders go on."""
        self._wheel.stop(self)
        self.wake()

    async def wait(self) -> None:
        """Return after `stop` or `wake`."""
        await self._is_over.wait()

    def wake(self) -> None:
        """Let senders check again, while the peer is still watched."""
        self._is_over.set()

    def due(self) -> None:
        """Check whether the peer has taken anything."""
        waiting = _untaken(self._transport)
        if waiting > self._waiting - self._limits.least_progress:
            _reset(self._transport)
            return
        self._waiting = waiting
        self._wheel.set(self, self._limits.write_stall)


class WatchedTransport(asyncio.Protocol):
    """Handles slow peers in both transports. Subclasses set the attributes."""

    __slots__ = ("_stall",)

    _limits: Limits
    _transport: asyncio.Transport
    _wheel: Wheel
    _stall: StallWatch | None
    """None while the peer takes everything."""

    def pause_writing(self) -> None:
        """The peer is slow: senders wait, for a limited time."""
        self._stall = StallWatch(self._wheel, self._transport, self._limits)

    def resume_writing(self) -> None:
        """The peer has taken most of what waited."""
        if self._stall is not None:
            self._stall.stop()
            self._stall = None


def watch_kernel(transport: asyncio.BaseTransport, limits: Limits) -> None:
    """Have the kernel drop what the peer of a closing connection takes nothing of for
    `Limits.write_stall`: up to some megabytes, which it would keep for minutes.

    Once the socket is closed only the kernel knows of it, so nothing here can watch it. To be
    called before whatever closes a socket that something was written to.
    """
    if _USER_TIMEOUT is not None:
        with suppress(OSError, ValueError, AttributeError):  # it is closed, or no socket
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, _USER_TIMEOUT, to_ms(limits.write_stall)
            )


def _reset(transport: asyncio.Transport) -> None:
    """Cut a peer off, and have the kernel drop its send buffer: megabytes, for minutes."""
    its_socket = transport.get_extra_info("socket")
    with suppress(OSError, ValueError):  # the socket is closed
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _untaken(transport: asyncio.Transport) -> int:
    """Return the bytes that a peer has not taken: those in the transport and those in the kernel.

    The kernel buffers some megabytes, and accepts more only after a third of them is gone:
    meanwhile a peer that reads steadily would look stalled.
    """
    waiting = transport.get_write_buffer_size()
    its_socket = transport.get_extra_info("socket")
    try:
        kernel = fcntl.ioctl(its_socket.fileno(), termios.TIOCOUTQ, bytes(4))  # SIOCOUTQ, tcp(7)
    except (OSError, ValueError):  # no socket, or a closed one
        return waiting
    unacknowledged: int = struct.unpack("i", kernel)[0]
    return waiting + unacknowledged
