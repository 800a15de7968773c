"""Errors of rooms under test."""

from server.rooms.errors import GameFailed
from server.rooms.room import Room


def raise_bug(error: Exception, room: Room) -> None:
    """Raise what is no error of a game."""
    if not isinstance(error, GameFailed):
        raise error
