"""Ratings of players, and the standings of games."""

from collections.abc import Collection
from enum import StrEnum

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.base.clock import Clock
from server.base.ids import MatchId, PlayerId
from server.base.text import excerpt
from server.ratings.rating import week_of
from server.storage.ports import Standings
from server.storage.rows import StoredStanding
from server.web.allowance import allowance_of
from server.web.bodies import answer
from server.web.caller import caller_of
from server.web.calls import Call, Cookie
from server.web.limits import Limits
from server.web.paging import cursor_of, cut, parse_newest_first
from server.web.parameters import AnyText, OneOf, page_size
from server.wire.problem import Problem
from server.wire.views import Instant, to_rfc3339


class Period(StrEnum):
    """What standings are made of."""

    ALL = "all"
    WEEK = "week"


_GAME = AnyText("game", "The game.")
_PERIOD = OneOf(
    "period", "`all`, by rating; or `week`, by what was gained since Monday, UTC.", Period
)
_AFTER = AnyText("after", "The `next` of the page before.")


class Standing(msgspec.Struct):
    """A player's rating at a game, and the matches that count for it, or those of the week."""

    id: PlayerId
    name: str
    rating: int
    matches: int
    wins: int
    # Since the week began, in the standings of a week.
    gained: int | msgspec.UnsetType = msgspec.UNSET


class StandingsPage(msgspec.Struct):
    """A page of standings, the best first; `next` leads to the following page."""

    players: list[Standing]
    next: str | None


class GameRating(msgspec.Struct):
    """A player's rating at a game, and the matches that count for it."""

    game: str
    rating: int
    matches: int
    wins: int


class GameRecord(msgspec.Struct):
    """A player's best score at a game that they played alone."""

    game: str
    score: float
    match: MatchId
    at: Instant


class RatingsOfPlayer(msgspec.Struct):
    """A player's ratings and records, by game."""

    ratings: list[GameRating]
    records: list[GameRecord]


class StandingRoutes:
    """`GET /api/standings`, and the ratings of one player."""

    def __init__(
        self, standings: Standings, games: Collection[str], clock: Clock, limits: Limits
    ) -> None:
        self._standings = standings
        self._games = games
        self._clock = clock
        self._limit = page_size(limits.page_of_players, limits.largest_page_of_players)
        self.calls = [
            Call(
                "GET",
                "/api/standings",
                self.list_standings,
                "The best players of a game, of all time or of this week.",
                query=[_GAME, _PERIOD, _AFTER, self._limit],
                answers={200: StandingsPage},
                cookie=Cookie.WELCOME,
                problems=["no_such_game", "storage_unavailable"],
                is_long=True,
            ),
            Call(
                "GET",
                "/api/players/{id}/ratings",
                self.show,
                "A player's ratings and records.",
                answers={200: RatingsOfPlayer},
                cookie=Cookie.WELCOME,
                problems=["storage_unavailable"],
            ),
        ]

    async def list_standings(self, request: Request) -> Response:
        limit = self._limit.of(request)
        after = parse_newest_first(_AFTER.of(request), may_be_negative=True)
        is_of_week = _PERIOD.of(request) is Period.WEEK
        game = _GAME.of(request)
        if game not in self._games:
            raise Problem(404, "no_such_game", f"There is no game {excerpt(game)!r} here.")
        caller_of(request).note_activity()
        week = week_of(self._clock.to_wall(self._clock.now())) if is_of_week else None
        found = await self._standings.standings(
            game, week, after, limit + 1, allowance_of(request.scope)
        )
        page, next_ = cut(
            found,
            limit,
            lambda last: cursor_of(
                last.rating if last.gained is None else last.gained, last.player_id
            ),
        )
        return answer(StandingsPage([_view_of(each) for each in page], next_))

    async def show(self, request: Request) -> Response:
        ratings, records = await self._standings.ratings_of(
            PlayerId(request.path_params["id"]), allowance_of(request.scope)
        )
        return answer(
            RatingsOfPlayer(
                [GameRating(each.game, each.rating, each.matches, each.wins) for each in ratings],
                [
                    GameRecord(each.game, each.score, each.match_id, to_rfc3339(each.at))
                    for each in records
                ],
            )
        )


def _view_of(standing: StoredStanding) -> Standing:
    return Standing(
        standing.player_id,
        standing.name,
        standing.rating,
        standing.matches,
        standing.wins,
        msgspec.UNSET if standing.gained is None else standing.gained,
    )
