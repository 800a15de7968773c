"""The rows: plain values, one type for each table, and one for each result of a query.

The fields of a written row are named like the table's columns: an engine may derive its statements
from them. Instants are Unix milliseconds.
"""

from typing import Any, TypeAlias, final

import msgspec

from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.presence.status import Reason, Status
from server.rooms.chat import Notice


class Row(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A row, or a result made of rows: compared by value, immutable."""


# Written


@final
class PlayerRow(Row, frozen=True):
    """A new player. `name_key` is what one signs in with; `password_hash` is None for a guest."""

    id: PlayerId
    name: str
    name_key: str
    sort_key: str
    guest: bool
    password_hash: str | None
    last_activity_at: int
    created_at: int


@final
class BotRow(Row, frozen=True):
    """A bot that plays in matches as an opponent: a player whom nobody is."""

    id: PlayerId
    name: str
    sort_key: str
    at: int


@final
class LookalikeRow(Row, frozen=True):
    """A skeleton of a player's name; unique."""

    lookalike: str
    player_id: PlayerId


@final
class PasswordRow(Row, frozen=True):
    """A new password of a player."""

    id: PlayerId
    password_hash: str


@final
class SessionRow(Row, frozen=True):
    """A new session. `token_digest`: SHA-256 of the secret in its cookie."""

    id: SessionId
    player_id: PlayerId
    token_digest: bytes
    remember: bool
    status: Status
    created_at: int
    last_activity_at: int
    last_activity_by: str
    ends_at: int
    browser: str | None
    system: str | None


@final
class ChangeRow(Row, frozen=True):
    """A change of a session's status, for the history. `player_status`: the player's status after
    it; `detail`: the rule behind it, as a sentence."""

    player_id: PlayerId
    session_id: SessionId
    status: Status
    reason: Reason
    at: int
    player_status: Status
    detail: str
    last_activity_at: int
    last_activity_by: str


@final
class PlayerStateRow(Row, frozen=True):
    """The present state of a player. A stored `last_activity_at` never goes back."""

    id: PlayerId
    status: Status
    is_currently_active: bool
    last_activity_at: int


@final
class SessionStateRow(Row, frozen=True):
    """The present state of a session. A stored `last_activity_at` never goes back."""

    id: SessionId
    status: Status
    last_activity_at: int
    last_activity_by: str


@final
class Ending(Row, frozen=True):
    """The end of a session."""

    session_id: SessionId
    reason: Reason
    at: int


@final
class RoomRow(Row, frozen=True):
    """The state of a room. `state`: the document of `rooms/document.py`; None if the room is
    closed, which removes its chat too, or could not be written."""

    id: RoomId
    game: str
    private: bool
    made_by: PlayerId
    opened_at: int
    closed_at: int | None
    close_reason: str | None
    state: str | None

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


@final
class LineRow(Row, frozen=True):
    """A line of the chat of an open room, instead of the one that was in its `place`. `number`: in
    its room, from 1; the rest is as in `rooms/chat.py`."""

    room_id: RoomId
    place: int
    number: int
    at: int
    player_id: PlayerId | None
    name: str | None
    text: str | None
    notice: Notice | None
    seat: int | None


@final
class LostRoom(Row, frozen=True):
    """A room that was closed because it could not be restored; its match is abandoned."""

    id: RoomId
    at: int


@final
class MatchRow(Row, frozen=True):
    """A match. `number`: in its room, from 1; `seed`: of its random numbers. The rest is None until
    it ended: `lasted`, in milliseconds of match time; `steps`, how often its state changed;
    `winners`, seats; `scores`, by seat, if the game has any; `ended_by`, the seat that caused the
    end, if a player did."""

    id: MatchId
    room_id: RoomId
    number: int
    game: str
    private: bool
    started_at: int
    seed: str
    ended_at: int | None = None
    lasted: int | None = None
    steps: int | None = None
    reason: str | None = None
    winners: tuple[int, ...] | None = None
    scores: tuple[float, ...] | None = None
    ended_by: int | None = None


@final
class MatchPlayerRow(Row, frozen=True):
    """The player in a seat of a match, with the name at the time; `private` and `ended_at` are the
    match's."""

    match_id: MatchId
    seat: int
    player_id: PlayerId
    name: str
    private: bool
    ended_at: int | None


@final
class MoveRow(Row, frozen=True):
    """A move. `step`: how often the state had changed before; `at`: milliseconds of match time;
    `event`: a hook of the game, or with an action `bot` or `back`.

    `action` is encoded already, None with a hook: an action may have no JSON form, and no
    transaction may fail for that.
    """

    match_id: MatchId
    step: int
    at: int
    seat: int
    action: str | None
    event: str | None


@final
class BootRow(Row, frozen=True):
    """A start of the server."""

    started_at: int
    version: str


Lasting: TypeAlias = (
    PlayerRow
    | LookalikeRow
    | SessionRow
    | ChangeRow
    | RoomRow
    | MatchRow
    | MatchPlayerRow
    | MoveRow
)
"""Rows that take more of the disk for good. A player pays for each, once: see `prices.py`."""

Replacing: TypeAlias = (
    BotRow | PasswordRow | RoomRow | LineRow | LostRoom | MatchRow | MatchPlayerRow
)
"""Rows that take the place of others, or change them, or go with their room, or of which there are
only so many; besides the states and the ends of sessions, which the journal adds by methods of
their own. Rooms and matches are both: kept first, and replaced until they have ended."""


# Read


class StoredAccount(Row, frozen=True):
    """A player as stored, for signing in. `password_hash` is None for a guest."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    password_hash: str | None
    created_at: int


class StoredPlayer(Row, frozen=True):
    """A player as stored."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    status: Status
    last_activity_at: int
    created_at: int


class StoredChange(Row, frozen=True):
    """An entry of the history. `number` grows with time and pages the history. The last activity is
    None in entries written by schema 1; `remember` is the session's."""

    number: int
    status: Status
    player_status: Status
    reason: Reason
    at: int
    session_id: SessionId
    detail: str
    last_activity_at: int | None
    last_activity_by: str | None
    remember: bool


class StoredSession(Row, frozen=True):
    """A session that had not ended when the last process stopped."""

    id: SessionId
    digest: bytes
    remember: bool
    status: Status
    created_at: int
    last_activity_at: int
    last_activity_by: str
    ends_at: int
    browser: str | None
    system: str | None
    player: StoredPlayer


class StoredLine(Row, frozen=True):
    """A line of chat; its fields are those of `LineRow`."""

    number: int
    at: int
    player_id: PlayerId | None
    name: str | None
    text: str | None
    notice: Notice | None
    seat: int | None


class StoredRoom(Row, frozen=True):
    """A room that was open when the last process stopped. `state`: its document; None if it could
    not be written. `lines`: its chat, oldest first."""

    id: RoomId
    game: str
    private: bool
    made_by: PlayerId
    opened_at: int
    state: str | None
    lines: list[StoredLine]


class StoredSeat(Row, frozen=True):
    """The player in a seat, with the name at the time. `before` and `after`: the rating, as shown,
    if the match counted for theirs."""

    seat: int
    player_id: PlayerId
    name: str
    before: int | None = None
    after: int | None = None


class StoredRating(Row, frozen=True):
    """A player's rating at a game, as shown, and the matches that count for it."""

    game: str
    rating: int
    matches: int
    wins: int


class StoredRecord(Row, frozen=True):
    """A player's best score in matches that they played alone."""

    game: str
    score: float
    match_id: MatchId
    at: int


class StoredStanding(Row, frozen=True):
    """A player in the standings of a game. `gained`, `matches` and `wins` are of the week, if the
    standings are; otherwise `gained` is None."""

    player_id: PlayerId
    name: str
    rating: int
    gained: int | None
    matches: int
    wins: int


class StoredMatch(Row, frozen=True):
    """A finished match; its fields are those of `MatchRow`."""

    id: MatchId
    room_id: RoomId
    game: str
    started_at: int
    ended_at: int
    lasted: int | None
    steps: int | None
    reason: str
    winners: list[int]
    scores: list[float] | None
    ended_by: int | None
    seed: str
    players: list[StoredSeat]


class StoredMatches(Row, frozen=True):
    """A page of finished matches, newest first. `next`: the key (ended_at, id) after which the
    following page begins; None if there is none."""

    matches: list[StoredMatch]
    next: tuple[int, str] | None


class StoredMove(Row, frozen=True):
    """A move; its fields are those of `MoveRow`. `action` is decoded; `has_action` tells an action
    that is null from none."""

    step: int
    at: int
    seat: int
    has_action: bool
    action: Any
    event: str | None


class StoredMoves(Row, frozen=True):
    """A page of the moves of a match, in order. `next`: the step after which the following page
    begins; None if there is none."""

    moves: list[StoredMove]
    next: int | None


class CutShort(Row, frozen=True):
    """A session whose end is stored, without the rest of its rows: a kill came between."""

    session: StoredSession
    ending: Ending


class LastProcess(Row, frozen=True):
    """What the last process left. `killed_since`: the instant of its start if it did not stop in
    order. `cut_short`: in the order of their ends."""

    sessions: list[StoredSession]
    rooms: list[StoredRoom]
    cut_short: list[CutShort]
    killed_since: int | None
