"""`stillhere backup`, as an operator uses it: on a live server, and restored."""

import asyncio
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from scripts.server_process import ROOT
from tests.support.database import rows
from tests.support.process import VisitedServer, last_line, run, running

README = (ROOT / "README.md").read_text()


async def write_on(server: VisitedServer, busy: asyncio.Event) -> int:
    """Sign guests in and out while the copy runs; return how many."""
    count = 0
    async with server.visitor() as client:
        while not busy.is_set():
            count += 1
            response = await client.post("/api/guests", json={"name": f"guest {count}"})
            assert response.status_code == 201
            assert (await client.delete("/api/session")).status_code == 204
    return count


async def test_a_copy_made_under_load_keeps_every_session(tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    async with running(tmp_path) as server:
        ada = await server.sign_in("Ada")
        is_copied = asyncio.Event()
        writing = asyncio.create_task(write_on(server, is_copied))
        await asyncio.sleep(0.1)
        done = await asyncio.to_thread(run, tmp_path, "backup", str(copy))
        is_copied.set()
        assert done.returncode == 0, done.stderr
        assert await writing > 0
        first, second = done.stdout.splitlines()
        assert first.startswith(f"stillhere.db copied to {copy}: ")
        assert "stillhere.db.keys" in second
        # The server is the only writer, and was not disturbed.
        assert await server.status(ada) == (200, "active")
        async with server.visitor() as client:
            assert (await client.get("/readyz")).status_code == 200
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    shutil.copy(tmp_path / "stillhere.db.keys", copy.with_name("copy.db.keys"))
    async with running(tmp_path, "--database", str(copy)) as server:
        assert await server.status(ada) == (200, "reconnecting")


def test_a_copy_is_made_just_as_the_readme_says(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "stillhere.db")) as disk:
        disk.execute("CREATE TABLE boots (id INTEGER)")
    (command,) = re.findall(r"^scripts/serve (backup .+)$", README, re.MULTILINE)
    done = run(tmp_path, *command.split())
    assert done.returncode == 0, done.stderr


def test_the_command_reads_the_database_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "game.db"
    with closing(sqlite3.connect(path)) as disk:
        disk.execute("CREATE TABLE boots (id INTEGER)")
    assert run(tmp_path, "backup", "1.db", STILLHERE_DATABASE="game.db").returncode == 0
    again = run(tmp_path, "--database", "game.db", "backup", "1.db")
    assert again.returncode == 1
    assert last_line(again).startswith("stillhere: 1.db exists already")
    missing = run(tmp_path, "--database", "game.db", "backup", "2.db", "--database", "no.db")
    assert missing.returncode == 1
    assert last_line(missing) == "stillhere: there is no database no.db to copy"
    assert {each.name for each in tmp_path.glob("*.db")} == {"game.db", "1.db"}
