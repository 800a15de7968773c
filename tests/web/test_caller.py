"""Which calls count as activity."""

import asyncio

import pytest

from server.storage.rows import StoredMatches
from tests.support.live_server import LiveServer

ACTIVE = [
    ("POST", "/api/session/activity"),
    ("GET", "/api/sessions"),
    ("HEAD", "/api/sessions"),
    ("GET", "/api/players"),
    ("GET", "/api/players?status=offline"),
    ("GET", "/api/players/{own}"),
    ("GET", "/api/players/{own}/history"),
]
PASSIVE = [
    ("GET", "/api/session"),
    ("HEAD", "/api/session"),
    ("POST", "/api/session/leave"),
    ("GET", "/"),
    ("GET", "/static/app.js"),
    ("GET", "/favicon.ico"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]
REFUSED = [
    ("GET", "/api/players/p_0123456789012345678901", 404),
    ("GET", "/api/players/p_0123456789012345678901/history", 403),
    ("GET", "/api/players?limit=0", 422),
    ("GET", "/api/nope", 404),
    ("PUT", "/api/session", 405),
    ("OPTIONS", "/api/players", 405),
    ("POST", "/api/guests", 415),
    ("DELETE", "/api/sessions/s_0123456789012345678901", 404),
]


async def test_a_request_is_an_activity_and_noted_by_its_route(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for number, (method, path) in enumerate(ACTIVE, 1):
        await server.advance(130)
        response = await ada.http.request(method, path.format(own=ada.id))
        assert response.status_code == 200
        assert (ada.session.last_activity, ada.session.status) == (130 * number, "active"), path
        assert ada.session.last_activity_by.startswith(f"{method} /api/")
        assert ada.id not in ada.session.last_activity_by


async def test_a_passive_request_is_no_activity(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(130)
    for method, path in PASSIVE:
        response = await ada.http.request(method, path)
        assert response.status_code in (200, 204)
        assert (ada.session.last_activity, ada.session.status) == (0, "away"), path


async def test_any_request_can_be_marked_as_passive(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(130)
    for method, path in ACTIVE:
        response = await ada.http.request(method, path.format(own=ada.id), headers={"Passive": "1"})
        assert response.status_code == 200, path
        assert (ada.session.last_activity, ada.session.status) == (0, "away"), path


async def test_a_request_with_passive_0_is_an_activity(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(10)
    await ada.http.get("/api/players", headers={"Passive": "0"})
    assert ada.session.last_activity == 10


async def test_a_request_that_was_refused_is_no_activity(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(130)
    for method, path, status in REFUSED:
        response = await ada.http.request(method, path)
        assert response.status_code == status, path
        assert (ada.session.last_activity, ada.session.status) == (0, "away"), path


@pytest.mark.parametrize(
    "path", ["/api/players/{own}/history", "/api/matches", "/api/players?status=offline"]
)
async def test_a_session_does_not_end_while_the_disk_lets_its_request_wait(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    ada = await server.guest("Ada")
    await server.advance(299)
    arrived, gate = asyncio.Event(), asyncio.Event()

    def waiting(answer: object) -> object:
        async def wait(*_: object) -> object:
            arrived.set()
            await gate.wait()
            return answer

        return wait

    for name, found in [
        ("history", []),
        ("matches_of", StoredMatches([], None)),
        ("offline_players", []),
    ]:
        monkeypatch.setattr(server.still_here.store.engine.reads, name, waiting(found))
    asking = asyncio.create_task(ada.http.get(path.format(own=ada.id)))
    await arrived.wait()
    await server.advance(2)
    gate.set()
    assert (await asking).status_code == 200
    assert (ada.session.ended, ada.session.last_activity) == (None, 299)


async def test_a_request_without_the_cookie_is_no_activity(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(130)
    stranger = await server.visitor()
    assert (await stranger.http.get(f"/api/players/{ada.id}")).status_code == 200
    assert ada.session.last_activity == 0


async def test_an_activity_of_one_session_does_not_count_for_another(server: LiveServer) -> None:
    phone = await server.member("Ada")
    laptop = await server.sign_in("Ada")
    await server.advance(130)
    await phone.http.post("/api/session/activity")
    assert (phone.session.status, laptop.session.status) == ("active", "away")


async def test_activity_wakes_a_dormant_session(server: LiveServer) -> None:
    await server.member("Ada")
    ada = await server.sign_in("Ada", remember=True)
    await server.advance(1000)
    assert await ada.status() == "offline"
    response = await ada.http.post("/api/session/activity")
    assert response.json()["player"]["status"] == "active"
    assert response.json()["session"]["expires_in"] == 300.0
