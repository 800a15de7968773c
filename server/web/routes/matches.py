"""Finished matches over HTTP: players, outcome, and moves."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.base.ids import MatchId, PlayerId, RoomId
from server.base.units import from_ms
from server.games.game import Level
from server.rooms.view import player_view
from server.storage.ports import Matches
from server.storage.rows import StoredMatch, StoredMove, StoredSeat
from server.web.allowance import allowance_of
from server.web.bodies import answer
from server.web.caller import caller_of
from server.web.calls import Call, Cookie
from server.web.limits import Limits
from server.web.paging import NEWEST, cursor_of, parse_newest_first
from server.web.parameters import AnyText, WholeNumber, page_size
from server.wire.problem import Problem
from server.wire.views import Instant, to_rfc3339

_PLAYER = AnyText("player", "Whose matches; by default one's own.")
_AFTER = AnyText("after", "The `next` of the page before.")
_AFTER_MOVE = WholeNumber(
    "after", "The `next` of the answer before.", default=0, least=0, most=NEWEST
)


class RatingChange(msgspec.Struct):
    """What a match did to a rating."""

    before: int
    after: int


class SeatedPlayer(msgspec.Struct):
    """The player in a seat, with the name at the time. `bot`: true for a bot, of this `level`."""

    id: PlayerId
    name: str
    seat: int
    # Only of a match that counts for the player's rating.
    rating: RatingChange | msgspec.UnsetType = msgspec.UNSET
    bot: bool | msgspec.UnsetType = msgspec.UNSET
    level: Level | msgspec.UnsetType = msgspec.UNSET


class FinishedMatch(msgspec.Struct, kw_only=True):
    """A finished match. `seconds` is match time, which excludes downtime of the server."""

    id: MatchId
    room_id: RoomId
    game: str
    started_at: Instant
    ended_at: Instant
    seconds: float
    players: list[SeatedPlayer]
    winners: list[int]
    reason: str
    # `scores` by seat, if the game has any; `by`: the seat whose action ended it, if one did.
    scores: list[float] | msgspec.UnsetType = msgspec.UNSET
    by: int | msgspec.UnsetType = msgspec.UNSET


class PlayedMove(msgspec.Struct):
    """A change of a match: see docs/rooms.md."""

    step: int
    at: float
    seat: int
    action: Any = msgspec.UNSET
    event: str | msgspec.UnsetType = msgspec.UNSET


class MatchWithMoves(FinishedMatch, kw_only=True):
    """`steps`: how often the state of the game changed, ticks included."""

    steps: int
    # The seed of the match's random numbers.
    seed: str
    moves: list[PlayedMove]
    # Only if there are more moves than are in this answer.
    next: str | msgspec.UnsetType = msgspec.UNSET


class MatchPage(msgspec.Struct):
    """A page of matches, newest first; `next` leads to the following page, of older ones."""

    matches: list[FinishedMatch]
    next: str | None


class MatchRoutes:
    """`GET /api/matches` and what is below it."""

    def __init__(self, matches: Matches, limits: Limits) -> None:
        self._matches = matches
        self._most_moves = limits.largest_page_of_moves
        self._limit = page_size(limits.page_of_matches, limits.largest_page_of_matches)
        self.calls = [
            Call(
                "GET",
                "/api/matches",
                self.list_matches,
                "Finished matches of a player, the last one first.",
                query=[_PLAYER, _AFTER, self._limit],
                answers={200: MatchPage},
                cookie=Cookie.NEEDED,
                problems=["storage_unavailable"],
                is_long=True,
            ),
            Call(
                "GET",
                "/api/matches/{id}",
                self.show,
                "A finished match with its moves; of a private room, for those who played in it.",
                query=[_AFTER_MOVE],
                answers={200: MatchWithMoves},
                cookie=Cookie.WELCOME,
                problems=["not_found", "storage_unavailable"],
                is_long=True,
            ),
        ]

    async def list_matches(self, request: Request) -> Response:
        caller = caller_of(request)
        own = caller.signed_in().player
        limit = self._limit.of(request)
        before = parse_newest_first(_AFTER.of(request))
        player = PlayerId(_PLAYER.of(request)) or own.id
        caller.note_activity()
        asker = allowance_of(request.scope)
        found = await self._matches.matches_of(player, own.id, before, limit, asker)
        page = [FinishedMatch(**_view_of(each)) for each in found.matches]
        return answer(MatchPage(page, None if found.next is None else cursor_of(*found.next)))

    async def show(self, request: Request) -> Response:
        session = caller_of(request).session
        viewer = None if session is None else session.player.id
        after = _AFTER_MOVE.of(request)
        asker = allowance_of(request.scope)
        found = await self._matches.find_match(request.path_params["id"], viewer, asker)
        if found is None:
            raise Problem(404, "not_found", "There is no such match, or it is still being played.")
        page = await self._matches.moves_of(found.id, after, self._most_moves, asker)
        return answer(
            MatchWithMoves(
                **_view_of(found),
                steps=found.steps or 0,
                seed=found.seed,
                moves=[_move(each) for each in page.moves],
                next=msgspec.UNSET if page.next is None else str(page.next),
            )
        )


def _view_of(match: StoredMatch) -> dict[str, Any]:
    return {
        "id": match.id,
        "room_id": match.room_id,
        "game": match.game,
        "started_at": to_rfc3339(match.started_at),
        "ended_at": to_rfc3339(match.ended_at),
        "seconds": from_ms(match.lasted or 0),
        "players": [_seated(each) for each in match.players],
        "winners": match.winners,
        "reason": match.reason,
        "scores": msgspec.UNSET if match.scores is None else match.scores,
        "by": msgspec.UNSET if match.ended_by is None else match.ended_by,
    }


def _seated(stored: StoredSeat) -> SeatedPlayer:
    seated = SeatedPlayer(seat=stored.seat, **player_view(stored.player_id, stored.name))
    if stored.before is not None and stored.after is not None:
        seated.rating = RatingChange(stored.before, stored.after)
    return seated


def _move(move: StoredMove) -> PlayedMove:
    return PlayedMove(
        move.step,
        from_ms(move.at),
        move.seat,
        move.action if move.has_action else msgspec.UNSET,
        msgspec.UNSET if move.event is None else move.event,
    )
