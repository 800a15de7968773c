"""Players and their histories."""

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.names import sort_key
from server.base.ids import PlayerId, SessionId
from server.games.game import Level
from server.presence.service import PresenceService
from server.presence.session import Player
from server.presence.status import Reason, Status
from server.rooms.robots import ROBOTS
from server.storage.ports import History, Players
from server.storage.rows import StoredPlayer
from server.web.allowance import allowance_of
from server.web.bodies import answer
from server.web.caller import caller_of
from server.web.calls import Call, Cookie
from server.web.limits import Limits
from server.web.listed import ListedPlayers
from server.web.paging import NEWEST, cursor_of, cut, parse_cursor
from server.web.parameters import AnyText, OneOf, WholeNumber, page_size
from server.wire.problem import Problem
from server.wire.views import Instant, idle_for, to_rfc3339

_STATUS = OneOf("status", "Players with this status; by default all who are here.", Status)
_AFTER = AnyText("after", "The `next` of the page before, or a name to begin behind.")
_BEFORE = WholeNumber(
    "before", "The `next` of the page before.", default=NEWEST, least=0, most=NEWEST
)


class PublicPlayer(msgspec.Struct):
    """A player as visible to all."""

    id: PlayerId
    name: str
    guest: bool
    status: Status
    is_currently_active: bool
    last_activity_at: Instant
    # Seconds since then, for a player who is away.
    idle_for: float | msgspec.UnsetType = msgspec.UNSET
    # True for a bot, of this `level`.
    bot: bool | msgspec.UnsetType = msgspec.UNSET
    level: Level | msgspec.UnsetType = msgspec.UNSET


class PlayerPage(msgspec.Struct):
    """A page of players, by name; `next` leads to the following page."""

    players: list[PublicPlayer]
    next: str | None


class HistoryEntry(msgspec.Struct):
    """A change of a session's status; `player_status` is the player's after it."""

    status: Status
    reason: Reason
    at: Instant
    session_id: SessionId
    detail: str
    player_status: Status
    # Copied from the idle clock; null in entries written by an older version.
    last_activity_at: Instant | None
    last_activity_by: str | None
    # True for a remembered session, which an idle timeout does not end.
    remember: bool


class HistoryPage(msgspec.Struct):
    """A page of changes, newest first; `next` leads to the following page, of older ones."""

    changes: list[HistoryEntry]
    next: str | None


class PlayerRoutes:
    """`GET /api/players` and what is below it."""

    def __init__(
        self,
        presence: PresenceService,
        listed: ListedPlayers,
        players: Players,
        history: History,
        limits: Limits,
    ) -> None:
        self._presence = presence
        self._listed = listed
        self._players = players
        self._history = history
        self._clock = presence.clock
        self._limit = page_size(limits.page_of_players, limits.largest_page_of_players)
        self.calls = [
            Call(
                "GET",
                "/api/players",
                self.list_players,
                "Players who are here, or who are not, by name.",
                query=[_STATUS, _AFTER, self._limit],
                answers={200: PlayerPage},
                cookie=Cookie.WELCOME,
                problems=["storage_unavailable"],
                is_long=True,
            ),
            Call(
                "GET",
                "/api/players/{id}",
                self.show,
                "A player, as anybody may see them.",
                answers={200: PublicPlayer},
                cookie=Cookie.WELCOME,
                problems=["not_found", "storage_unavailable"],
            ),
            Call(
                "GET",
                "/api/players/{id}/history",
                self.history,
                "The own changes of status, newest first, and why each came.",
                query=[_BEFORE, self._limit],
                answers={200: HistoryPage},
                cookie=Cookie.NEEDED,
                problems=["not_yours", "storage_unavailable"],
                is_long=True,
            ),
        ]

    async def list_players(self, request: Request) -> Response:
        limit = self._limit.of(request)
        after = _parse_cursor(_AFTER.of(request))
        status = _STATUS.of(request)
        if status is Status.OFFLINE:
            caller_of(request).note_activity()
            asker = allowance_of(request.scope)
            stored = await self._players.offline_players(after, limit + 1, asker)
            found = [(each.sort_key, _stored(each)) for each in stored]
        else:
            ids = self._listed.page(status, after, limit + 1)
            players = [self._presence.players[id] for id in ids]
            found = [(player.sort_key, self._present(player)) for player in players]
        page, next_ = cut(found, limit, lambda last: cursor_of(last[0], last[1].id))
        return answer(PlayerPage([player for _, player in page], next_))

    async def show(self, request: Request) -> Response:
        id = PlayerId(request.path_params["id"])
        present = self._presence.players.get(id)
        if present is not None:
            return answer(self._present(present))
        stored = await self._players.find_player(id, allowance_of(request.scope))
        if stored is None:
            raise Problem(404, "not_found", "There is no such player.")
        return answer(_stored(stored))

    async def history(self, request: Request) -> Response:
        caller = caller_of(request)
        own = caller.signed_in().player
        if own.id != request.path_params["id"]:
            raise Problem(403, "not_yours", "A player's history is theirs alone.")
        limit = self._limit.of(request)
        before = _BEFORE.of(request)
        caller.note_activity()
        asker = allowance_of(request.scope)
        found = await self._history.history(own.id, before, limit + 1, asker)
        page, next_ = cut(found, limit, lambda last: str(last.number))
        changes = [
            HistoryEntry(
                each.status,
                each.reason,
                to_rfc3339(each.at),
                each.session_id,
                each.detail,
                each.player_status,
                None if each.last_activity_at is None else to_rfc3339(each.last_activity_at),
                each.last_activity_by,
                each.remember,
            )
            for each in page
        ]
        return answer(HistoryPage(changes, next_))

    def _present(self, player: Player) -> PublicPlayer:
        return _public(
            player,
            self._clock.to_wall(player.last_activity),
            idle_for(player.status, player.last_activity, self._clock.now()),
        )


def _stored(player: StoredPlayer) -> PublicPlayer:
    found = _public(player, player.last_activity_at)
    robot = ROBOTS.get(player.id)
    return found if robot is None else replace(found, bot=True, level=robot.level)


def _public(
    player: Player | StoredPlayer,
    last_activity_at: int,
    idle: float | msgspec.UnsetType = msgspec.UNSET,
) -> PublicPlayer:
    return PublicPlayer(
        player.id,
        player.name,
        player.guest,
        player.status,
        player.status.is_here,
        to_rfc3339(last_activity_at),
        idle,
    )


def _parse_cursor(text: str) -> tuple[str, str]:
    """Parse a `next` of an earlier page, or a name to begin after."""
    cursor = parse_cursor(text)
    if cursor is not None:
        return cursor
    # After all players of that name: ids are ASCII.
    return (sort_key(text), "\x7f") if text else ("", "")
