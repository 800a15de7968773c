"""A read that nobody waits for any more lets the next one begin, and who signs in waits for no
other."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.base.waiting import within
from server.storage.sqlite.reader import Reader
from tests.support.answers import until
from tests.support.database import ENDLESS
from tests.support.live_server import TIMEOUT, LiveServer
from tests.support.places import ANYBODY
from tests.support.storage_rig import QUICK, Opener, StorageRig

SEVERAL = 3


def connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(connect, steps_at_once=1000)
    await reader.open()
    yield reader
    await within(TIMEOUT, reader.close())


async def one(reader: Reader) -> object:
    return await within(TIMEOUT, reader.run(lambda disk: disk.execute("SELECT 1").fetchone()))


async def begin_endless(reader: Reader) -> "asyncio.Task[object]":
    """A query that has begun and never ends by itself."""
    has_begun = threading.Event()

    def query(disk: sqlite3.Connection) -> object:
        has_begun.set()
        return disk.execute(ENDLESS).fetchall()

    task = asyncio.create_task(reader.run(query))
    await until(has_begun.is_set)
    return task


async def test_a_cancelled_query_is_interrupted_and_the_next_one_begins(reader: Reader) -> None:
    endless = await begin_endless(reader)
    waiting = asyncio.create_task(one(reader))
    endless.cancel()
    assert await waiting == (1,)
    assert endless.cancelled()


async def test_a_query_given_up_before_its_turn_is_not_begun(reader: Reader) -> None:
    made: list[int] = []
    endless = await begin_endless(reader)
    second = asyncio.create_task(reader.run(lambda _: made.append(2)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    endless.cancel()
    assert await one(reader) == (1,)
    assert made == []


async def test_the_interruption_hits_no_other_query(reader: Reader) -> None:
    for _ in range(50):
        given_up = asyncio.create_task(reader.run(lambda disk: disk.execute(ENDLESS).fetchall()))
        await asyncio.sleep(0)
        others = [asyncio.create_task(one(reader)) for _ in range(SEVERAL)]
        await asyncio.sleep(0)
        given_up.cancel()
        assert await asyncio.gather(*others) == [(1,)] * len(others)


async def test_closing_waits_for_no_query(reader: Reader) -> None:
    endless = await begin_endless(reader)
    waiting = asyncio.create_task(one(reader))
    await asyncio.sleep(0)
    await within(TIMEOUT, reader.close())
    for each in (endless, waiting):
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            await each
    with pytest.raises(sqlite3.ProgrammingError, match="not open"):
        await one(reader)


# In the storage


def slow_down(rig: StorageRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let histories be read for ever."""

    async def history(*_: object) -> object:
        return await rig.engine.database.browsing.run(lambda disk: disk.execute(ENDLESS).fetchall())

    monkeypatch.setattr(rig.engine.reads, "history", history)


async def test_a_read_that_takes_too_long_leaves_the_reader_to_the_next(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig(limits=replace(QUICK, read_timeout=0.02))
    slow_down(rig, monkeypatch)
    with pytest.raises(StorageUnavailable):
        await rig.store.history(PlayerId("p_1"), 2**62, 10, ANYBODY)
    reader = rig.engine.database.browsing
    assert await one(reader) == (1,)


async def test_who_signs_in_does_not_wait_for_who_browses(rig: StorageRig) -> None:
    session, _ = rig.sign_in(rig.player("Ada", "a hash"))
    await rig.store.journal.written_up_to_here()
    endless = await begin_endless(rig.engine.database.browsing)
    account = await rig.store.find_account("ada")
    assert account is not None
    assert account.id == session.player.id
    assert await rig.store.is_any_taken(["ada"])
    assert await rig.store.find_ending(b"a digest") is None
    assert await rig.store.readiness() is None
    assert not endless.done()
    endless.cancel()


async def test_a_guest_is_let_in_while_the_lists_cannot_be_read(server: LiveServer) -> None:
    database = server.still_here.store.engine.database  # type: ignore[attr-defined]
    endless = await begin_endless(database.browsing)
    assert (await server.guest("Ada")).session.player.name == "Ada"
    assert not endless.done()
    endless.cancel()
