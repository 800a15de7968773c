"""A thread for blocking calls: in order, and without keeping the process alive."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable

import pytest

from server.base.ids import PlayerId
from server.storage.thread import DaemonThread
from tests.support.places import ANYBODY
from tests.support.storage_rig import StorageRig

HANGING = """
import asyncio, threading
from server.storage.thread import DaemonThread

async def main():
    asyncio.get_running_loop().run_in_executor(DaemonThread("hangs"), threading.Event().wait)
    await asyncio.sleep(0.05)
    raise SystemExit(7)

asyncio.run(main())
"""


async def test_calls_are_made_in_order_on_one_thread() -> None:
    loop, executor = asyncio.get_running_loop(), DaemonThread("test")
    made: list[tuple[int, int]] = []

    def call(number: int) -> int:
        made.append((number, threading.get_ident()))
        return number

    calls = [loop.run_in_executor(executor, call, number) for number in range(20)]
    assert await asyncio.gather(*calls) == list(range(20))
    assert [number for number, _ in made] == list(range(20))
    assert len({thread for _, thread in made}) == 1
    executor.shutdown(wait=True)


async def test_an_error_of_a_call_is_raised_and_the_next_call_is_made() -> None:
    loop, executor = asyncio.get_running_loop(), DaemonThread("test")
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(executor, lambda: 1 // 0)
    assert await loop.run_in_executor(executor, lambda: 7) == 7
    executor.shutdown(wait=True)


async def test_a_call_that_is_cancelled_before_its_turn_is_not_made() -> None:
    loop, executor = asyncio.get_running_loop(), DaemonThread("test")
    gate, made = threading.Event(), []
    first = loop.run_in_executor(executor, gate.wait, 10)
    second = loop.run_in_executor(executor, lambda: made.append(2))
    second.cancel()
    await asyncio.sleep(0)  # the loop passes the cancellation on in its next turn
    gate.set()
    await first
    await loop.run_in_executor(executor, lambda: made.append(3))
    assert made == [3]
    executor.shutdown(wait=True)


def test_a_call_that_never_returns_does_not_keep_the_process_from_exiting() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], timeout=20, check=False)
    assert done.returncode == 7


async def test_no_thread_of_an_open_store_keeps_the_process_from_exiting(
    open_rig: Callable[..., Awaitable[StorageRig]],
) -> None:
    before = set(threading.enumerate())
    rig = await open_rig()
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await rig.store.find_account("ada")
    await rig.store.find_player(PlayerId("p_1"), ANYBODY)
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    assert [thread.name for thread in started if not thread.daemon] == []
