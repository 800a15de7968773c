"""A room as one JSON document: all that the next process needs to restore it.

It does not contain what belongs to connections: after a restart players are absent, there are no
spectators and no pulse checks. It does not contain clocks either, since each starts anew in full;
of a budget, the seconds left are stored. Its chat is stored apart from it, line by line.
"""

from collections.abc import Iterable, Mapping

import msgspec

from server.base.decoding import BROKEN
from server.base.ids import MatchId, PlayerId
from server.base.units import LONG_AGO, NEVER
from server.games.game import Outcome
from server.presence.session import Player
from server.rooms.chat import Chat, Line
from server.rooms.match import Match
from server.rooms.reading import ReadableMatch, ReadableRoom, ReadableSeat
from server.rooms.robots import ROBOTS
from server.rooms.room import Room
from server.rooms.seat import SeatState


class NotRestorable(Exception):
    """A room cannot be restored; `str()` says why."""


class _Player(msgspec.Struct):
    id: PlayerId
    name: str
    sort_key: str
    guest: bool


class _Seat(msgspec.Struct, omit_defaults=True):
    """`back_in`, `resigns_in`: seconds left."""

    player: _Player | None = None
    views_as: int | None = None
    plays: bool = False
    is_gone: bool = False
    is_bot: bool = False
    has_left: bool = False
    wants_more: bool = False
    skipped: int = 0
    brb_left: float = 0.0
    back_in: float = 0.0
    resigns_in: float | None = None


class _Match(msgspec.Struct, omit_defaults=True):
    """`time`: match seconds, at the end if it ended. `state`: the game's, as MessagePack, which
    supports infinities and bytes."""

    id: MatchId
    seed: str
    number: int
    players: tuple[tuple[PlayerId, str], ...]
    time: float
    step: int
    state: bytes
    outcome: Outcome | None = None
    ended_by: int | None = None


class _Room(msgspec.Struct, omit_defaults=True):
    seats: list[_Seat]
    host: PlayerId | None = None
    match: _Match | None = None
    is_alone: bool = False


def write_room(room: ReadableRoom, now: float) -> str:
    """Return the document of a room, as it is at the presence instant `now`. Raises what msgspec
    raises for a state it cannot encode.

    Takes some 20 us, plus the encoding of the game's state.
    """
    document = _Room(
        [_write_seat(seat, now) for seat in room.seats],
        room.host,
        None if room.match is None else _write_match(room.match, now),
        room.is_alone,
    )
    return msgspec.json.encode(document).decode()


def digest_of(room: ReadableRoom) -> int | None:
    """Return a number that is the same as long as the document of a room says the same, but for the
    time. None while a match is running: its time goes on."""
    return None if room.running is not None else hash(write_room(room, 0.0))


def read_room(
    text: str,
    room: Room,
    players: Mapping[PlayerId, Player],
    lines: Iterable[Line],
    now: float,
) -> None:
    """Restore `room`, which is new, from a document, and its chat from its lines. `players` are
    those with a session.

    Raises NotRestorable; the room must not be used then.
    """
    try:
        document = msgspec.json.decode(text, type=_Room)
        if len(document.seats) != len(room.seats):
            raise NotRestorable(f"it has {len(document.seats)} seats, its game {len(room.seats)}")
        for seat, written in zip(room.seats, document.seats, strict=True):
            _read_seat(seat, written, players, now)
        match = None if document.match is None else _read_match(document.match, room, now)
        room.restore(document.host, Chat(room.limits, lines), match, is_alone=document.is_alone)
    except BROKEN as error:
        raise NotRestorable(str(error)) from error


def _write_seat(seat: ReadableSeat, now: float) -> _Seat:
    player = seat.player
    return _Seat(
        None if player is None else _Player(player.id, player.name, player.sort_key, player.guest),
        seat.views_as,
        seat.plays,
        seat.is_gone,
        seat.is_bot,
        seat.has_left,
        seat.wants_more,
        seat.skipped,
        seat.brb_left,
        seat.brb_for(now),
        max(seat.resigns_at - now, 0.0) if seat.is_leaving else None,
    )


def _read_seat(
    seat: SeatState, written: _Seat, players: Mapping[PlayerId, Player], now: float
) -> None:
    player = written.player
    seat.restore(
        None
        if player is None
        else ROBOTS.get(player.id)
        or players.get(player.id)
        or Player(player.id, player.name, player.sort_key, guest=player.guest),
        views_as=written.views_as,
        plays=written.plays,
        is_gone=written.is_gone,
        is_bot=written.is_bot,
        has_left=written.has_left,
        wants_more=written.wants_more,
        skipped=written.skipped,
        brb_left=written.brb_left,
        brb_until=now + written.back_in if written.back_in > 0 else LONG_AGO,
        resigns_at=NEVER if written.resigns_in is None else now + written.resigns_in,
    )


def _write_match(match: ReadableMatch, now: float) -> _Match:
    return _Match(
        match.id,
        match.seed,
        match.ordinal,
        match.players,
        match.time(now if match.outcome is None else match.ended_at),
        match.step,
        msgspec.msgpack.encode(match.state),
        match.outcome,
        match.ended_by,
    )


def _read_match(written: _Match, room: Room, now: float) -> Match:
    if len(written.players) > len(room.seats):
        raise NotRestorable(f"{len(written.players)} play, and there are {len(room.seats)} seats")
    match = Match(
        written.id,
        written.seed,
        written.number,
        room.game,
        room.seats,
        written.players,
        now,
        room.limits,
    )
    match.restore(
        written.time,
        written.step,
        msgspec.msgpack.decode(written.state, type=room.game.state),
        written.outcome,
        written.ended_by,
        now,
    )
    return match
