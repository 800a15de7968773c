"""Scenes that are true only where this process runs in time, on machines where it may not."""

import asyncio
from collections.abc import Awaitable, Callable

_STEP = 0.005
_TRIES = 8


async def play_in_time(scene: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Play a scene; where it fails and the loop has stood still for `seconds` in all meanwhile,
    play it again. A failure without that stands, and so does that of the last of some tries.

    It is for peers that have to do something within a deadline of a tenth of a second: one who was
    not given the processor did not do what the test says that they do.
    """
    for attempt in range(_TRIES):
        late = 0.0

        async def watch() -> None:
            nonlocal late
            loop = asyncio.get_running_loop()
            while True:
                due = loop.time() + _STEP
                await asyncio.sleep(_STEP)
                late += max(0.0, loop.time() - due - _STEP)

        watching = asyncio.create_task(watch())
        try:
            await scene()
            return
        except (AssertionError, OSError, EOFError, TimeoutError):
            # What it has been late for until now is noticed at its next turn.
            await asyncio.sleep(2 * _STEP)
            if late < seconds or attempt == _TRIES - 1:
                raise
        finally:
            watching.cancel()
