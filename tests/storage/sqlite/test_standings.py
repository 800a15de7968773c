"""Ratings, records and standings follow from the matches that are kept."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count, permutations

import pytest

from server.base.ids import MatchId, PlayerId, RoomId
from server.ratings.limits import Limits
from server.ratings.rating import week_of
from server.storage.batch import Batch
from server.storage.rows import (
    BotRow,
    MatchPlayerRow,
    MatchRow,
    PlayerRow,
    RoomRow,
    StoredStanding,
)
from server.storage.sqlite.migrations import migrate
from server.storage.sqlite.standings import ratings_of, records_of, standings
from server.storage.sqlite.writer import write_batch

HOUR, DAY = 3_600_000, 86_400_000
MONDAY = 4 * DAY
ALL = (2**63 - 1, "")
ROOM = RoomRow(RoomId("r"), "four", False, PlayerId("ada"), 0, 9, None, None)


class Disk:
    """A database with players of all kinds, and matches that end when told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.limits = Limits()
        self._numbers = count()
        names = ["ada", "kim", "eve", "guest", "other guest", *map("p{}".format, range(10))]
        players = [
            PlayerRow(PlayerId(name), name, name, name, "guest" in name, None, 0, 0)
            for name in names
        ]
        bot = BotRow(PlayerId("bot"), "Bot 1", "bot 1", 0)
        write_batch(connection, Batch(players=players, bots={bot.id: bot}, rooms={ROOM.id: ROOM}))

    def end(
        self,
        *players: str,
        winners: Sequence[int] = (0,),
        at: int = HOUR,
        reason: str = "four",
        lasted: int = 60_000,
        steps: int = 20,
        scores: Sequence[float] | None = None,
    ) -> MatchId:
        """End a match of these players."""
        id = MatchId(f"m{next(self._numbers)}")
        self.write(
            [
                MatchRow(
                    *(id, ROOM.id, 1, "four", False, 0, "seed", at, lasted, steps, reason),
                    *(tuple(winners), None if scores is None else tuple(scores), None),
                )
            ],
            [
                MatchPlayerRow(id, seat, PlayerId(player), player, False, at)
                for seat, player in enumerate(players)
            ],
        )
        return id

    def write(self, matches: list[MatchRow], players: list[MatchPlayerRow]) -> None:
        batch = Batch(
            matches={row.id: row for row in matches},
            match_players={(row.match_id, row.seat): row for row in players},
        )
        write_batch(self.connection, batch, self.limits)

    def changes(self, match: MatchId) -> dict[str, tuple[int, int]]:
        """Return the ratings before and after a match, by player."""
        rows = self.connection.execute(
            "SELECT player_id, before, after FROM rating_changes WHERE match_id = ?", (match,)
        )
        return {player: (before, after) for player, before, after in rows}

    def is_rated(self, match: MatchId) -> bool:
        ((rated,),) = self.connection.execute("SELECT rated FROM matches WHERE id = ?", (match,))
        assert bool(rated) is bool(self.changes(match))
        return bool(rated)

    def matches(self, player: str) -> int:
        return sum(each.matches for each in ratings_of(self.connection, PlayerId(player)))

    def best(self, week: int | None = None, limit: int = 10) -> list[StoredStanding]:
        return standings(self.connection, "four", week, ALL, limit)


@pytest.fixture
def disk() -> Iterator[Disk]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        yield Disk(connection)


def test_a_match_of_two_changes_both_ratings(disk: Disk) -> None:
    match = disk.end("ada", "kim")
    assert disk.is_rated(match)
    (ada,), (kim,) = (ratings_of(disk.connection, PlayerId(name)) for name in ("ada", "kim"))
    assert (ada.game, ada.matches, ada.wins, kim.matches, kim.wins) == ("four", 1, 1, 1, 0)
    assert ada.rating > 1000 > kim.rating
    assert disk.changes(match) == {"ada": (1000, ada.rating), "kim": (1000, kim.rating)}


def test_the_next_match_begins_where_the_last_one_ended(disk: Disk) -> None:
    first, second = disk.end("ada", "kim"), disk.end("kim", "ada")
    after, before = disk.changes(first), disk.changes(second)
    assert {name: after[name][1] for name in after} == {name: before[name][0] for name in before}


def test_matches_of_one_transaction_count_in_the_order_of_their_ends(disk: Disk) -> None:
    late, early = MatchId("m-a"), MatchId("m-b")
    rows = [
        MatchRow(id, ROOM.id, 1, "four", False, 0, "", at, 60_000, 9, "four", (0,), None, None)
        for id, at in ((late, 2 * HOUR), (early, HOUR))
    ]
    seats = [
        MatchPlayerRow(row.id, seat, PlayerId(name), name, False, row.ended_at)
        for row in rows
        for seat, name in enumerate(("ada", "kim"))
    ]
    disk.write(rows, seats)
    assert disk.changes(early)["ada"][0] == 1000
    assert disk.changes(late)["ada"][0] == disk.changes(early)["ada"][1]


def test_a_draw_counts_and_nobody_has_won(disk: Disk) -> None:
    assert disk.is_rated(disk.end("ada", "kim", winners=()))
    for name in ("ada", "kim"):
        (rating,) = ratings_of(disk.connection, PlayerId(name))
        assert rating.wins == 0


def test_guests_have_no_rating_and_are_left_out_of_those_of_the_others(disk: Disk) -> None:
    assert not disk.is_rated(disk.end("ada", "guest"))
    assert not disk.is_rated(disk.end("guest", "other guest"))
    assert disk.changes(disk.end("ada", "guest", "kim", winners=(1,))).keys() == {"ada", "kim"}


@pytest.mark.parametrize(
    "end",
    [{"reason": "abandoned"}, {"reason": "failed"}, {"lasted": 19_999, "steps": 7}],
    ids=str,
)
def test_what_was_no_match_does_not_count(disk: Disk, end: dict[str, object]) -> None:
    assert not disk.is_rated(disk.end("ada", "kim", **end))  # type: ignore[arg-type]


def test_two_players_count_five_matches_a_day_between_them(disk: Disk) -> None:
    rated = [disk.is_rated(disk.end("ada", "kim", at=HOUR + number)) for number in range(7)]
    assert rated == [True] * 5 + [False] * 2
    assert disk.is_rated(disk.end("ada", "eve", at=2 * HOUR)), "with another they do"
    assert not disk.is_rated(disk.end("ada", "kim", "eve", at=2 * HOUR)), "nor among others"
    assert not disk.is_rated(disk.end("ada", "kim", at=HOUR + DAY - 1))
    assert disk.is_rated(disk.end("ada", "kim", at=HOUR + DAY)), "the first is a day ago"


def test_a_player_counts_so_many_matches_a_day(disk: Disk) -> None:
    disk.limits = Limits(of_player=3)
    others = ("kim", "eve", "p0", "p1")
    assert [disk.is_rated(disk.end("ada", name)) for name in others] == [True, True, True, False]


def test_a_match_counts_once_however_often_its_row_is_written(disk: Disk) -> None:
    match = disk.end("ada", "kim")
    before = disk.changes(match)
    row = MatchRow(
        *(match, ROOM.id, 1, "four", False, 0, "seed", HOUR, 60_000, 20, "four", (0,), None, None)
    )
    disk.write([row], [])
    assert (disk.changes(match), disk.matches("ada")) == (before, 1)


def test_scores_that_are_not_of_all_seats_are_no_reason_to_write_nothing(disk: Disk) -> None:
    match = disk.end("ada", "kim", "eve", winners=(2,), scores=(3.0,))
    changed = disk.changes(match)
    assert changed["ada"][1] == changed["kim"][1] < changed["eve"][1]


def test_who_plays_alone_has_a_record_and_no_rating(disk: Disk) -> None:
    scores = [3.0, 7.0, 7.0, 5.0]
    matches = [
        disk.end("guest", scores=(score,), winners=(), at=HOUR + at)
        for at, score in enumerate(scores)
    ]
    (record,) = records_of(disk.connection, PlayerId("guest"))
    assert (record.score, record.match_id, record.at) == (7.0, matches[1], HOUR + 1)
    assert disk.matches("guest") == 0


def test_the_standings_are_by_rating_and_of_those_with_enough_matches(disk: Disk) -> None:
    disk.limits = Limits(matches_until_listed=2)
    disk.end("ada", "kim")
    assert disk.best() == []
    disk.end("ada", "kim")
    disk.end("ada", "eve")
    listed = disk.best()
    assert [each.name for each in listed] == ["ada", "kim"]
    assert [(each.matches, each.wins, each.gained) for each in listed] == [
        (3, 3, None),
        (2, 0, None),
    ]
    assert listed[0].rating > listed[1].rating


def test_the_standings_of_a_week_are_by_what_was_gained_in_it(disk: Disk) -> None:
    sunday, monday = MONDAY - 1, MONDAY
    assert week_of(monday) == week_of(sunday) + 1 == week_of(monday + 7 * DAY) - 1
    disk.end("ada", "kim", at=sunday)
    disk.end("kim", "ada", at=monday)
    disk.end("kim", "eve", at=monday + DAY)
    before, after = disk.best(week_of(sunday)), disk.best(week_of(monday))
    assert [each.name for each in before] == ["ada", "kim"]
    assert {each.name: (each.matches, each.wins) for each in after} == {
        "kim": (2, 2),
        "ada": (1, 0),
        "eve": (1, 0),
    }
    assert after[0].name == "kim"
    for each in before + after:
        (rating,) = ratings_of(disk.connection, each.player_id)
        assert each.rating == rating.rating
    gained = {
        name: sum(each.gained or 0 for each in before + after if each.name == name)
        for name in ("ada", "kim", "eve")
    }
    for name, sum_ in gained.items():
        (rating,) = ratings_of(disk.connection, PlayerId(name))
        assert rating.rating == 1000 + sum_


@pytest.mark.parametrize("week", [None, week_of(HOUR)])
def test_pages_of_standings_have_everybody_once(disk: Disk, week: int | None) -> None:
    disk.limits = Limits(matches_until_listed=1, of_player=1000)
    for one, other in permutations(range(10), 2):
        disk.end(f"p{one}", f"p{other}", winners=() if one % 3 else (0,))
    found: list[StoredStanding] = []
    after = ALL
    while page := standings(disk.connection, "four", week, after, 3):
        found += page
        last = page[-1]
        after = (last.rating if last.gained is None else last.gained, last.player_id)
    assert {each.name for each in found} == set(map("p{}".format, range(10)))
    assert found == disk.best(week, 100)


def test_a_match_with_a_bot_counts_for_nobody(disk: Disk) -> None:
    assert not disk.is_rated(disk.end("ada", "bot"))
    assert not disk.is_rated(disk.end("ada", "kim", "bot"))
    assert disk.is_rated(disk.end("ada", "kim"))
