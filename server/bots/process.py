"""One process of bots, as the server sees it."""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec

from server.base.waiting import within
from server.bots.limits import Limits
from server.bots.messages import Answer, Question


class ThoughtFailed(Exception):
    """There is no answer; `str()` says why."""


class Process:
    """Starts with the first question, and anew after a failure."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer. Raises ThoughtFailed; then, and if this is cancelled, the process is
        ended."""
        limits = self._limits
        try:
            process = self._process
            if process is None:
                process = self._process = await within(limits.startup, self._start())
                # It has to import the game, too.
                return await within(limits.startup, _exchange(process, question))
            return await within(question.seconds + limits.lateness, _exchange(process, question))
        except (OSError, TimeoutError, ValueError) as error:
            # ValueError: the answer is too long, or none.
            await self.end()
            raise ThoughtFailed(str(error) or type(error).__name__) from error
        except BaseException:
            await self.end()
            raise

    async def end(self) -> None:
        """End the process. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()

    async def _start(self) -> asyncio.subprocess.Process:
        limits = self._limits
        arguments = (str(limits.memory), str(limits.lateness))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "server.bots.worker", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=limits.answer_length,
            # Nothing of the server's environment, which may have its keys.
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
        )


async def _exchange(process: asyncio.subprocess.Process, question: Question) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(question) + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise ValueError("the process has ended")
    try:
        return msgspec.json.decode(line, type=Answer)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
