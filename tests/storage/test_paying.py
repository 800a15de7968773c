"""Every row that lasts is paid for by the player whose doing it is, once, when it happens."""

from collections import Counter
from typing import Any

import pytest

from server.base.ids import PlayerId
from server.presence.status import Reason
from server.storage.batch import Batch
from server.storage.prices import price
from tests.support.storage_rig import StorageRig

Paid = Counter[PlayerId]


@pytest.fixture
def paid(rig: StorageRig, monkeypatch: pytest.MonkeyPatch) -> Paid:
    """The bytes that each player was charged."""
    counts: Paid = Counter()
    charge = rig.budget.charge

    def count(player: PlayerId, size: int, now: float) -> None:
        assert now == rig.clock.now()
        counts[player] += size
        charge(player, size, now)

    monkeypatch.setattr(rig.budget, "charge", count)
    return counts


def prices_of(batches: list[Batch], *names: str) -> int:
    """The prices of all rows in these fields of the batches; of those that replace others, once."""
    rows: dict[Any, Any] = {}
    for batch in batches:
        for name in names:
            field = getattr(batch, name)
            rows |= field if isinstance(field, dict) else {id(each): each for each in field}
    return sum(map(price, rows.values()))


async def test_a_sign_in_and_every_change_are_paid_for_by_the_player(
    rig: StorageRig, paid: Paid, batches: list[Batch]
) -> None:
    ada, _ = rig.sign_in()
    kim, _ = rig.sign_in(rig.player("Kim"))
    await rig.store.journal.written_up_to_here()
    of_both = prices_of(batches, "players", "lookalikes", "sessions", "changes")
    assert sum(paid.values()) == of_both == rig.budget.kept
    assert set(paid) == {ada.player.id, kim.player.id}
    batches.clear()
    before = paid.copy()
    rig.clock.move_to(10.0)
    rig.stream.publish(rig.registry.connected(ada, 10.0))
    rig.stream.publish(rig.registry.disconnected(ada, 10.0, has_left=False))
    rig.stream.publish(rig.registry.end(ada, Reason.SIGNED_OUT, 10.0))
    await rig.store.journal.written_up_to_here()
    assert paid - before == {ada.player.id: prices_of(batches, "changes")}
    assert sum(len(batch.changes) for batch in batches) == 2
    assert sum(len(batch.endings) for batch in batches) == 1


async def test_a_match_is_paid_for_by_its_players_and_its_end_and_documents_are_not(
    rig: StorageRig, paid: Paid, batches: list[Batch]
) -> None:
    ada, kim = (rig.sign_in(rig.player(name))[0].player for name in ("Ada", "Kim"))
    await rig.store.journal.written_up_to_here()
    paid.clear()
    batches.clear()
    room = rig.table("connect-four", ada, kim)
    for column in (3, 4, 3, 4, 3, 4, 3):
        rig.act(room, {"column": column})
        await rig.store.journal.written_up_to_here()
    assert room.running is None
    assert sum(len(batch.rooms) for batch in batches) > 1
    fields = "rooms", "matches", "match_players", "moves"
    assert sum(paid.values()) == prices_of(batches, *fields)
    assert set(paid) == {ada.id, kim.id}
    assert abs(paid[ada.id] - paid[kim.id]) <= prices_of(batches, "rooms", "matches", "moves") / 2


async def test_moves_are_paid_for_by_the_player_of_the_seat_those_of_bots_included(
    rig: StorageRig, paid: Paid, batches: list[Batch]
) -> None:
    ada, kim = (rig.sign_in(rig.player(name))[0].player for name in ("Ada", "Kim"))
    room = rig.table("snake-arena", ada, kim)
    paid.clear()
    rig.clock.move_to(3.0)
    rig.room_stream.publish(rig.rooms.disconnect(kim.id, room.id, 3.0, has_left=False))
    rig.play_until(8.0)
    rig.clock.move_to(10.0)
    rig.store._rooms.hurry()
    await rig.store.journal.written_up_to_here()
    moves = [move for batch in batches for move in batch.moves]
    assert {move.event for move in moves} == {"bot"}
    for player in (ada, kim):
        seat = room.seat_of(player.id)
        assert paid[player.id] == sum(price(move) for move in moves if move.seat == seat) > 0


async def test_moves_are_paid_for_at_once_although_they_are_written_later(
    rig: StorageRig, paid: Paid
) -> None:
    ada, kim = (rig.sign_in(rig.player(name))[0].player for name in ("Ada", "Kim"))
    room = rig.table("snake-arena", ada, kim)
    rig.play_until(3.1)
    rig.act(room, {"turn": "up"})
    await rig.store.journal.written_up_to_here()
    paid.clear()
    rig.play_until(3.3)
    rig.act(room, {"turn": "right"})
    assert sum(paid.values()) > 60
    await rig.store.journal.written_up_to_here()
    assert len(await rig.rows("SELECT action FROM moves")) == 1, "it waits for the document"


async def test_players_share_what_bots_who_play_against_them_leave(
    rig: StorageRig, paid: Paid, batches: list[Batch]
) -> None:
    ada, kim = (rig.sign_in(rig.player(name))[0].player for name in ("Ada", "Kim"))
    await rig.store.journal.written_up_to_here()
    paid.clear()
    batches.clear()
    room, events = rig.rooms.open(ada, "snake-arena", 0.0, bots=4)
    rig.room_stream.publish(events)
    for player in (kim, ada):
        rig.room_stream.publish(rig.rooms.join(player, room.id, 0.0)[1])
    rig.room_stream.publish(rig.rooms.start(ada, room.id, 0.0))
    assert room.running is not None
    rig.play_until(8.0)
    rig.clock.move_to(10.0)
    rig.store._rooms.hurry()
    await rig.store.journal.written_up_to_here()
    moves = {move.seat for batch in batches for move in batch.moves}
    assert moves & {2, 3, 4}, "bots moved"
    fields = "rooms", "matches", "match_players", "moves"
    assert sum(paid.values()) == prices_of(batches, *fields)
    assert set(paid) == {ada.id, kim.id}
    in_match = prices_of(batches, "match_players")
    assert all(paid[player.id] >= 2 * in_match / 5 for player in (ada, kim))
