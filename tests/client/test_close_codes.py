"""How the client reacts to every close code."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection

from server.client import Client, ConnectionLost, SessionOver, State
from server.wire.closing import (
    ABNORMAL,
    INTERNAL_ERROR,
    INVALID_TEXT,
    PROTOCOL_ERROR,
    SERVICE_RESTART,
    Close,
    ends_session,
)
from server.wire.messages import Say
from tests.client.fake_server import HELLO, QUICK, greet, greet_and_close, run_fake

TIMEOUT = 5.0
OF_THE_TABLE = [each.value.code for each in Close]
COME_BACK = [code for code in OF_THE_TABLE if code < 4500]
BY_PROTOCOL = [PROTOCOL_ERROR, INVALID_TEXT, ABNORMAL, INTERNAL_ERROR, SERVICE_RESTART]
STAY_AWAY = [code for code in OF_THE_TABLE if code >= 4500]


@pytest.mark.parametrize("code", [*COME_BACK, *BY_PROTOCOL, 1000, 1001, 4499, 4600])
async def test_the_client_reconnects_after_a_code_that_does_not_end_the_session(code: int) -> None:
    async with (
        run_fake(greet_and_close(code), greet) as fake,
        Client(fake.url, limits=QUICK) as ada,
    ):
        await ada.resume()
        async with asyncio.timeout(TIMEOUT):
            await ada.until(lambda: len(fake.came) == 2 and ada.state is State.OPEN)
        assert ada.session is not None
        assert ada.ended is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [(code, next(each.value.reason for each in Close if each.value.code == code)) for code in
     STAY_AWAY] + [(4599, "signed_out")],
)  # fmt: skip
async def test_the_client_does_not_reconnect_after_a_code_that_ends_the_session(
    code: int, reason: str
) -> None:
    async with (
        run_fake(greet_and_close(code), greet) as fake,
        Client(fake.url, limits=QUICK) as ada,
    ):
        await ada.resume()
        with pytest.raises(SessionOver) as over:
            async with asyncio.timeout(TIMEOUT):
                await ada.until(lambda: False)
        assert over.value.reason == reason
        assert ada.session is None
        assert ada.state is State.CLOSED
        await asyncio.sleep(3 * QUICK.longest_pause)
        assert len(fake.came) == 1
        with pytest.raises(SessionOver, match=reason):
            await ada.look()


def test_codes_from_4500_to_4599_and_no_others_end_the_session() -> None:
    assert [code for code in range(1000, 5000) if ends_session(code)] == list(range(4500, 4600))


async def test_an_idempotent_request_is_sent_again() -> None:
    async with (
        run_fake(greet_and_close(4400), greet) as fake,
        Client(fake.url, limits=QUICK) as ada,
    ):
        await ada.resume()
        asking = asyncio.create_task(ada.look())
        async with asyncio.timeout(TIMEOUT):
            await ada.until(lambda: len(fake.came) == 2 and ada.state is State.OPEN)
            assert '"look"' in str(await fake.came[1].recv())
        asking.cancel()
        await asyncio.wait([asking])


async def test_a_lost_request_that_is_not_idempotent_raises_connection_lost() -> None:
    async def hear_and_close(socket: ServerConnection) -> None:
        await socket.send(msgspec.json.encode(HELLO).decode())
        await socket.recv()
        await socket.close(4400)

    async with run_fake(hear_and_close, greet) as fake, Client(fake.url, limits=QUICK) as ada:
        await ada.resume()
        with pytest.raises(ConnectionLost) as lost:
            async with asyncio.timeout(TIMEOUT):
                await ada.request(Say(room="r_1", text="hello"))
        assert lost.value.code == 4400
        assert len(fake.came) == 1


async def test_a_silent_connection_is_asked_given_up_with_4000_and_replaced() -> None:
    hasty = replace(QUICK, silent_after=0.1, answer_within=0.2)
    async with run_fake(greet) as fake, Client(fake.url, limits=hasty) as ada:
        await ada.resume()
        async with asyncio.timeout(TIMEOUT):
            await ada.until(lambda: len(fake.came) >= 1)
            assert '"look"' in str(await fake.came[0].recv())
            await fake.came[0].wait_closed()
        assert fake.came[0].close_code == 4000


async def test_closing_the_client_closes_the_connection_with_1000() -> None:
    async with run_fake(greet) as fake:
        async with Client(fake.url, limits=QUICK) as ada:
            await ada.resume()
            await ada.until(lambda: ada.state is State.OPEN)
        async with asyncio.timeout(TIMEOUT):
            await fake.came[0].wait_closed()
        assert fake.came[0].close_code == 1000
