"""The connection: when it is restored, when it is not, and when it is given up."""

import itertools

import pytest

from server.wire.closing import GIVEN_UP, Close
from tests.static.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ENDS = {each.value.code: each.value.reason for each in Close if each.value.code >= 4500}
LEAVING = 1000


# Closes


async def test_an_end_is_reported_with_its_reason_and_without_a_reconnect(rig: Rig) -> None:
    await rig.make()
    unknown = {4506: "signed_out", 4550: "signed_out", 4599: "signed_out"}
    for number, (code, reason) in enumerate((ENDS | unknown).items(), start=1):
        await rig.answer("GET /api/session", {}, {"status": 401, "json": {}})
        assert await rig.run("here.start()")
        await rig.hello()
        await rig.told()
        await rig.lose(code)
        (end,) = await rig.told("signedOut")
        assert (end["reason"], end["player"]["name"]) == (reason, "Ada")
        assert await rig.run("here.connection") == "closed"
        await rig.wait(120)
        assert len(await rig.sockets()) == number
        assert await rig.run("[here.isSignedIn, here.player, here.status]") == [False, None, None]


async def test_every_other_close_code_reconnects(rig: Rig) -> None:
    await rig.sign_in()
    codes = [
        1000,
        1001,
        1002,
        1005,
        1006,
        1007,
        1009,
        1011,
        1012,
        4000,
        4400,
        4401,
        4402,
        4499,
        4600,
    ]
    for number, code in enumerate(codes, start=2):
        await rig.lose(code)
        assert await rig.run("[here.connection, here.status]") == ["reconnecting"] * 2
        await rig.reopen()
        assert len(await rig.sockets()) == number
        assert await rig.run("here.status") == "active"
    assert await rig.told("signedOut") == []


async def test_signed_out_is_reported_once_for_message_and_close(rig: Rig) -> None:
    await rig.sign_in()
    await rig.hear("signed_out", reason="signed_out_everywhere", detail="from the phone")
    await rig.lose(4503)
    (end,) = await rig.told("signedOut")
    assert (end["reason"], end["detail"]) == ("signed_out_everywhere", "from the phone")
    await rig.wait(60)
    assert len(await rig.sockets()) == 1


# Reconnecting


@pytest.mark.parametrize("chance", [0, 0.5, 0.999])
async def test_pauses_are_full_jitter_under_a_limit_that_doubles(rig: Rig, chance: float) -> None:
    await rig.run("Math.random = () => argument", chance)
    await rig.sign_in()
    for _ in range(8):
        await rig.lose()
        await rig.redial()
    times = [socket["madeAt"] for socket in await rig.sockets()]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    limits = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]
    assert pauses == pytest.approx([chance * limit for limit in limits], abs=10)


async def test_only_half_a_minute_of_connection_resets_the_backoff(rig: Rig) -> None:
    await rig.run("Math.random = () => 0.999")
    await rig.sign_in(is_serving=True)
    for stable, pause in [(29.9, 0.5), (29.9, 1), (29.9, 2), (30.1, 0.5), (0, 1)]:
        await rig.wait(stable)
        await rig.lose()
        await rig.wait(pause * 0.99)
        assert await rig.run("here.connection") == "reconnecting"
        await rig.wait(pause * 0.02)
        assert await rig.run("here.connection") == "open"


async def test_a_returning_network_reconnects_at_once(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose_for_long()
    before = len(await rig.sockets())
    await rig.run("window.dispatchEvent(new Event('online'))")
    assert len(await rig.sockets()) == before + 1
    await rig.hello()
    await rig.wait(20)
    assert len(await rig.sockets()) == before + 1, "and the dial that was planned is off"


async def test_a_returning_network_checks_an_open_connection(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("window.dispatchEvent(new Event('online'))")
    assert await rig.sent_types() == ["look"]
    await rig.wait(10.1)
    assert (await rig.sockets())[0]["closedWith"] == GIVEN_UP


async def test_every_state_of_the_connection_is_reported(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.reopen()
    await rig.run("here.close()")
    assert await rig.told("connection") == ["connecting", "open", "reconnecting", "open", "closed"]
    assert (await rig.sockets())[-1]["closedWith"] == LEAVING


async def test_the_socket_opens_to_the_own_origin_with_the_subprotocol(rig: Rig) -> None:
    await rig.sign_in()
    (socket,) = await rig.sockets()
    assert (socket["url"], socket["protocols"]) == ("ws://localhost/ws", ["stillhere.v1"])


# Silence


async def test_a_silent_connection_is_checked_and_closed_without_an_answer(rig: Rig) -> None:
    await rig.sign_in()
    await rig.wait(24.9)
    assert await rig.sent() == []
    await rig.wait(0.2)
    assert await rig.sent() == [{"type": "look"}]
    await rig.wait(9.7)
    assert await rig.run("here.connection") == "open"
    await rig.wait(0.3)
    assert await rig.run("here.connection") == "reconnecting"
    # A close with 1000 or 1001 would count as leaving, with the shorter grace.
    assert (await rig.sockets())[0]["closedWith"] == GIVEN_UP
    await rig.reopen()


async def test_a_silent_connection_that_answers_stays(rig: Rig) -> None:
    await rig.sign_in(is_serving=True)
    await rig.wait(3600)
    assert len(await rig.sockets()) == 1
    # One `look` in 25 s of silence, no more.
    assert len(await rig.sent("look")) == pytest.approx(3600 / 25, abs=31)


async def test_any_message_ends_the_silence(rig: Rig) -> None:
    await rig.sign_in()
    for version in range(22):
        await rig.wait(9)
        await rig.hear("presence", topic="lobby", version=version, total=0)
    # The one after two minutes asks whether the player is away.
    assert await rig.sent_types() == ["look"]
    assert await rig.run("here.connection") == "open"


@pytest.mark.parametrize("question", ["ping", "hold", "release", "watch", "look"])
async def test_a_request_without_an_answer_closes_the_connection(rig: Rig, question: str) -> None:
    await rig.sign_in()
    await rig.run("here.send({type: argument})", question)
    await rig.wait(9.9)
    assert await rig.run("here.connection") == "open"
    await rig.wait(0.2)
    assert await rig.run("here.connection") == "reconnecting"


async def test_a_socket_that_never_opens_is_closed(rig: Rig) -> None:
    await rig.run("Math.random = () => 0.5")
    await rig.answer("GET /api/session", {})
    await rig.make()
    await rig.run("here.start()")
    await rig.wait(9.9)
    assert len(await rig.sockets()) == 1
    await rig.wait(1)
    first, second = await rig.sockets()
    assert first["closedWith"] == GIVEN_UP
    assert second["madeAt"] - first["madeAt"] == pytest.approx(10_250)


async def test_after_a_stall_the_waiting_answer_is_read_before_the_deadline(rig: Rig) -> None:
    await rig.sign_in()
    await rig.wait(25.1)
    # As when a level is loaded: nothing ran for a minute, and the timers come before the messages.
    await rig.sleep(60)
    assert await rig.run("here.connection") == "open"
    await rig.run("rig.socket.tell({type: 'session', ...rig.view})")
    await rig.wait(12)
    assert await rig.run("here.connection") == "open"
    assert len(await rig.sockets()) == 1


async def test_after_a_stall_a_connection_without_an_answer_is_closed(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.wait(25.1)
    await rig.sleep(60)
    await rig.wait(2.1)
    assert (await rig.sockets())[0]["closedWith"] == GIVEN_UP
