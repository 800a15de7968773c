"""The n-th call to the database fails, for every n: nothing acknowledged is lost."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.accounts.accounts import Accounts
from server.accounts.errors import NameTaken
from server.accounts.limits import Limits
from server.accounts.names import parse_name
from server.accounts.ports import StorageUnavailable
from server.base.waiting import within
from server.presence.events import Event, StatusChanged
from server.presence.session import Session
from server.presence.status import Reason
from server.storage.errors import StorageRefused
from tests.support.database import Change, read_changes
from tests.support.faulty import FaultyDisk
from tests.support.manual_clock import ManualClock
from tests.support.open_passwords import OpenPasswords
from tests.support.places import ANYBODY, HERE
from tests.support.storage_rig import QUICK, StorageRig

A_WHILE = 12
"""Failures in a row in longer runs: enough for several retries."""

FOR_GOOD = 10**9
"""Failures until the end in some runs, in which no client may wait for long."""

IMPATIENT = replace(QUICK, write_timeout=0.01)


@dataclass
class Life:
    """What clients did and were told, and what must be true later."""

    rig: StorageRig
    accounts: Accounts
    told: list[Change] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    registered: dict[str, bool] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(event, StatusChanged):
            self.told.append((event.session_id, event.after, event.reason, event.player_after))

    async def let_in(self, player: Any) -> Session:
        session, cookie = self.rig.sessions.open(player, self.rig.clock.now())
        self.cookies[session.id] = cookie
        await self.rig.sessions.flush()
        return session

    async def guest(self, name: str) -> Session | None:
        try:
            player = await self.accounts.new_guest(parse_name(name), self.now, HERE)
        except (StorageUnavailable, NameTaken):
            return None  # no reads; or the free name is not written yet
        return await self.let_in(player)

    async def member(self, name: str) -> Session | None:
        try:
            player = await self.accounts.register(parse_name(name), "a password", self.now, HERE)
        except StorageUnavailable:
            self.registered[name] = False
            return None
        self.registered[name] = True
        return await self.let_in(player)

    async def sign_in(self, name: str) -> Session | None:
        try:
            return await self.let_in(
                await self.accounts.authenticate(name, "a password", self.now, HERE)
            )
        except StorageUnavailable:
            return None

    async def sign_out(self, session: Session | None) -> None:
        if session is not None:
            await self.rig.sessions.end([session.id], Reason.SIGNED_OUT, self.now)
            self.revoked.append(session.id)

    def connect(self, *sessions: Session | None) -> None:
        for session in sessions:
            if session is not None:
                self.rig.stream.publish(self.rig.registry.connected(session, self.now))

    def drop(self, session: Session | None) -> None:
        if session is not None:
            self.rig.stream.publish(
                self.rig.registry.disconnected(session, self.now, has_left=False)
            )

    def touch(self, session: Session | None) -> None:
        if session is not None:
            self.rig.stream.publish(self.rig.registry.touch(session, self.now))

    @property
    def now(self) -> float:
        return self.rig.clock.now()


async def live(life: Life) -> None:
    """Guests and members, tabs, drops, timeouts, sign-outs, a read of the history, and two matches,
    one of which is over."""
    ada = await life.guest("Ada")
    eve = await life.member("Eve")
    life.connect(ada, eve)
    room = None
    if ada is not None and eve is not None:
        room = life.rig.table("connect-four", ada.player, eve.player)
        life.rig.act(room, {"column": 3})
    bob = await life.guest("Bob")
    life.drop(ada)
    life.rig.until(20)
    life.connect(ada)
    await life.sign_out(bob)
    await life.guest("Bob")  # the name is free again
    if room is not None:
        for column in (4, 3, 4, 3, 4, 3):
            life.rig.act(room, {"column": column})
        for _, _, player in list(room.taken()):
            life.rig.room_stream.publish(life.rig.rooms.start(player, room.id, life.now))
    life.rig.until(200)
    life.touch(eve)
    life.rig.store.activity.note()
    if room is not None:
        life.rig.act(room, {"column": 0})
    if life.registered["Eve"]:
        await life.sign_out(await life.sign_in("Eve"))
    life.rig.until(400)  # Ada, who is idle, is signed out
    if eve is not None:
        try:
            changes = await life.rig.store.history(eve.player.id, 2**62, 100, ANYBODY)
        except StorageUnavailable:
            pass
        else:
            assert all(change.session_id in life.cookies for change in changes)


async def open_life(path: Path, clock: ManualClock, disk: FaultyDisk) -> Life:
    rig = await StorageRig.open(path, clock, disk, IMPATIENT)
    life = Life(rig, Accounts(rig.store, OpenPasswords(), Limits(), rig.budget))
    rig.stream.subscribe(life.hear)
    return life


async def check_what_is_left(path: Path, life: Life, now: float, *, is_whole: bool) -> None:
    """Check the database on a disk that works again."""
    written = read_changes(path)
    assert written == life.told[: len(written)], "once each, and in order"
    if is_whole:
        assert written == life.told
    again = await StorageRig.open(path, ManualClock(now))
    try:
        known = {id for (id,) in await again.rows("SELECT id FROM sessions")}
        changes = [change for change in read_changes(path) if change[2] == "signed_out"]
        for session in life.revoked:
            # A session that began and ended during the failure may be missing.
            is_known = session in known
            found = await again.sessions.find(life.cookies[session])
            assert found is (Reason.SIGNED_OUT if is_known else None)
            told = [change for change in life.told if change[:3:2] == (session, "signed_out")]
            assert [change for change in changes if change[0] == session] == told * is_known
        for name, is_registered in life.registered.items():
            account = await again.store.find_account(name.casefold())
            # A refused registration is undone; a kill may come before that.
            if is_registered or is_whole:
                assert (account is not None) is is_registered
        matches = await again.check_matches()
        assert not is_whole or matches == 2 * len(life.rig.rooms.all)
        assert await again.rows("PRAGMA integrity_check") == [("ok",)]
        assert await again.rows("PRAGMA foreign_key_check") == []
    finally:
        await again.store.close()


async def run(path: Path, disk: FaultyDisk, *, is_killed: bool) -> None:
    """One life on a disk that fails at one point, and a check of the database."""
    loop = asyncio.get_running_loop()
    unhandled: list[object] = []
    loop.set_exception_handler(lambda loop, context: unhandled.append(context))
    tasks = asyncio.all_tasks()
    clock = ManualClock()
    try:
        life = await open_life(path, clock, disk)
    except StorageRefused:
        assert disk.threads() == 0, "a start that failed has left something open"
        rig = await StorageRig.open(path, clock)
        await rig.store.close()
    else:
        await within(10, live(life))
        # Stopping closes the file in any case, and writes what was kept if the disk works again.
        if is_killed or disk.count == FOR_GOOD:
            disk.count = 0
        if is_killed:
            await life.rig.kill()
        else:
            await within(10, life.rig.store.close())
        assert disk.threads() == 0
        await check_what_is_left(path, life, clock.now(), is_whole=not is_killed)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert unhandled == []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory if possible: the failures are simulated, and a real disk would only be slow."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.mark.parametrize("failures", [1, A_WHILE, FOR_GOOD])
async def test_whichever_call_fails_nothing_acknowledged_is_lost(
    failures: int, folder: Path
) -> None:
    whole = FaultyDisk()
    await run(folder / "whole.db", whole, is_killed=False)
    assert whole.calls > 50
    # One failure at every call. Runs of failures differ only in their first call.
    for number in range(1, whole.calls + 1, 1 if failures == 1 else 5):
        disk = FaultyDisk(number, failures)
        # Every second run ends with a kill, and differently for one and for many failures.
        is_killed = number % 2 == (failures > 1)
        try:
            await run(folder / f"{number}.db", disk, is_killed=is_killed)
        except BaseException as error:
            error.add_note(
                f"call {number} of {whole.calls} failed, {failures} in a row, "
                f"then {'killed' if is_killed else 'stopped'}"
            )
            raise
