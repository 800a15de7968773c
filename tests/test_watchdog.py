"""A test that would wait for ever is ended, and the output says what it waited for."""

import asyncio
import io
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.watchdog import tell

FOREVER = """
import asyncio, subprocess
from pathlib import Path


async def test_that_waits():
    child = subprocess.Popen(["sleep", "60"])
    Path("{child}").write_text(str(child.pid))
    await asyncio.Event().wait()


def test_that_comes_next():
    pass
"""


async def test_the_report_names_what_each_task_waits_for() -> None:
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


def test_the_suite_ends_and_names_the_waiting_test(tmp_path: Path) -> None:
    """Even though pytest captures output and pytest-xdist replaces processes that end."""
    test, child = tmp_path / "test_that_waits.py", tmp_path / "child"
    test.write_text(FOREVER.format(child=child))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "no:cacheprovider",
         "-p", "tests.support.watchdog", "-o", "longest_test=2", "-n", "1", test],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert "::test_that_waits was not over after 2 s." in done.stderr
    assert "Event.wait" in done.stderr
    assert "1 failed" in done.stdout
    # The child is dead: otherwise it would keep the output open.
    assert not Path(f"/proc/{child.read_text()}/cwd").exists()
