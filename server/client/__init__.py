"""A Python client of the protocol, for bots, tests and tools: see docs/python.md.

async with Client("http://127.0.0.1:8000") as client:
    await client.sign_in_as_guest("Ada")
    roster = await client.watch_lobby()
"""

from server.client.address import Address
from server.client.calls import Calls
from server.client.client import Client
from server.client.codec import Received, Unknown
from server.client.connection import Connection
from server.client.errors import (
    CallRefused,
    ClientClosed,
    ConnectionLost,
    Refused,
    RequestRefused,
    RoomClosed,
    SessionOver,
    StillHereError,
    Unreachable,
)
from server.client.limits import Limits
from server.client.link import State
from server.client.room import Room
from server.client.room_list import RoomListMirror
from server.client.rooms import Rooms
from server.client.roster import RosterMirror
from server.client.session import SessionState

__all__ = [
    "Address",
    "CallRefused",
    "Calls",
    "Client",
    "ClientClosed",
    "Connection",
    "ConnectionLost",
    "Limits",
    "Received",
    "Refused",
    "RequestRefused",
    "Room",
    "RoomClosed",
    "RoomListMirror",
    "Rooms",
    "RosterMirror",
    "SessionOver",
    "SessionState",
    "State",
    "StillHereError",
    "Unknown",
    "Unreachable",
]
