"""The pages of a player's matches: each that the caller may see is on one of them, in order."""

import random
from pathlib import Path

import pytest

from server.base.ids import MatchId, PlayerId, RoomId
from server.storage.batch import Batch
from server.storage.rows import MatchPlayerRow, MatchRow, PlayerRow, RoomRow
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits

PLAYERS = [PlayerId(name) for name in "abcd"]
LAST = (2**63 - 1, "")


def some_matches(chance: random.Random) -> Batch:
    """Sixty matches of two or three, many of which end at the same instant."""
    room = RoomRow(RoomId("r"), "a-game", False, PLAYERS[0], 0, 9, None, None)
    batch = Batch(
        players=[PlayerRow(id, id, id, id, True, None, 0, 0) for id in PLAYERS],
        rooms={room.id: room},
    )
    for number in range(60):
        id = MatchId(f"m{chance.randrange(10**6)}-{number}")
        is_private = chance.random() < 0.6
        ended_at = None if chance.random() < 0.1 else chance.randrange(20)
        batch.matches[id] = MatchRow(
            *(id, room.id, number, "a-game", is_private, 0, "seed", ended_at),
            reason="over",
            winners=(0,),
        )
        for seat, player in enumerate(chance.sample(PLAYERS, chance.choice((2, 3)))):
            row = MatchPlayerRow(id, seat, player, player, is_private, ended_at)
            batch.match_players[id, seat] = row
    return batch


def visible(batch: Batch, player: PlayerId, viewer: PlayerId) -> list[MatchId]:
    """The finished matches of `player` that `viewer` may see, newest first."""
    seated: dict[MatchId, set[PlayerId]] = {}
    for row in batch.match_players.values():
        seated.setdefault(row.match_id, set()).add(row.player_id)
    keys = [
        (row.ended_at, row.id)
        for row in batch.matches.values()
        if row.ended_at is not None
        and player in seated[row.id]
        and (not row.private or viewer in seated[row.id])
    ]
    return [id for _, id in sorted(keys, reverse=True)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("looked_at", [1, 3, 1000])
@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_every_visible_match_is_on_one_page_in_order(
    tmp_path: Path, seed: int, looked_at: int, limit: int
) -> None:
    batch = some_matches(random.Random(seed))
    engine = SqliteEngine(tmp_path / "test.db", SqliteLimits(matches_looked_at=looked_at))
    await engine.open()
    try:
        await engine.write(batch)
        for player in PLAYERS:
            for viewer in PLAYERS:
                expected = visible(batch, player, viewer)
                found: list[MatchId] = []
                before: tuple[int, str] | None = LAST
                while before is not None:
                    page = await engine.reads.matches_of(player, viewer, before, limit)
                    assert len(page.matches) <= limit
                    assert page.next is None or page.next < before
                    found += [each.id for each in page.matches]
                    before = page.next
                assert found == expected
                for each in expected:
                    match = await engine.reads.find_match(each, viewer)
                    assert match is not None
                    assert player in [seat.player_id for seat in match.players]
                hidden = set(visible(batch, player, player)) - set(expected)
                for each in hidden:
                    assert await engine.reads.find_match(each, viewer) is None
                    assert await engine.reads.find_match(each, None) is None
    finally:
        await engine.close()
