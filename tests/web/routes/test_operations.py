"""For operators: health, readiness and metrics."""

import pytest

from server.storage.errors import EngineError
from tests.support.answers import metrics, refusal
from tests.support.live_server import LiveServer


async def test_a_server_that_is_up_is_alive_and_ready(server: LiveServer) -> None:
    visitor = await server.visitor()
    for path in ("/healthz", "/readyz"):
        response = await visitor.http.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"


async def test_a_failing_read_makes_the_server_unready_and_still_alive(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise EngineError("disk I/O error")

    monkeypatch.setattr(server.still_here.store.engine.reads, "check", fail)
    visitor = await server.visitor()
    response = await visitor.http.get("/readyz")
    assert refusal(response) == (503, "storage_failing")
    assert response.headers["retry-after"] == "5"
    assert (await visitor.http.get("/healthz")).status_code == 200
    monkeypatch.undo()
    assert (await visitor.http.get("/readyz")).status_code == 200


async def test_the_metrics_count_present_players_and_events(server: LiveServer) -> None:
    phone = await server.member("Ada")
    await server.sign_in("Ada")
    bob = await server.guest("Bob")
    tab = await phone.tab()
    await tab.ask("watch", "roster", topic="lobby")
    await bob.http.delete("/api/session")
    values = await metrics(server)
    assert values['stillhere_sessions{status="active"}'] == 2
    assert values['stillhere_players{status="active"}'] == 1
    assert values['stillhere_players{status="warned"}'] == 0
    assert values["stillhere_connections"] == 1
    # The socket, and the connections of four browsers that call.
    assert values["stillhere_transports"] == 1 + 4
    assert values["stillhere_watchers"] == 1
    assert values['stillhere_status_changes_total{reason="signed_in",status="active"}'] == 3
    assert values['stillhere_sessions_ended_total{reason="signed_out"}'] == 1
    await phone.http.delete("/api/session")
    await tab.closed()
    values = await metrics(server)
    assert values['stillhere_sockets_closed_total{reason="signed_out"}'] == 1
    assert values["stillhere_connections"] == 0
    assert values["stillhere_watchers"] == 0


async def test_the_metrics_of_an_empty_server_can_be_read(server: LiveServer) -> None:
    values = await metrics(server)
    assert values['stillhere_sessions{status="active"}'] == 0
    assert values["stillhere_journal_failing_seconds"] == 0
