"""Bots think in processes of their own: whatever they do there, the next one gets an answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.base.ids import MatchId, RoomId
from server.bots import bots as bots_module
from server.bots.bots import Bots
from server.bots.limits import Limits
from server.bots.messages import Answer, Question
from server.bots.process import Process, ThoughtFailed
from server.rooms.events import BotAsked
from tests.bots.games import Odd
from tests.support.answers import until
from tests.support.live_server import TIMEOUT
from tests.support.scenes import measuring

QUICK = Limits(processes=1, lateness=0.3)


def asked(do: str = "tell", seat: int = 1) -> BotAsked:
    view = msgspec.json.encode({"do": do}).decode()
    room, match = RoomId("r_1"), MatchId("m_1")
    return BotAsked(room, match, "odd", 3, seat, "easy", view, 4.5, 100.0)


class Heard:
    """The answers, in order."""

    def __init__(self) -> None:
        self.actions: list[Any] = []
        self.seats: list[int] = []

    def hear(self, event: BotAsked, action: Any) -> None:
        self.seats.append(event.seat)
        self.actions.append(action)


async def test_whatever_a_bot_does_the_next_one_gets_an_answer_and_the_loop_never_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard()
    bots = Bots({"odd": Odd()}, QUICK, heard.hear)
    bots.start()
    try:
        async with asyncio.timeout(TIMEOUT), measuring() as lag:
            for do in ("raise", "tell", "junk", "eat", "take the time", "much", "hang", "exit"):
                bots.hear(asked(do))
            bots.hear(asked())
            await until(lambda: len(heard.actions) == 9)
    finally:
        await bots.stop()
    told = [{"do": "tell"}, 1, "easy", 4.5, True]
    wins = {"wins": True, "is_legal": True}
    assert heard.actions == [None, told, None, None, wins, None, None, None, told]
    (line,) = caplog.messages
    assert line.endswith("plays as simple ones do: LookupError: no idea"), "the first failure only"
    assert lag.worst() < 0.5


class Fake(Process):
    """Answers at once, and counts."""

    questions: list[Question]
    ends = 0

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        Fake.questions = []
        Fake.ends = 0

    async def ask(self, question: Question) -> Answer:
        Fake.questions.append(question)
        await asyncio.sleep(0)
        if question.seat == 9:
            raise ThoughtFailed("out of order")
        return Answer(question.seat)

    async def end(self) -> None:
        Fake.ends += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def bots(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bots]:
    monkeypatch.setattr(bots_module, "Process", Fake)
    limits = Limits(processes=1, waiting=8, idle=0.01)
    bots = Bots({"odd": Odd()}, limits, heard.hear)
    bots.start()
    await asyncio.sleep(0)
    yield bots
    await bots.stop()


async def test_who_waits_longest_is_first_and_who_finds_no_place_gets_no_answer(
    bots: Bots, heard: Heard
) -> None:
    for seat in range(20):
        bots.hear(asked(seat=seat))
    await until(lambda: len(heard.seats) == 8)
    await asyncio.sleep(0.001)
    assert heard.seats == list(range(8))


async def test_the_more_wait_the_shorter_each_thinks(bots: Bots, heard: Heard) -> None:
    for seat in range(4):
        bots.hear(asked(seat=seat))
    await until(lambda: len(heard.seats) == 4)
    times = [question.seconds for question in Fake.questions]
    assert times == pytest.approx([0.1 / 4, 0.1 / 3, 0.1 / 2, 0.1])


async def test_a_process_that_nobody_needs_is_ended(bots: Bots, heard: Heard) -> None:
    bots.hear(asked())
    await until(lambda: Fake.ends == 1)
    bots.hear(asked())
    await until(lambda: len(heard.seats) == 2)


async def test_an_answer_that_fails_elsewhere_ends_no_serving(
    bots: Bots, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: BotAsked, action: Any) -> None:
        monkeypatch.setattr(bots, "_on_thought", heard.hear)
        raise RuntimeError("a bug")

    monkeypatch.setattr(bots, "_on_thought", fail)
    bots.hear(asked())
    bots.hear(asked(seat=9))
    await until(lambda: len(heard.seats) == 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the answer to BotAsked(room_id=r_1, match_id=m_1) failed",
        "a bot of odd failed, and plays as simple ones do: out of order",
    ]


async def test_a_stop_ends_the_processes(bots: Bots) -> None:
    await bots.stop()
    assert Fake.ends == 1
    await bots.stop()
