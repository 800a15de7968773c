"""Who is here, who is not, and why: players and their histories."""

import heapq
import re
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.names import sort_key
from server.clock import Clock
from server.ids import ID_PATTERN, PlayerId, SessionId
from server.presence.registry import Registry
from server.presence.session import Player
from server.presence.status import Reason, Status
from server.storage.journal import Journal
from server.storage.queries import Queries, StoredPlayer
from server.views import to_rfc3339
from server.web.bodies import answer, query_number
from server.web.caller import caller_of
from server.web.problems import Problem, invalid

_LONGEST_PAGE = 500
_PAGE = 100
_CURSOR = re.compile(rf"(.*)~({ID_PATTERN})", re.DOTALL)


class PublicPlayer(msgspec.Struct):
    """A player as anybody may see them."""

    id: PlayerId
    name: str
    guest: bool
    status: Status
    is_currently_active: bool
    last_activity_at: str


class HistoryEntry(msgspec.Struct):
    """A change of a session's status; `player_status` is the player's after it."""

    status: Status
    reason: Reason
    at: str
    session_id: SessionId
    detail: str
    player_status: Status


class PlayerRoutes:
    """`GET /api/players` and what is below it."""

    def __init__(
        self, registry: Registry, queries: Queries, journal: Journal, clock: Clock
    ) -> None:
        self._registry = registry
        self._queries = queries
        self._journal = journal
        self._clock = clock
        self.routes = [
            Route("/api/players", self.list_players, methods=["GET"]),
            Route("/api/players/{id}", self.show, methods=["GET"]),
            Route("/api/players/{id}/history", self.history, methods=["GET"]),
        ]

    async def list_players(self, request: Request) -> Response:
        limit = query_number(request, "limit", _PAGE, 1, _LONGEST_PAGE)
        after = _parse_cursor(request.query_params.get("after", ""))
        status = _parse_status(request.query_params.get("status"))
        if status is Status.OFFLINE:
            stored = await self._queries.offline_players(after, limit + 1)
            found = [(each.sort_key, self._stored(each)) for each in stored]
        else:
            players = heapq.nsmallest(
                limit + 1,
                (
                    player
                    for player in self._registry.players.values()
                    if (player.status is status if status else player.status.is_here)
                    and (player.sort_key, player.id) > after
                ),
                key=lambda player: (player.sort_key, player.id),
            )
            found = [(player.sort_key, self._present(player)) for player in players]
        page = [player for _, player in found[:limit]]
        next_ = None
        if len(found) > limit:
            last_key, last = found[limit - 1]
            next_ = f"{quote(last_key, safe='')}~{last.id}"
        return answer({"players": page, "next": next_})

    async def show(self, request: Request) -> Response:
        id = PlayerId(request.path_params["id"])
        present = self._registry.players.get(id)
        if present is not None:
            return answer(self._present(present))
        stored = await self._queries.find_player(id)
        if stored is None:
            raise Problem(404, "not_found", "There is no such player.")
        return answer(self._stored(stored))

    async def history(self, request: Request) -> Response:
        own = caller_of(request).signed_in().player
        if own.id != request.path_params["id"]:
            raise Problem(403, "not_yours", "A player's history is theirs alone.")
        limit = query_number(request, "limit", _PAGE, 1, _LONGEST_PAGE)
        before = query_number(request, "before", 2**63 - 1, 0, 2**63 - 1)
        if self._journal.statistics().why is None:
            # What the caller has just been told is part of it.
            await self._journal.flush()
        found = await self._queries.history(own.id, before, limit + 1)
        changes = [
            HistoryEntry(
                each.status,
                each.reason,
                to_rfc3339(each.at),
                each.session_id,
                each.detail,
                each.player_status,
            )
            for each in found[:limit]
        ]
        next_ = str(found[limit - 1].number) if len(found) > limit else None
        return answer({"changes": changes, "next": next_})

    def _present(self, player: Player) -> PublicPlayer:
        return PublicPlayer(
            player.id,
            player.name,
            player.guest,
            player.status,
            player.status.is_here,
            to_rfc3339(self._clock.to_wall(player.last_activity)),
        )

    def _stored(self, player: StoredPlayer) -> PublicPlayer:
        return PublicPlayer(
            player.id,
            player.name,
            player.guest,
            player.status,
            player.status.is_here,
            to_rfc3339(player.last_activity_at),
        )


def _parse_status(text: str | None) -> Status | None:
    if text is None or text == "":
        return None
    try:
        return Status(text)
    except ValueError:
        raise invalid(
            f"`status` has to be one of {', '.join(Status)}, not {text[:50]!r}."
        ) from None


def _parse_cursor(text: str) -> tuple[str, str]:
    """A `next` of an earlier page, or simply a name to begin behind."""
    match = _CURSOR.fullmatch(text)
    if match is not None:
        return unquote(match[1]), match[2]
    # Behind every player of that name: ids are ASCII.
    return (sort_key(text), "\x7f") if text else ("", "")
