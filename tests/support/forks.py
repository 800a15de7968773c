"""Starts of the `stillhere` command that need not import the server, which takes 0.6 s of a
processor: a process that has imported it forks for each of them.

What is started is a process of its own that runs the command's `main` with its own arguments,
environment, folder, stdout and stderr, and it ends as any Python does. Only what comes before
`main` is not as it is for `python -m server`: the tests that are about that start the real thing.
"""

import asyncio
import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


# The side of the tests


class Fork:
    """A process that was started, with the interface of asyncio's as far as the tests use it.
    `returncode`: negative for a signal's number, None until the end has been waited for."""

    def __init__(
        self, pid: int, channel: socket.socket, stdout: asyncio.StreamReader | None = None
    ) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = stdout
        self._channel = channel

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def communicate(self) -> None:
        """Read what it still says, and wait for the end."""
        assert self.stdout is not None
        await self.stdout.read()
        await self.wait()

    async def wait(self) -> int:
        return await asyncio.shield(self._waiting)

    def wait_blocking(self, seconds: float) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._channel.settimeout(seconds)
            try:
                return self._end(self._channel.recv(100))
            except TimeoutError:
                raise subprocess.TimeoutExpired("stillhere", seconds) from None
        return self.returncode

    @cached_property
    def _waiting(self) -> asyncio.Task[int]:
        """One for all who wait."""

        async def wait() -> int:
            return self._end(await asyncio.get_running_loop().sock_recv(self._channel, 100))

        return asyncio.create_task(wait())

    def _end(self, told: bytes) -> int:
        assert told, "the process that forks has ended"
        self.returncode = int(told)
        self._channel.close()
        return self.returncode


class Forks:
    """The process that forks, which is started when first it is needed, and ends with this one or
    with the tests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: socket.socket | None = None

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: int,
        stderr: int,
    ) -> Fork:
        """Start the command. `stdout`, `stderr`: file descriptors, which the caller closes."""
        channel = self._ask(arguments, folder, environment, stdout, stderr)
        return Fork(int(channel.recv(100)), channel)

    async def start_in_loop(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stderr: int
    ) -> Fork:
        """The same, with its stdout to read from; the loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        try:
            channel = self._ask(arguments, folder, environment, writing, stderr)
        finally:
            os.close(writing)
        stdout = asyncio.StreamReader()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb", 0)
        )
        channel.setblocking(False)
        return Fork(int(await loop.sock_recv(channel, 100)), channel, stdout)

    def _ask(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: int,
        stderr: int,
    ) -> socket.socket:
        with self._lock:
            if self._requests is None:
                self._requests = self._begin()
        channel, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [b"."], [theirs.fileno(), stdout, stderr])
        channel.sendall(json.dumps([list(arguments), str(folder), dict(environment)]).encode())
        channel.shutdown(socket.SHUT_WR)
        return channel

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forks", str(theirs.fileno())],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip

        def end() -> None:
            ours.close()
            process.wait()

        atexit.register(end)
        return ours


FORKS = Forks()


# The process that forks


class Start(NamedTuple):
    """What a fork is to become."""

    channel: socket.socket
    stdout: int
    stderr: int
    arguments: list[str]
    folder: str
    environment: dict[str, str]

    def become(self) -> None:
        """Make this process one that was just started."""
        self.channel.close()
        for descriptor, place in ((self.stdout, 1), (self.stderr, 2)):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv[1:] = self.arguments


class Starter:
    """Forks for each start, and tells each end to who asked."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._channels: dict[int, socket.socket] = {}
        self._woken, self._waking = socket.socketpair()
        for each in (self._woken, self._waking):
            each.setblocking(False)
        # Where the suite has been interrupted, the tests end what they have started.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waking.fileno())

    def serve(self) -> Start | None:
        """Returns in every process that it forks; and None when nobody can ask for more."""
        while True:
            readable, _, _ = select.select([self._requests, self._woken], [], [])
            if self._woken in readable:
                with suppress(BlockingIOError):
                    self._woken.recv(1000)
                self._tell_ends()
            if self._requests in readable:
                request = self._receive()
                if request is None:
                    for pid in self._channels:
                        os.kill(pid, signal.SIGKILL)
                    return None
                pid = os.fork()
                if pid == 0:
                    self._forget_everything()
                    return request
                os.close(request.stdout)
                os.close(request.stderr)
                self._channels[pid] = request.channel
                self._tell(request.channel, pid)

    def _receive(self) -> Start | None:
        said, descriptors, _, _ = socket.recv_fds(self._requests, 1, 3)
        if not said:
            return None
        channel = socket.socket(fileno=descriptors[0])
        with channel.makefile("rb") as reader:
            arguments, folder, environment = json.load(reader)
        return Start(channel, descriptors[1], descriptors[2], arguments, folder, environment)

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                channel = self._channels.pop(pid)
                self._tell(channel, os.waitstatus_to_exitcode(status))
                channel.close()

    def _tell(self, channel: socket.socket, number: int) -> None:
        with suppress(BrokenPipeError):
            channel.send(b"%d" % number)

    def _forget_everything(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # As in a process that was started from a shell, whatever the suite was.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for each in (self._requests, self._woken, self._waking, *self._channels.values()):
            each.close()


def main() -> None:
    from server.__main__ import main as command

    # What there is now is never looked at again, and so never copied.
    gc.collect()
    gc.freeze()
    start = Starter(socket.socket(fileno=int(sys.argv[1]))).serve()
    if start is not None:
        start.become()
        command()


if __name__ == "__main__":
    main()
