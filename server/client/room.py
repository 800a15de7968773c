"""One room: its state as sent by the server, and the player's requests."""

from collections.abc import Callable, Mapping
from typing import Any

from server.client.engine import ClientEngine
from server.client.errors import RoomClosed
from server.client.merge_patch import merged, with_instants
from server.client.mirror import Mirror
from server.wire.messages import (
    ROOM,
    Act,
    Brb,
    Claim,
    Leave,
    Pulse,
    RoomChanged,
    RoomNow,
    Said,
    Say,
    Start,
)

ApplyView = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]]


class Room(Mirror[RoomNow, RoomChanged | Said]):
    """A room that this client is in, as a player or a spectator; made by `Client.rooms.join`.

    Requests return when the server has handled them. They raise RequestRefused, which changes
    nothing, or ConnectionLost, after which the outcome is unknown. Cancelling may come too late.
    """

    def __init__(self, id: str, engine: ClientEngine, apply_view: ApplyView | None = None) -> None:
        super().__init__(ROOM + id)
        self.id = id
        self.info: dict[str, Any] = {}
        """The room object of docs/rooms.md without `match.view`. Times left (`move_in`) are
        instants (`move_at`) on the clock of `Client.now`."""
        self.view: dict[str, Any] | None = None
        """The game's view of the match, for this player; None without a match."""
        self.chat: list[dict[str, Any]] = []
        self.closed: RoomClosed | None = None
        """Why the room closed, or why this player is no longer in it."""
        # The server has accepted an action, and its effect has not arrived.
        self._has_acted = False
        self._engine = engine
        self._apply_view = apply_view or merged

    # State

    @property
    def match(self) -> dict[str, Any] | None:
        """The present match, or the last one; None before the first."""
        return self.info.get("match")

    @property
    def seat(self) -> int | None:
        """The player's seat, which can change between two matches; None for a spectator."""
        for number, seat in self.info.get("seats", {}).items():
            if seat.get("player", {}).get("id") == self._engine.player_id:
                return int(number)
        return None

    @property
    def is_my_turn(self) -> bool:
        """True if a running match waits for this player. After an accepted action it is False until
        the next change of the room, which has the effect: a loop that acts when this is true acts
        once."""
        match = self.match
        if match is None or "outcome" in match or self._has_acted:
            return False
        return self.seat in match["waits_for"]

    @property
    def outcome(self) -> dict[str, Any] | None:
        """How the match ended; None if it has not, and before the first."""
        return None if self.match is None else self.match.get("outcome")

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until `is_so()` is true; it is called after each message.

        Raises RoomClosed, or SessionOver. Cancelling has no effect on the room.
        """
        await self._engine.listeners.until(
            lambda: self.closed is not None or (self.is_current and is_so())
        )
        if self.closed is not None:
            raise self.closed

    # Requests

    async def act(self, action: Any) -> None:
        """Send a game action, of a shape that the game defines."""
        await self._engine.request(Act(room=self.id, action=action), accepted=self._acted)

    async def start(self) -> None:
        """Begin the first match, as the host; after a match, vote for the next."""
        await self._engine.request(Start(room=self.id))

    async def say(self, text: str) -> None:
        """Send a line of chat."""
        await self._engine.request(Say(room=self.id, text=text))

    async def claim(self, result: str) -> None:
        """Claim a `win` or `draw` if a player dropped out for long enough."""
        await self._engine.request(Claim(room=self.id, result=result))

    async def pulse(self, seat: int) -> None:
        """Ask the player in `seat` whether they are there."""
        await self._engine.request(Pulse(room=self.id, seat=seat))

    async def brb(self, seconds: float) -> None:
        """Be right back within so many seconds, from the player's budget; 0: back."""
        await self._engine.request(Brb(room=self.id, seconds=seconds))

    async def leave(self) -> None:
        """Leave the room. Repeated after a lost connection."""
        await self._engine.request(Leave(room=self.id), repeat=True)

    # Messages of the server

    def close(self, reason: str, detail: str) -> None:
        """Mark the room as closed."""
        self.closed = RoomClosed(reason, detail)
        self.is_current = False

    def _acted(self) -> None:
        self._has_acted = True

    def _replace(self, message: RoomNow) -> None:
        self._has_acted = False
        info = with_instants(message.room, self._engine.now())
        self.view = info.get("match", {}).pop("view", None)
        self.info = info
        self.chat = list(message.chat)

    def _apply(self, message: RoomChanged | Said) -> None:
        if isinstance(message, Said):
            self.chat = [*self.chat, message.line][-self._engine.limits.chat_lines :]
            return
        self._has_acted = False
        now = self._engine.now()
        if isinstance(message.room, dict):
            self.info = merged(self.info, with_instants(message.room, now))
        if self.match is None:
            self.view = None
        elif isinstance(message.view, dict):
            self.view = self._apply_view(self.view or {}, with_instants(message.view, now))
