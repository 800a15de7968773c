"""Reads of names are shared: who asks while one runs is answered by the next, and by their own
names alone."""

import asyncio
from collections.abc import Collection

import pytest

from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.storage.owners import Owners

ADA, BEN = PlayerId("ada"), PlayerId("ben")
STORED = {"ada": ADA, "ben": BEN, "bem": BEN}


class Reads:
    """The reads of a database, each of which waits until it is let go on."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.error: Exception | None = None
        self._gate = asyncio.Semaphore(0)

    async def __call__(self, lookalikes: Collection[str]) -> dict[str, PlayerId]:
        self.asked.append(set(lookalikes))
        await self._gate.acquire()
        if self.error is not None:
            raise self.error
        return {each: STORED[each] for each in lookalikes if each in STORED}

    async def go_on(self) -> None:
        self._gate.release()
        for _ in range(5):
            await asyncio.sleep(0)


def ask(owners: Owners, *lookalikes: str) -> "asyncio.Task[set[PlayerId]]":
    return asyncio.create_task(owners.of(lookalikes))


async def test_who_asks_while_a_read_runs_shares_the_next() -> None:
    reads = Reads()
    owners = Owners(reads)
    first = ask(owners, "ada")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [ask(owners, "ada", "eve"), ask(owners, "ben", "bem"), ask(owners, "eve")]
    await reads.go_on()
    assert first.result() == {ADA}
    assert reads.asked == [{"ada"}, {"ada", "eve", "ben", "bem"}], "not of one that had begun"
    await reads.go_on()
    assert [each.result() for each in others] == [{ADA}, {BEN}, set()]


async def test_who_asks_in_the_same_turn_of_the_loop_shares_a_read() -> None:
    reads = Reads()
    owners = Owners(reads)
    asked = [ask(owners, "ada"), ask(owners, "ben")]
    await asyncio.sleep(0)
    await reads.go_on()
    assert [each.result() for each in asked] == [{ADA}, {BEN}]
    assert len(reads.asked) == 1


async def test_a_cancelled_wait_disturbs_nobody() -> None:
    reads = Reads()
    owners = Owners(reads)
    reading, other = ask(owners, "ada"), ask(owners, "ada")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting, last = ask(owners, "ben"), ask(owners, "ada")
    await asyncio.sleep(0)
    reading.cancel()
    waiting.cancel()
    await reads.go_on()
    assert other.result() == {ADA}
    await reads.go_on()
    assert last.result() == {ADA}


async def test_a_failed_read_fails_for_all_who_wait_and_for_nobody_later() -> None:
    # Nobody waits for a second one, which would take as long on a disk that hangs.
    reads = Reads()
    owners = Owners(reads)
    failing = [ask(owners, "ada"), ask(owners, "ben")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    failing.append(ask(owners, "ada"))
    await asyncio.sleep(0)
    reads.error = StorageUnavailable("not now")
    await reads.go_on()
    for each in failing:
        with pytest.raises(StorageUnavailable, match="not now"):
            each.result()
    reads.error = None
    later = ask(owners, "ada")
    await asyncio.sleep(0)
    await reads.go_on()
    assert later.result() == {ADA}
    assert len(reads.asked) == 2


async def test_a_bug_in_a_read_keeps_nobody_waiting() -> None:
    reads = Reads()
    reads.error = ZeroDivisionError()
    asked = ask(Owners(reads), "ada")
    await asyncio.sleep(0)
    await reads.go_on()
    with pytest.raises(ZeroDivisionError):
        asked.result()


async def test_closing_keeps_nobody_waiting() -> None:
    reads = Reads()
    owners = Owners(reads)
    asked = [ask(owners, "ada")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.append(ask(owners, "ben"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(owners.close())
    asked.append(ask(owners, "ada"))
    await closing
    asked.append(ask(owners, "ada"))
    for each in asked:
        with pytest.raises(StorageUnavailable):
            await each
    assert len(reads.asked) == 1
