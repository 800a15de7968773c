"""A match against a bot that thinks, in a running server."""

import pytest

from server.bots import bots as bots_module
from server.bots.messages import Answer, Question
from server.bots.process import Process
from server.rooms.limits import Limits
from tests.support.answers import until
from tests.support.live_server import LiveServer
from tests.support.tables import Player, match_of


class Fake(Process):
    """Drops into the first column, in this process."""

    async def ask(self, question: Question) -> Answer:
        assert question.game == "server.games.connect_four:ConnectFour"
        return Answer({"column": 0})


async def test_a_bot_makes_its_move_after_a_second(
    monkeypatch: pytest.MonkeyPatch, server: LiveServer
) -> None:
    monkeypatch.setattr(bots_module, "Process", Fake)
    await server.still_here.bots.stop()
    server.still_here.bots.start()
    ada = await Player.new(server, "Ada")
    await ada.join(await ada.open("connect-four", bots=1))
    match = match_of(server)
    if match.waits_for == (0,):
        await ada.act({"column": 3})
    assert match.waits_for == (1,)
    before = match.step
    await server.advance(Limits().bot_after + 0.1)
    await until(lambda: match.step > before)
    assert match.state.columns[0] == "1"
