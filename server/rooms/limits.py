"""The limits of rooms. SECURITY.md publishes these numbers, docs/rooms.md the rules."""

import msgspec

from server.base.rates import Quota


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on rooms, seats, quick match, pulse checks and chat. Times are in seconds."""

    rooms: int = 5000
    """Open rooms, in all."""

    rooms_per_maker: int = 3
    """Open rooms made by one player."""

    rooms_crowded: int = 2500
    """Open rooms, in all, from which on a player may open only one: otherwise few players could use
    up all rooms."""

    rooms_free_for_one: int = 16
    """Free rooms for each that the guests of one address may hold, and for each of its registered
    players, but for those who are established: see the budget. So few addresses never use up all
    rooms, and one has a sixteenth at the most."""

    wider_network: int = 2
    """How many times as many rooms players of a network may hold that is eight bits wider than an
    IPv6 /64, which counts as one address."""

    rooms_made: Quota = Quota(10, 60)
    """Rooms that one player may open: each leaves a row in the database."""

    searches: Quota = Quota(20, 60)
    """Quick match searches that one player may begin, or change the game of: each may open a
    room."""

    queue_pace: float = 0.5
    """Seconds between two rounds in which all who wait for a quick match are told how many they
    are."""

    waiting_while_full: int = 200
    """Players who may wait for a quick match while no room may be opened. Otherwise few wait."""

    missed: Quota = Quota(2, 600)
    """Seats kept by quick match to which a player may not come before others go first."""

    patience: float = 16.0
    """Seconds for which who came to theirs waits for others who do, before one of those who did not
    is good enough. Longer than `reserved_for`: by then a seat that is kept for nobody is free."""

    rooms_listed: int = 1000
    """Rooms in a list: the newest, of more than that those first in which somebody is active; it
    also has the total."""

    rooms_watched: int = 20
    """Rooms that one connection may be in, or watch."""

    rooms_watched_by_player: int = 60
    """Rooms that the connections of one player may be in, or watch, added up: each is sent all that
    happens there."""

    comings: Quota = Quota(120, 60)
    """How often one player may enter a room, or change their place in it: each is told to all who
    are there."""

    counted_keys: int = 50_000
    """Players that each limit on attempts keeps in memory."""

    reserved_for: float = 15.0
    """How long a seat is reserved for a player who has not entered the room yet."""

    gathering: float = 45.0
    """How long the host of a public room may wait for more players."""

    empty_after: float = 30.0
    """A room closes after being without seated players for so long."""

    vacant_after: float = 120.0
    """A room closes after nobody had a seat for so long in all, unless players have stayed for
    `idle_after` meanwhile: otherwise one who goes from room to room would keep several open."""

    deserted_after: float = 60.0
    """A room with a match closes after being without players of the match for so long."""

    idle_after: float = 300.0
    """A room without a match closes after its players were idle for so long."""

    between_pulses: float = 60.0
    """The time between two pulse checks of the same player."""

    thinking: float = 10.0
    """How long a player has the turn before a pulse check is allowed."""

    skip_after: float = 1.0
    """Until a player is skipped who said "be right back" in a game that does not wait, or until a
    bot replaces a player who is cut off."""

    least_brb: float = 1.0
    """The least "be right back" left with which a player may say it."""

    bot_after: float = 1.0
    """Until a bot makes its move, in games that do not tick, so that the others see it."""

    bot_patience: float = 2.0
    """How much longer than `Game.thinking` a match waits for a bot that thinks: then it plays as
    simple ones do."""

    hurry: float = 8.0
    """How many times as fast a match goes on, in games that tick, once only robots play."""

    ticks_at_once: int = 5
    """Ticks of one match in one call. A match further behind skips the time."""

    most_behind: float = 1.0
    """How far a match may be behind and still catch up."""

    restart_pause: float = 5.0
    """How long a match does not tick after a restart, so that its players can come back."""

    line_length: int = 300
    """Code points of a line of chat, without surrounding blanks."""

    longest_typed: int = 4
    """Times `line_length`: what is typed is parsed up to this length, blanks included."""

    error_length: int = 300
    """Characters of a game's exception in the closing of its room."""

    lines_kept: int = 50
    """Lines of chat that a room keeps."""

    lines: Quota = Quota(5, 5)
    """Lines of chat of one player in one room."""

    lines_of_player: Quota = Quota(20, 5)
    """Lines of chat of one player in all rooms: each is written, and told to all who are there."""

    lines_of_spectators: Quota = Quota(20, 10)
    """Lines of chat of all who have no seat in a room, together: a crowd must not push out what the
    players say. As many lines about joining and leaving."""

    arrivals: Quota = Quota(4, 30)
    """Lines about one player joining or leaving a room."""
