"""A connection uses the limits that the server was given."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.base.ids import PlayerId
from server.base.rates import Debts, Rate
from server.limits import Limits
from server.realtime.limits import Limits as RealtimeLimits
from server.realtime.reader import Pongs, Reader
from server.transport.limits import Limits as TransportLimits
from server.wire.closing import Close
from tests.support.answers import until
from tests.support.live_server import run_server
from tests.support.manual_clock import ManualClock


@pytest.mark.parametrize("seconds", [1.0, 3.0])
async def test_the_burst_of_messages_is_that_of_the_limits(tmp_path: Path, seconds: float) -> None:
    limits = Limits(realtime=RealtimeLimits(message_burst=seconds))
    async with run_server(tmp_path / "test.db", limits=limits, max_messages_per_second=4) as server:
        tab = await (await server.guest("Ada")).tab()
        for _ in range(int(4 * seconds)):
            await tab.ask("ping", "pong")
        await tab.send("ping")
        assert (await tab.closed())[0] == 4401


async def test_all_sockets_of_a_player_have_one_burst_of_messages(tmp_path: Path) -> None:
    limits = Limits(realtime=RealtimeLimits(messages_of_player=Rate(5.0, 12)))
    async with run_server(tmp_path / "test.db", limits=limits, max_messages_per_second=4) as server:
        await server.member("Ada")
        phone, laptop = await server.sign_in("Ada"), await server.sign_in("Ada")
        kim = await (await server.guest("Kim")).tab()
        tabs = [await each.tab() for each in (phone, phone, laptop, laptop)]
        for tab in tabs[:-1]:
            for _ in range(4):
                await tab.ask("ping", "pong")
        await tabs[-1].send("ping")
        assert (await tabs[-1].closed())[0] == 4401
        await kim.ask("ping", "pong")
        await server.advance(1.0)  # five, less the one that was refused
        for tab in (*tabs[:2], *tabs[:2]):
            await tab.ask("ping", "pong")
        await tabs[1].send("ping")
        assert (await tabs[1].closed())[0] == 4401
        again = await laptop.tab()
        await again.send("ping")
        assert (await again.closed())[0] == 4401, "another socket brings no other allowance"


async def test_all_sockets_of_a_player_have_one_burst_of_small_fragments(tmp_path: Path) -> None:
    limits = Limits(transport=TransportLimits(small_fragments=Rate(0.001, 20)))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        ada, kim = await server.guest("Ada"), await server.guest("Kim")
        for visitor, codes in ((ada, [None, 4401, 4401]), (kim, [None, 4401])):
            for code in codes:
                tab = await visitor.tab()
                await tab.socket.send(iter('{"type":"ping"}'))
                if code is None:
                    await tab.next("pong")
                    await tab.socket.close()
                else:
                    assert (await tab.closed())[0] == code, "another socket brings no other"


async def test_a_player_may_send_as_much_as_one_socket_may(tmp_path: Path) -> None:
    limits = Limits(realtime=RealtimeLimits(messages_of_player=Rate(1.0, 2)))
    async with run_server(tmp_path / "test.db", limits=limits, max_messages_per_second=4) as server:
        tab = await (await server.guest("Ada")).tab()
        for _ in range(8):
            await tab.ask("ping", "pong")


@pytest.mark.parametrize(("reloads", "sockets"), [(1, 5), (3, 9)])
async def test_the_number_of_reloads_in_a_row_is_that_of_the_limits(
    tmp_path: Path, reloads: int, sockets: int
) -> None:
    limits = Limits(realtime=RealtimeLimits(connects=Rate(1.0, 5), reloads=reloads))
    async with run_server(
        tmp_path / "test.db", limits=limits, max_connections_per_session=3
    ) as server:
        ada = await server.guest("Ada")
        for _ in range(sockets):
            tab = await ada.tab()
            await tab.socket.close(4000)
            await until(lambda: ada.session.connections == 0)
        turned_away = await server.tab(ada.cookie)
        assert (await turned_away.closed())[0] == 4402


@pytest.mark.parametrize(("size", "closes"), [(500, False), (501, True)])
async def test_the_largest_message_is_that_of_the_limits(
    tmp_path: Path, size: int, closes: bool
) -> None:
    limits = Limits(transport=TransportLimits(largest_message=500))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        tab = await (await server.guest("Ada")).tab()
        message = '{"type":"ping"}'
        await tab.socket.send(message + " " * (size - len(message)))
        if closes:
            assert (await tab.closed())[0] == 1009
        else:
            assert (await tab.receive())["type"] == "pong"


class Peer:
    """A connection and its closer, for a reader; records the answers to a message."""

    def __init__(self) -> None:
        self.is_closing = False
        self.session = SimpleNamespace(ended=None, player=SimpleNamespace(id="p_ada"))
        self.sent: list[str] = []
        self.closes: list[Close] = []

    def send(self, text: str) -> None:
        self.sent.append(text)

    def close(self, connection: object, close: Close) -> None:
        self.closes.append(close)


@pytest.mark.parametrize("character", ["x", "é"])
@pytest.mark.parametrize(("more", "closes"), [(0, []), (1, [Close.MESSAGE_TOO_BIG])])
def test_a_reader_enforces_the_largest_message_itself(
    character: str, more: int, closes: list[Close]
) -> None:
    peer: Any = Peer()
    presence: Any = SimpleNamespace(clock=ManualClock())
    requests: Any = None
    fragments = Debts[PlayerId](Rate(1, 1), 10)
    reader = Reader(
        peer, presence, requests, peer, Pongs(), None, None, fragments, 500, RealtimeLimits()
    )
    reader.hear(character * (500 // len(character.encode())) + "x" * more)
    assert peer.closes == closes
    assert len(peer.sent) == (0 if closes else 1), "it is no JSON, and refused"
