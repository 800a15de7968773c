"""Calls that read from the disk end when nobody waits for their answer."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.base.waiting import within
from server.limits import Limits
from server.storage.sqlite.engine import SqliteEngine
from tests.support.answers import until
from tests.support.database import ENDLESS
from tests.support.live_server import TIMEOUT, run_server
from tests.support.peers import Peers

PATIENT = Limits(storage=replace(Limits().storage, read_timeout=3600.0))


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/api/players?status=offline", "offline_players"),
        ("/api/players/p_0123456789012345678901", "find_player"),
        ("/api/players/{own}/history", "history"),
        ("/api/matches", "matches_of"),
        ("/api/matches/m_0123456789012345678901", "find_match"),
    ],
)
async def test_a_read_is_interrupted_when_its_client_has_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, read: str
) -> None:
    async with run_server(tmp_path / "test.db", limits=PATIENT) as server:
        engine = server.still_here.store.engine
        assert isinstance(engine, SqliteEngine)
        reader = engine.database.browsing
        began: list[object] = []

        def endless(disk: sqlite3.Connection) -> object:
            began.append(disk)
            return disk.execute(ENDLESS).fetchall()

        async def read_for_ever(*_: object) -> object:
            return await reader.run(endless)

        monkeypatch.setattr(engine.reads, read, read_for_ever)
        ada = await server.guest("Ada")
        with Peers(server.port) as peers:
            peer = await peers.connect()
            target = path.format(own=ada.id)
            await peer.send(
                f"GET {target} HTTP/1.1\r\nhost: h\r\ncookie: session={ada.cookie}\r\n\r\n".encode()
            )
            await until(lambda: bool(began))
            peer.reset()
        await within(TIMEOUT, reader.run(lambda disk: disk.execute("SELECT 1").fetchone()))
