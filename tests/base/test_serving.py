"""A few are served at a time; places have turns, and who has gone waits no more."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.base.serving import NotServed, Service
from tests.simulation.virtual import VirtualLoop

A, B = ("4.3.2.1", "ada"), ("8.7.6.5", "bob")
WAIT = 8.0


class Counter:
    """A service, and who is and was served."""

    def __init__(self, at_once: int = 2, most_waiting: int = 100) -> None:
        self.service = Service(at_once, most_waiting, WAIT)
        self.served: list[str] = []
        self._may_go = asyncio.Event()

    def come(self, name: str, path: tuple[str, ...] = A) -> "asyncio.Task[None]":
        return asyncio.create_task(self._come(name, path))

    async def _come(self, name: str, path: tuple[str, ...]) -> None:
        async with self.service.turn(path):
            self.served.append(name)
            await self._may_go.wait()

    async def let_all_go(self) -> None:
        self._may_go.set()
        await turns()

    async def is_free(self, at_once: int = 2) -> bool:
        """True if as many as ever are served at once, and no more."""
        self._may_go.clear()
        before = len(self.served)
        tasks = [self.come("") for _ in range(at_once + 1)]
        await turns()
        served = len(self.served) - before
        await self.let_all_go()
        await asyncio.gather(*tasks)
        return served == at_once and not len(self.service)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_are_served_at_once_and_places_take_turns() -> None:
    counter = Counter()
    tasks = [counter.come(f"a{number}") for number in range(5)]
    tasks += [counter.come(f"b{number}", B) for number in range(2)]
    await turns()
    assert counter.served == ["a0", "a1"]
    assert len(counter.service) == 5
    await counter.let_all_go()
    assert counter.served == ["a0", "a1", "a2", "b0", "a3", "b1", "a4"]
    await asyncio.gather(*tasks)
    assert await counter.is_free()


async def test_who_is_cancelled_waits_no_more_and_takes_no_turn() -> None:
    counter = Counter()
    tasks = [counter.come(str(number)) for number in range(5)]
    await turns()
    tasks[2].cancel()
    await turns()
    assert len(counter.service) == 2
    tasks[0].cancel()  # while it is served
    await turns()
    assert counter.served == ["0", "1", "3"]
    # Served and cancelled in one turn of the loop.
    tasks[1].cancel()
    await asyncio.sleep(0)
    tasks[4].cancel()
    await counter.let_all_go()
    assert await counter.is_free()


async def test_of_a_full_queue_the_last_of_the_place_with_the_most_is_refused() -> None:
    counter = Counter(at_once=1, most_waiting=3)
    tasks = [counter.come(f"a{number}") for number in range(4)]
    await turns()
    newcomer = counter.come("b", B)
    await turns()
    with pytest.raises(NotServed, match=r"^3 wait already$"):
        await tasks.pop()
    await counter.let_all_go()
    await asyncio.gather(*tasks, newcomer)
    assert counter.served == ["a0", "a1", "b", "a2"]
    assert await counter.is_free(1)


def on_a_loop(test: Callable[[VirtualLoop], Awaitable[None]]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(test(loop))
    finally:
        loop.close()


def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    async def waits(loop: VirtualLoop) -> None:
        counter = Counter(at_once=1)
        first, second = counter.come("first"), counter.come("second")
        with pytest.raises(NotServed, match="its turn did not come within 8 s"):
            await second
        assert WAIT <= loop.time() < WAIT + 0.01
        assert not len(counter.service)
        await asyncio.sleep(100.0)
        assert not first.done(), "who is served may take as long as they like"
        await counter.let_all_go()
        assert await counter.is_free(1)

    on_a_loop(waits)
