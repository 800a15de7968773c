"""Views of a room: JSON, as docs/rooms.md specifies it.

A view does not change as time passes: deadlines are instants, as `Until`. So two views can be
compared, and only the difference is sent; `in_seconds` replaces the instants by seconds when a
message is written.
"""

from collections.abc import Mapping
from typing import Any

from server.base.ids import PlayerId
from server.base.units import NEVER, round_to_ms
from server.games.game import Until, View
from server.rooms.reading import ReadableMatch, ReadableRoom, ReadableSeat
from server.rooms.robots import ROBOTS


def room_view(room: ReadableRoom, now: float) -> View:
    """Return the room object without `match.view`, which depends on the seat."""
    view: View = {
        "id": room.id,
        "game": room.game.name,
        "private": room.is_private,
        "state": room.state,
        "spectators": len(room.spectators),
        "seats": {
            str(number): _seat_view(room, seat, now) for number, seat in enumerate(room.seats)
        },
    }
    if room.host is not None:
        view["host"] = room.host
    if room.starts_at() != NEVER:
        view["starts_in"] = Until(room.starts_at())
    if room.closes_at() != NEVER:
        view["closes_in"] = Until(room.closes_at())
    if room.match is not None:
        view["match"] = _match_view(room, room.match)
    return view


def listing(room: ReadableRoom) -> View:
    """Return the entry of a room in the list of rooms."""
    view: View = {
        "id": room.id,
        "game": room.game.name,
        "state": room.state,
        "players": [player_view(player.id, player.name) for _, _, player in room.taken()],
        "free": room.free,
        "spectators": len(room.spectators),
        "private": room.is_private,
    }
    for _, _, player in room.taken():
        if player.id == room.host:
            view["host"] = {"id": player.id, "name": player.name}
    return view


def player_view(id: PlayerId, name: str) -> View:
    """Return a player, as in all lists of players."""
    view: View = {"id": id, "name": name}
    robot = ROBOTS.get(id)
    if robot is not None:
        view |= {"bot": True, "level": robot.level}
    return view


def patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> View:
    """Return the JSON merge patch (RFC 7396) from `before` to `after`, which must not contain
    nulls."""
    changes: View = {}
    for key in before.keys() - after.keys():
        changes[key] = None
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = patch(old, value)
            if inner:
                changes[key] = inner
        elif value != old:
            changes[key] = value
    return changes


def in_seconds(view: Mapping[str, Any], now: float) -> View:
    """Return a copy of `view` with every instant replaced by the seconds left at `now`; for the
    view of a game, `now` is match time."""
    copy: View = {}
    for key, value in view.items():
        if isinstance(value, dict):
            copy[key] = in_seconds(value, now)
        elif type(value) is Until:
            copy[key] = round_to_ms(max(value - now, 0.0))
        else:
            copy[key] = value
    return copy


def seat_for(room: ReadableRoom, player_id: PlayerId) -> int | None:
    """Return the seat whose view of the match a player gets: the one they play, or played, it
    in."""
    number = room.seat_of(player_id)
    return None if number is None or room.match is None else room.seats[number].views_as


def _seat_view(room: ReadableRoom, seat: ReadableSeat, now: float) -> View:
    player = seat.player
    if player is None:
        return {}
    view: View = {
        "player": player_view(player.id, player.name) | {"guest": player.guest},
        "status": str(player.status),
    }
    if seat.is_reserved:
        view["reserved_in"] = Until(seat.reserved_until)
    if seat.signs_out_at != NEVER:
        view["signs_out_in"] = Until(seat.signs_out_at)
    match = room.match
    if seat.wants_more and room.state == "over":
        view["wants_more"] = True
    if match is None or not seat.plays:
        return view
    for name, is_so in (("bot", seat.is_bot), ("gone", seat.is_gone)):
        if is_so:
            view[name] = True
    if seat.skipped:
        view["skipped"] = seat.skipped
    if room.running is None or seat.is_gone or seat.is_robot:
        return view
    view["brb_left"] = int(seat.brb_left)
    if seat.brb_for(now):
        view["back_in"] = Until(seat.brb_until)
    if seat.clock_shown_at(room.game.policy, is_ticking=match.is_ticking) <= now:
        view["move_in"] = Until(seat.runs_out_at)
    if seat.is_asked:
        view["asked"] = {"by": seat.asked_by, "expires_in": Until(seat.asked_until)}
    absent = _absence(room, seat, now)
    if absent is not None:
        view["absent"] = absent
    return view


def _absence(room: ReadableRoom, seat: ReadableSeat, now: float) -> View | None:
    """Return the `absent` of a seat; None if it is not shown yet, or the match does not wait for
    the player."""
    if now < seat.absence_shown_at(room.game.policy):
        return None
    if not (seat.is_waited_for or seat.is_leaving):
        return None
    absent: View = {}
    if seat.has_left:
        absent["left"] = True
    if seat.is_leaving:
        absent["resigns_in"] = Until(seat.resigns_at)
    claimable_at = room.claimable_at()
    if claimable_at != NEVER:
        # 0 is sent when the time has come, so that a page need not rely on its own clock.
        absent["claim_in"] = Until(claimable_at) if now < claimable_at else 0
    return absent


def _match_view(room: ReadableRoom, match: ReadableMatch) -> View:
    players = [player_view(id, name) for id, name in match.players]
    view: View = {"id": match.id, "number": match.ordinal, "players": players}
    outcome = match.outcome
    if outcome is None:
        view["waits_for"] = list(match.waits_for)
        if match.is_ticking and match.is_hurried:
            view["hurried"] = True
        return view
    ending: View = {"winners": list(outcome.winners), "reason": outcome.reason}
    if outcome.scores is not None:
        ending["scores"] = list(outcome.scores)
    if match.ended_by is not None:
        ending["by"] = match.ended_by
    view["outcome"] = ending
    return view
