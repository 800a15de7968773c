"""Starts of Python without importing the server, which takes 0.6 s of CPU time: a process that has
imported it forks for each of them.

A fork runs what Python would with its arguments, environment, folder, stdout and stderr. Only
Python's own startup and shutdown are missing: tests of those start a real process.
"""

import asyncio
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple, NoReturn

from tests.support.paths import ROOT

_WIDTH = 12
"""Bytes of a number in a message: if a process ends at once, two of them are in the buffer."""


class Start(NamedTuple):
    """What to start. `arguments` are Python's own and begin with `-m` or `-c`."""

    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]


# The side of the tests


class Fork:
    """A started process, with the part of asyncio's interface that the tests use. `returncode` is
    negative for a signal's number, and None until the end has been waited for."""

    def __init__(
        self,
        pid: int,
        channel: socket.socket,
        what: Start,
        stdout: asyncio.StreamReader | None = None,
    ) -> None:
        self.pid = pid
        self._what = what
        self.returncode: int | None = None
        self.stdout = stdout
        self._channel = channel

    def __del__(self) -> None:
        if self.returncode is None:
            told = f"nobody waited for the end of {self._what.arguments} in {self._what.folder}"
            warnings.warn(told, ResourceWarning, source=self, stacklevel=1)
            self._channel.close()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def communicate(self) -> None:
        """Read the rest of its output, and wait for the end."""
        assert self.stdout is not None
        ending = self._waiting  # closes the channel even if this is cancelled
        await self.stdout.read()
        await asyncio.shield(ending)

    async def wait(self) -> int:
        return await asyncio.shield(self._waiting)

    def wait_blocking(self, seconds: float) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._channel.settimeout(seconds)
            try:
                return self._end(self._channel.recv(_WIDTH))
            except TimeoutError:
                raise subprocess.TimeoutExpired("stillhere", seconds) from None
        return self.returncode

    @cached_property
    def _waiting(self) -> asyncio.Task[int]:
        """One task for all callers that wait."""

        async def wait() -> int:
            with self._channel:  # a closed loop cancels this
                told = await asyncio.get_running_loop().sock_recv(self._channel, _WIDTH)
                return self._end(told)

        return asyncio.create_task(wait())

    def _end(self, told: bytes) -> int:
        assert told, "the process that forks has ended"
        self.returncode = int(told)
        self._channel.close()
        return self.returncode


class Forks:
    """The process that forks. It is started when it is first needed, and ends with this process or
    with the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None

    def start(self, what: Start, stdout: int, stderr: int) -> Fork:
        """Start it. The caller closes the file descriptors `stdout` and `stderr`."""
        channel = self._ask(what, stdout, stderr)
        return Fork(int(channel.recv(_WIDTH)), channel, what)

    async def start_in_loop(self, what: Start, stderr: int) -> Fork:
        """The same, with its stdout as a stream, and without blocking the loop."""
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        try:
            channel = self._ask(what, writing, stderr)
        finally:
            os.close(writing)
        channel.setblocking(False)
        stdout = asyncio.StreamReader()
        told = asyncio.create_task(loop.sock_recv(channel, _WIDTH))
        try:
            await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb", 0)
            )
            return Fork(int(await asyncio.shield(told)), channel, what, stdout)
        except asyncio.CancelledError:
            with channel:
                os.kill(int(await told), signal.SIGKILL)  # nothing else would end it
            raise

    def _ask(self, what: Start, stdout: int, stderr: int) -> socket.socket:
        with self._lock:
            if self._requests is None:
                self._requests = self._begin()
        channel, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [b"."], [theirs.fileno(), stdout, stderr])
        channel.sendall(json.dumps(what).encode())
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

IMPORTED = ("server.__main__", "uvicorn.__main__")


class Request(NamedTuple):
    """What a fork has to run, and the channel for its pid and its end."""

    what: Start
    channel: socket.socket
    stdout: int
    stderr: int

    def become(self) -> NoReturn:
        """Turn this process into a newly started one, and end as that would."""
        self.channel.close()
        for descriptor, place in ((self.stdout, 1), (self.stderr, 2)):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.chdir(self.what.folder)
        os.environ.clear()
        os.environ.update(self.what.environment)
        code = 0
        try:
            _run_python(self.what.arguments)
        except SystemExit as ended:
            if not isinstance(ended.code, int | None):
                raise
            code = ended.code or 0
        # As Python ends, except for deallocating all modules, which takes more CPU time than most
        # servers of the tests.
        threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)


def _run_python(arguments: Sequence[str]) -> None:
    option, what, *rest = arguments
    sys.argv = [option, *rest]
    if option == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        assert option == "-m", option
        runpy.run_module(what, run_name="__main__", alter_sys=True)


class Starter:
    """Forks for each start, and reports each end."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._channels: dict[int, socket.socket] = {}
        self._woken, self._waking = socket.socketpair()
        for each in (self._woken, self._waking):
            each.setblocking(False)
        # The tests end what they have started when the suite is interrupted.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waking.fileno())

    def serve(self) -> Request | None:
        """Return the request in every forked process, and None when the tests have ended."""
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

    def _receive(self) -> Request | None:
        said, descriptors, _, _ = socket.recv_fds(self._requests, 1, 3)
        if not said:
            return None
        channel = socket.socket(fileno=descriptors[0])
        with channel.makefile("rb") as reader:
            what = Start(*json.load(reader))
        return Request(what, channel, *descriptors[1:])

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
        with suppress(ConnectionError):
            channel.send(b"%*d" % (_WIDTH, number))

    def _forget_everything(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # As in a process started from a shell, whatever the suite's own handlers are.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for each in (self._requests, self._woken, self._waking, *self._channels.values()):
            each.close()


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    # Frozen objects are not traversed, and so not copied.
    gc.collect()
    gc.freeze()
    request = Starter(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request is not None:
        request.become()


if __name__ == "__main__":
    main()
