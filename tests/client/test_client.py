"""A client against a server: signing in and out, staying, the lobby, and waiting calls."""

import asyncio

import pytest

from server.client import CallRefused, Client, ClientClosed, SessionOver, State, Unknown
from server.client.codec import decode
from server.presence.status import Reason, Status
from server.wire.messages import Say, Warning_
from tests.support.live_server import TIMEOUT, LiveServer
from tests.support.manual_clock import SLOT


async def test_a_guest_sees_players_in_the_lobby_arrive_and_leave(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        view = await ada.sign_in_as_guest("Ada")
        assert view.player.id == ada.player_id
        roster = await ada.watch_lobby()
        await ada.until(lambda: ada.player_id in roster.players)
        async with Client(server.url) as kim:
            await kim.sign_in_as_guest("Kim")
            await kim.look()
            await ada.until(lambda: len(roster.players) == 2)
            assert roster.is_complete
            assert {player["name"] async for player in ada.players()} == {"Ada", "Kim"}
            await kim.sign_out()
            assert kim.ended is not None
            assert kim.ended.reason == "signed_out"
        await ada.until(lambda: len(roster.players) == 1)
        await ada.unwatch_lobby()
        assert not roster.is_current


async def test_a_warning_comes_and_touch_withdraws_it(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        state = await ada.look()
        assert state.expires_in == pytest.approx(300.0, abs=1.0)
        messages = ada.messages()
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        await server.advance(240 + SLOT)
        warning = await waiting
        while not isinstance(warning, Warning_):
            warning = await anext(messages)
        assert warning.reason is Reason.IDLE_TIMEOUT
        assert state.is_warned
        assert state.status is Status.WARNED
        assert await ada.touch() == pytest.approx(300.0, abs=1.0)
        assert not state.is_warned


async def test_touch_is_a_call_without_a_connection(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        assert ada.state is not State.OPEN
        assert await ada.touch() == pytest.approx(300.0, abs=1.0)


async def test_a_hold_is_granted_shown_and_released(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        assert await ada.hold(10_000, why="cut-scene") == 600
        assert ada.session is not None
        assert ada.session.held_for == pytest.approx(600, abs=1.0)
        assert (await ada.look()).held_for == pytest.approx(600, abs=1.0)
        await ada.release()
        assert ada.session.held_for == 0
        await ada.hold(60, away=True)
        assert (await ada.look()).status is Status.AWAY


async def test_the_end_is_raised_in_everything_that_waits(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        await ada.look()
        waiting = asyncio.create_task(ada.until(lambda: False))

        async def read() -> None:
            async for _ in ada.messages():
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        await server.advance(240 + SLOT)
        await server.advance(60 + SLOT)
        for task in (waiting, reading):
            with pytest.raises(SessionOver, match="idle_timeout"):
                await task
        assert ada.ended is not None
        assert ada.state is State.CLOSED
        with pytest.raises(SessionOver, match="idle_timeout"):
            await ada.touch()
        await ada.sign_in_as_guest("Ada")
        assert ada.ended is None
        await ada.look()


async def test_nothing_waits_for_a_session_that_is_over_already(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        room = await ada.rooms.create("connect-four")
        await ada.sign_out()
        with pytest.raises(SessionOver, match="signed_out"):
            await ada.until(lambda: False)
        with pytest.raises(SessionOver, match="signed_out"):
            await room.until(lambda: False)
        with pytest.raises(SessionOver, match="signed_out"):
            await anext(ada.messages())
        await ada.until(lambda: ada.ended is not None)


async def test_a_remembered_session_that_fell_asleep_is_resumed(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.register("Ada", "correct horse")
        await ada.sign_in("Ada", "correct horse", remember=True)
        first = (await ada.look()).id
        await server.advance(240 + SLOT)
        await server.advance(60 + SLOT)
        with pytest.raises(SessionOver, match="idle_timeout"):
            await ada.until(lambda: False)
        await ada.resume()
        assert (await ada.look()).id == first
        assert ada.ended is None


async def test_a_request_can_be_sent_again_after_a_cancelled_one(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        await ada.look()
        holding = asyncio.create_task(ada.hold(60))
        await asyncio.sleep(0)
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        assert await ada.hold(30) >= 30
        await ada.release()


async def test_closing_ends_everything_that_waits_and_leaves_the_session(
    server: LiveServer,
) -> None:
    ada = Client(server.url)
    async with asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        await ada.look()
        waiting = asyncio.create_task(ada.until(lambda: False))
        reading = asyncio.create_task(anext(ada.messages(), None))
        await asyncio.sleep(0)
        cookie = ada.cookie
        await ada.close()
        with pytest.raises(ClientClosed):
            await waiting
        assert await reading is None
        with pytest.raises(ClientClosed):
            await ada.look()
        async with Client(server.url, cookie=cookie) as again:
            assert (await again.resume()).player.name == "Ada"
            assert (await again.look()).player.name == "Ada"


async def test_signing_in_again_replaces_the_session_and_goes_on(server: LiveServer) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.register("Ada", "correct horse")
        roster = await ada.watch_lobby()
        first = (await ada.look()).id
        await ada.sign_in("Ada", "correct horse", remember=True)
        second = await ada.look()
        assert second.id != first
        assert second.is_remembered
        await ada.until(lambda: roster.is_current)
        assert [each["current"] for each in await ada.sessions()] == [True]
        reasons = {change["reason"] for change in (await ada.history())["changes"]}
        assert {"signed_in", "replaced"} <= reasons


async def test_signing_out_everywhere_ends_the_other_sessions(server: LiveServer) -> None:
    async with Client(server.url) as ada, Client(server.url) as other, asyncio.timeout(TIMEOUT):
        await ada.register("Ada", "correct horse")
        await other.sign_in("Ada", "correct horse")
        await other.look()
        await ada.sign_out_everywhere()
        with pytest.raises(SessionOver, match="signed_out"):
            await other.until(lambda: False)


async def test_a_changed_password_ends_the_other_sessions(server: LiveServer) -> None:
    async with Client(server.url) as ada, Client(server.url) as other, asyncio.timeout(TIMEOUT):
        await ada.register("Ada", "correct horse")
        await other.sign_in("Ada", "correct horse")
        await other.look()
        with pytest.raises(CallRefused) as refused:
            await ada.change_password("wrong horse", "battery staple")
        assert refused.value.code == "wrong_password"
        await ada.change_password("correct horse", "battery staple")
        with pytest.raises(SessionOver, match="signed_out_everywhere"):
            await other.until(lambda: False)
        await ada.look()
        with pytest.raises(CallRefused) as refused:
            await other.sign_in("Ada", "correct horse")
        assert refused.value.code == "bad_credentials"
        await other.sign_in("Ada", "battery staple")


async def test_a_call_that_finds_the_session_over_ends_it_here(server: LiveServer) -> None:
    async with Client(server.url) as ada, Client(server.url) as other, asyncio.timeout(TIMEOUT):
        await ada.register("Ada", "correct horse")
        await other.sign_in("Ada", "correct horse")
        id = other.session and other.session.id
        await ada.sign_out_one(str(id))
        with pytest.raises(SessionOver, match="signed_out"):
            await other.sessions()
        assert other.session is None


async def test_a_listener_that_fails_does_not_end_the_others(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        heard: list[object] = []
        ada.listen(lambda message: 1 / 0)  # type: ignore[arg-type]
        stop = ada.listen(heard.append)
        await ada.look()
        assert heard
        assert "a listener failed" in caplog.text
        stop()
        stop()
        before = len(heard)
        await ada.look()
        assert len(heard) == before


async def test_too_long_a_request_is_refused_by_the_client_and_keeps_the_connection(
    server: LiveServer,
) -> None:
    async with Client(server.url) as ada, asyncio.timeout(TIMEOUT):
        await ada.sign_in_as_guest("Ada")
        await ada.look()
        with pytest.raises(ValueError, match="16384"):
            await ada.request(Say(room="r_1", text="é" * 8192))
        await ada.look()
        assert ada.state is State.OPEN


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"new"}',
        "{",
        "[]",
        '{"type":"pong"}',
        b"\xff",
        pytest.param(f'{{"type":"pong","new":{9999 * "["}', id="nested"),
    ],
)
def test_an_unknown_message_is_passed_on_as_unknown(text: str | bytes) -> None:
    assert isinstance(decode(text), Unknown)
