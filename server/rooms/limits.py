"""What rooms allow, in one place. SECURITY.md publishes these numbers, docs/rooms.md the rules."""

import msgspec

from server.base.limits import Quota


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on rooms, seats, quick match, pulse checks and chat. Times are in seconds."""

    rooms: int = 5000
    """Rooms that are open at a time, in all."""

    rooms_per_maker: int = 3
    """Rooms of one player's making that are open at a time."""

    rooms_made: Quota = Quota(10, 60)
    """Rooms that one player may open: each is a row in the database, for ever."""

    searches: Quota = Quota(20, 60)
    """Times that one player may begin to look for others: each may be a room as well."""

    rooms_listed: int = 1000
    """Rooms that a list names, the newest; it has the number of all."""

    rooms_watched: int = 20
    """Rooms that one connection may be in, or watch, at a time."""

    counted_keys: int = 50_000
    """Players that each window of attempts remembers."""

    reserved_for: float = 15.0
    """How long a seat is kept for a player who has yet to come into the room."""

    gathering: float = 45.0
    """How long a host may wait for more players, in a room that is not private."""

    empty_after: float = 30.0
    """A room closes when nobody seated has been in it for so long."""

    deserted_after: float = 60.0
    """A room with a match closes when no player of the match has been in it for so long."""

    idle_after: float = 300.0
    """A room without a match closes when its players were there and did nothing for so long."""

    between_pulses: float = 60.0
    """The time between two pulse checks of the same player."""

    thinking: float = 10.0
    """How long a player has the turn before a pulse check of them is allowed."""

    skip_after: float = 1.0
    """Until a player is skipped who said "be right back", in a game that does not wait, or for whom
    a bot plays and who is cut off."""

    least_brb: float = 1.0
    """What has to be left of a player's "be right back" for them to say it."""

    bot_after: float = 1.0
    """Until a bot makes its move, in games that do not tick."""

    ticks_at_once: int = 5
    """Ticks of one match in one call. A match that is further behind goes on from the present."""

    most_behind: float = 1.0
    """How far a match may be behind, and still make up for it."""

    restart_pause: float = 5.0
    """How long a match does not tick after a restart: its players have to come back."""

    line_length: int = 300
    """Code points of a line of chat, without blanks around them."""

    error_length: int = 300
    """Characters of what a game raised that the end of its room tells."""

    lines_kept: int = 50
    """Lines of chat that a room keeps."""

    lines: Quota = Quota(5, 5)
    """Lines of chat of one player in one room."""

    arrivals: Quota = Quota(4, 30)
    """Lines of a room that say of one player that they joined or left."""
