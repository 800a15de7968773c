"""The reads that the rest of the server makes."""

import asyncio
from functools import partial

import pytest
from msgspec.structs import replace

from server.accounts.ports import StorageUnavailable
from server.base.ids import MatchId, PlayerId, RoomId
from server.storage.batch import Batch
from server.storage.errors import EngineError
from server.storage.rows import MatchPlayerRow, MatchRow, MoveRow, RoomRow, StoredMove, StoredSeat
from server.storage.sqlite.limits import SqliteLimits
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY, Anybody
from tests.support.storage_rig import QUICK, Opener, StorageRig

MATCH = MatchId("m_1")


class Asking(Anybody):
    """Somebody at this place."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path


async def play(rig: StorageRig, steps: range) -> None:
    """A match with a move at each of these steps."""
    player = rig.player()
    await rig.store.journal.written_up_to_here()
    room = RoomRow(RoomId("r_1"), "a-game", False, player.id, 0, None, None, None)
    match = MatchRow(MATCH, room.id, 1, room.game, False, 0, "a seed")
    moves = [MoveRow(MATCH, step, step * 1000, 0, f"[{step}]", None) for step in steps]
    await rig.engine.write(Batch(rooms={room.id: room}, matches={MATCH: match}, moves=moves))


@pytest.mark.parametrize("at_once", [1, 2, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
async def test_every_move_is_on_one_page_however_many_there_are(
    count: int, at_once: int, rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.engine.reads, "_limits", SqliteLimits(moves_at_once=at_once))
    steps = range(5, 5 + 2 * count, 2)  # the others are ticks
    await play(rig, steps)
    moves: list[StoredMove] = []
    after: int | None = 0
    pages = 0
    while after is not None:
        page = await rig.store.moves_of(MATCH, after, 3, ANYBODY)
        assert len(page.moves) <= 3
        moves += page.moves
        after = page.next
        pages += 1
    assert moves == [StoredMove(step, step * 1000, 0, True, [step], None) for step in steps]
    assert pages == max(1, -(-count // 3)), "no page is empty"


async def test_others_read_while_a_long_page_of_moves_is_read(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(rig, range(1, 101))
    monkeypatch.setattr(rig.engine.reads, "_limits", SqliteLimits(moves_at_once=1))
    long = asyncio.create_task(rig.store.moves_of(MATCH, 0, 100, ANYBODY))
    await asyncio.sleep(0)
    assert await rig.store.find_player(PlayerId("p_1"), ANYBODY) is None
    assert not long.done()
    assert len((await long).moves) == 100


async def test_long_pages_are_read_a_few_at_a_time(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All together, the first would be as late as the last.
    await play(rig, range(1, 101))
    monkeypatch.setattr(rig.engine.reads, "_limits", SqliteLimits(moves_at_once=1))
    pages = [asyncio.create_task(rig.store.moves_of(MATCH, 0, 100, ANYBODY)) for _ in range(10)]
    await asyncio.wait(pages, return_when=asyncio.FIRST_COMPLETED)
    assert sum(page.done() for page in pages) <= QUICK.reads_at_once
    pages.pop().cancel()
    assert {len((await page).moves) for page in pages} == {100}


async def test_a_read_waits_for_its_turn_by_place_and_then_has_all_its_time(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    may_go_on = asyncio.Event()

    async def read(id: PlayerId) -> None:
        begun.append(id)
        await may_go_on.wait()

    def ask(name: str, *path: str) -> "asyncio.Task[object]":
        return asyncio.create_task(rig.store.find_player(PlayerId(name), Asking(path)))

    monkeypatch.setattr(rig.engine.reads, "find_player", read)
    greedy = [ask(f"greedy {number}", "4.3.2.1", str(number)) for number in range(6)]
    await asyncio.sleep(0)
    other = ask("other", "8.7.6.5", "kim")
    for _ in range(10):
        await asyncio.sleep(0)
    # Before its turn no read is even made, so its time cannot run.
    assert begun == ["greedy 0", "greedy 1"]
    may_go_on.set()
    await other
    await asyncio.gather(*greedy)
    assert begun.index("other") == 3


async def test_whether_they_may_be_answered_is_asked_when_it_is_their_turn(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(rig, range(1, 3))
    has_spent = False

    class Spender(Asking):
        def check(self) -> None:
            if has_spent:
                raise ValueError("all is spent")

    asker = Spender(("4.3.2.1", "ada"))
    assert (await rig.store.moves_of(MATCH, 0, 100, asker)).moves
    reads: list[object] = []
    monkeypatch.setattr(rig.engine.reads, "moves_of", reads.append)
    has_spent = True
    with pytest.raises(ValueError, match="all is spent"):
        await rig.store.moves_of(MATCH, 0, 100, asker)
    assert reads == []


async def test_more_reads_than_may_wait_are_refused_at_once(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await open_rig(limits=replace(QUICK, reads_waiting=1))

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.engine.reads, "find_player", hang)
    ask = partial(rig.store.find_player, PlayerId("p_1"), ANYBODY)
    asked = [asyncio.create_task(ask()) for _ in range(QUICK.reads_at_once + 1)]
    await asyncio.sleep(0)
    caplog.clear()
    with pytest.raises(StorageUnavailable):
        await ask()
    assert caplog.messages == ["lists and histories are refused: 1 wait already"]
    for each in asked:
        each.cancel()
    await asyncio.wait(asked)


@pytest.mark.parametrize("asked", ["a match", "matches", "a history"])
async def test_who_reads_waits_for_rows_that_are_about_it_and_for_no_others(
    asked: str, rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever reads would make the journal write, and write all: ends of a crowd would not go first.
    kim, ada, bob = [rig.sign_in(rig.player(name))[0].player for name in ("Kim", "Ada", "Bob")]
    room = rig.table("connect-four", ada, bob)
    assert room.match is not None
    await rig.store.journal.written_up_to_here()
    store, newest = rig.store, 2**62
    flushes: list[None] = []
    flush = store.journal.flush

    async def note() -> bool:
        flushes.append(None)
        return await flush()

    monkeypatch.setattr(store.journal, "flush", note)
    for column in (0, 1) * 3 + (0,):
        rig.act(room, {"column": column})
    rig.sign_in(bob)
    assert await store.find_match("m_0123456789012345678901", kim.id, ANYBODY) is None
    await store.matches_of(kim.id, ada.id, (newest, ""), 10, ANYBODY)
    for each in (kim, ada):
        assert len(await store.history(each.id, newest, 10, ANYBODY)) == 1
    assert flushes == []
    assert store.journal.waiting
    for _ in range(2):
        if asked == "a match":
            assert await store.find_match(room.match.id, kim.id, ANYBODY) is not None
        elif asked == "matches":
            page = await store.matches_of(bob.id, kim.id, (newest, ""), 10, ANYBODY)
            assert len(page.matches) == 1
        else:
            assert len(await store.history(bob.id, newest, 10, ANYBODY)) == 2
        assert len(flushes) == 1, "then it is written"
    assert not len(store._ended)
    assert not len(store._changed)


async def test_a_page_of_moves_with_long_actions_is_short(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(rig, range(1, 8))
    monkeypatch.setattr(
        rig.engine.reads, "_limits", SqliteLimits(action_letters_at_once=2 * len("[1]") - 1)
    )
    page = await rig.store.moves_of(MATCH, 0, 100, ANYBODY)
    assert ([each.step for each in page.moves], page.next) == ([1, 2], 2)
    page = await rig.store.moves_of(MATCH, 6, 100, ANYBODY)
    assert ([each.step for each in page.moves], page.next) == ([7], None)


async def test_an_action_that_is_null_is_not_the_same_as_none(rig: StorageRig) -> None:
    await play(rig, range(0))
    moves = [
        MoveRow(MATCH, 1, 0, 0, "null", "bot"),
        MoveRow(MATCH, 2, 0, 0, None, "away"),
    ]
    await rig.engine.write(Batch(moves=moves))
    first, second = await rig.moves_of(MATCH)
    assert (first.has_action, first.action, first.event) == (True, None, "bot")
    assert (second.has_action, second.action, second.event) == (False, None, "away")


async def test_scores_and_winners_are_read_as_they_were_written(rig: StorageRig) -> None:
    await play(rig, range(0))
    match = MatchRow(
        MATCH,
        RoomId("r_1"),
        1,
        "a-game",
        False,
        0,
        "a seed",
        ended_at=5000,
        lasted=5000,
        steps=9,
        reason="finished",
        winners=(0, 2),
        scores=(3, 1.5, 3),
        ended_by=1,
    )
    ((id,),) = await rig.rows("SELECT id FROM players")
    seat = MatchPlayerRow(MATCH, 0, PlayerId(id), "Ada", False, 5000)
    await rig.engine.write(Batch(matches={MATCH: match}, match_players={(MATCH, 0): seat}))
    found = await rig.store.find_match(MATCH, None, ANYBODY)
    assert found is not None
    assert (found.winners, found.scores, found.ended_by) == ([0, 2], [3, 1.5, 3], 1)
    assert (found.steps, found.lasted, found.seed) == (9, 5000, "a seed")
    assert found.players == [StoredSeat(0, PlayerId(id), "Ada")]


async def test_an_abandoned_store_leaves_the_rows_of_a_killed_process(
    rig: StorageRig, open_rig: Opener
) -> None:
    session, cookie = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    rig.sign_in(rig.player("Kim"))  # and this one is lost
    await rig.store.abandon()
    await rig.store.close()
    again = await open_rig(ManualClock(10.0))
    found = await again.sessions.find(cookie)
    assert found is again.registry.sessions[session.id]
    assert len(again.registry.sessions) == 1
    assert await again.rows("SELECT stopped_at FROM boots ORDER BY id") == [(None,), (None,)]


async def test_a_store_that_is_closed_notes_the_stop_once(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.clock.move_to(3.0)
    await rig.store.close()
    await rig.store.close()
    again = await open_rig(ManualClock(10.0))
    ((stopped_at,), (running,)) = await again.rows("SELECT stopped_at FROM boots ORDER BY id")
    assert stopped_at == rig.clock.to_wall(3.0)
    assert running is None


async def test_a_failing_read_is_unavailable_and_not_ready(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise EngineError("disk I/O error")

    assert await rig.store.readiness() is None
    for name in ("find_player", "check"):
        monkeypatch.setattr(rig.engine.reads, name, fail)
    with pytest.raises(StorageUnavailable, match="cannot be read just now"):
        await rig.store.find_player(PlayerId("p_1"), ANYBODY)
    assert await rig.store.readiness() == "The database cannot be read: disk I/O error."


async def test_reads_that_fail_are_logged_once_a_minute_with_their_number(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise EngineError("disk I/O error")

    async def ask(times: int) -> None:
        for _ in range(times):
            with pytest.raises(StorageUnavailable):
                await rig.store.find_player(PlayerId("p_1"), ANYBODY)

    monkeypatch.setattr(rig.engine.reads, "find_player", fail)
    caplog.clear()
    told = "the database cannot be read: disk I/O error"
    await ask(300)
    rig.clock.move_to(QUICK.log_interval - 0.001)
    await ask(1)
    assert caplog.messages == [told]
    rig.clock.move_to(QUICK.log_interval)
    await ask(2)
    assert caplog.messages == [
        told,
        f"{told}; 300 times more since the last such line",
    ]


async def test_a_read_that_does_not_come_back_is_given_up(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig(limits=replace(QUICK, read_timeout=0.02))

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    for name in ("find_player", "check"):
        monkeypatch.setattr(rig.engine.reads, name, hang)
    with pytest.raises(StorageUnavailable):
        await rig.store.find_player(PlayerId("p_1"), ANYBODY)
    assert await rig.store.readiness() == "The database cannot be read: no answer within 0.02 s."


async def test_a_stop_that_could_not_be_written_is_logged_with_the_reason(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await open_rig(limits=replace(QUICK, closing_timeout=0.02))

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    await rig.store.journal.written_up_to_here()
    monkeypatch.setattr(rig.engine, "write", hang)
    await rig.store.close()
    said = "that the server stops could not be written: no answer within 0.02 s"
    assert said in caplog.messages
