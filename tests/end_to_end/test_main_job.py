"""The main job: a session is active, warned and signed out by the server, without a request."""

import pytest

from tests.support.database import rows
from tests.support.live_server import LiveServer


@pytest.mark.both_loops
async def test_an_idle_player_is_warned_and_signed_out_with_no_request_from_anybody(
    server: LiveServer,
) -> None:
    bob = await server.guest("Bob")
    watcher = await bob.tab()
    await watcher.send("watch", topic="lobby")
    ada = await server.guest("Ada")
    tab = await ada.tab()
    joined = await watcher.next("presence")
    assert [player["name"] for player in joined["joined"]] == ["Ada"]

    await server.advance(100)
    await watcher.ask("ping", "pong")
    await server.advance(20.02)
    assert (await watcher.next("presence"))["changed"] == [{"id": ada.id, "status": "away"}]
    await watcher.ask("ping", "pong")
    await server.advance(100)
    await watcher.ask("ping", "pong")
    await server.advance(20)
    warning = await tab.next("warning")
    assert warning["reason"] == "idle_timeout"
    assert 60.0 <= warning["expires_in"] < 60.05
    await watcher.next("presence")
    await watcher.ask("ping", "pong")
    await server.advance(60.1)

    code, before = await tab.closed()
    assert code == 4501
    assert before[-1]["type"] == "signed_out"
    assert before[-1]["reason"] == "idle_timeout"
    assert (await watcher.next("presence"))["left"] == [ada.id]
    await server.still_here.store.journal.written_up_to_here()
    asked = "SELECT status, is_currently_active FROM players WHERE id = ?"
    assert rows(server.settings.database, asked, ada.id) == [("offline", 0)]
    refused = await ada.http.get("/api/session")
    assert (refused.status_code, refused.json()["code"]) == (401, "idle_timeout")
