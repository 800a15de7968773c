"""The rows of one transaction."""

from dataclasses import dataclass, field
from typing import assert_never

from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.storage.rows import (
    BootRow,
    BotRow,
    ChangeRow,
    Ending,
    Lasting,
    LineRow,
    LookalikeRow,
    LostRoom,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    PasswordRow,
    PlayerRow,
    PlayerStateRow,
    Replacing,
    RoomRow,
    SessionRow,
    SessionStateRow,
)


@dataclass(slots=True)
class Batch:
    """Rows in the order of their tables' references.

    Of the state of a player, password, session, room or match only the latest is kept, and of the
    lines of chat those that a room keeps; changes and
    moves are all kept, in order. `freed_names`: guests whose names may be taken again;
    `removed_players`: players who never had a session; `stops`: the instant at which the writing
    process stops in order.
    """

    boots: list[BootRow] = field(default_factory=list)
    players: list[PlayerRow] = field(default_factory=list)
    bots: dict[PlayerId, BotRow] = field(default_factory=dict)
    lookalikes: list[LookalikeRow] = field(default_factory=list)
    passwords: dict[PlayerId, PasswordRow] = field(default_factory=dict)
    sessions: list[SessionRow] = field(default_factory=list)
    changes: list[ChangeRow] = field(default_factory=list)
    player_states: dict[PlayerId, PlayerStateRow] = field(default_factory=dict)
    session_states: dict[SessionId, SessionStateRow] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    freed_names: list[PlayerId] = field(default_factory=list)
    removed_players: list[PlayerId] = field(default_factory=list)
    rooms: dict[RoomId, RoomRow] = field(default_factory=dict)
    lines: dict[tuple[RoomId, int], LineRow] = field(default_factory=dict)
    matches: dict[MatchId, MatchRow] = field(default_factory=dict)
    match_players: dict[tuple[MatchId, int], MatchPlayerRow] = field(default_factory=dict)
    moves: list[MoveRow] = field(default_factory=list)
    lost_rooms: list[LostRoom] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)

    @property
    def is_promised(self) -> bool:
        """True if callers wait for some of the rows before they answer."""
        return bool(self.players or self.passwords or self.sessions or self.endings)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(len(getattr(self, name)) for name in self.__slots__)

    def add(self, row: Lasting) -> None:
        """Add a row that takes more of the disk."""
        # As in `price`.
        if type(row) is ChangeRow:
            self.changes.append(row)
        elif type(row) is MoveRow:
            self.moves.append(row)
        elif type(row) is SessionRow:
            self.sessions.append(row)
        elif type(row) is PlayerRow:
            self.players.append(row)
        elif type(row) is LookalikeRow:
            self.lookalikes.append(row)
        else:
            self.replace(row)

    def replace(self, row: Replacing) -> None:
        """Add a row in place of the one before, if there is one."""
        if type(row) is MatchPlayerRow:
            self.match_players[row.match_id, row.seat] = row
        elif type(row) is MatchRow:
            self.matches[row.id] = row
        elif type(row) is RoomRow:
            self.rooms[row.id] = row
        elif type(row) is LineRow:
            self.lines[row.room_id, row.place] = row
        elif type(row) is PasswordRow:
            self.passwords[row.id] = row
        elif type(row) is BotRow:
            self.bots[row.id] = row
        elif type(row) is LostRoom:
            self.lost_rooms.append(row)
        else:
            assert_never(row)

    def extend(self, later: "Batch") -> None:
        """Append what was queued after this batch was taken."""
        for name in self.__slots__:
            mine, new = getattr(self, name), getattr(later, name)
            if isinstance(mine, dict):
                mine.update(new)
            else:
                mine.extend(new)
