"""A test that would wait for ever is ended, and what it waited for is told."""

import asyncio
import io
import subprocess
import sys
from pathlib import Path

from tests.support.watchdog import tell

ROOT = Path(__file__).resolve().parents[1]

FOREVER = """
import asyncio, subprocess
from tests.support.watchdog import watch

child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
with watch("a test", 0.05):
    asyncio.run(asyncio.Event().wait())
"""


async def test_what_each_task_waits_for_is_told() -> None:
    async def wait_for_nobody() -> None:
        await asyncio.Event().wait()

    async def hold() -> None:
        await wait_for_nobody()

    task = asyncio.create_task(hold(), name="the one")
    await asyncio.sleep(0)
    stream = io.StringIO()
    tell("tests/some.py::test", 1.5, stream)
    task.cancel()
    told = stream.getvalue().partition("the task the one waits in\n")
    assert told[0].startswith("\ntests/some.py::test was not over after 1.5 s.\n")
    outer, inner, event, *_ = told[2].splitlines()
    assert outer.endswith("hold")
    assert inner.endswith("wait_for_nobody")
    assert event.endswith("Event.wait")


def test_the_process_ends_with_its_children() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOREVER],
        cwd=ROOT, capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a test was not over after 0.05 s." in done.stderr
    # Its stdout, which the child had too, came to an end.
    assert not Path(f"/proc/{int(done.stdout)}/cwd").exists()
