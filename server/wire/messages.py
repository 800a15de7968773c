"""All messages, both ways: closed, tagged sets, parsed once at the edge."""

from typing import Annotated, Any, NewType, TypeAlias, get_args

import msgspec

from server.base.decoding import BROKEN
from server.base.ids import ConnectionId, PlayerId, RoomId
from server.base.units import round_to_ms
from server.presence.status import Reason, Status
from server.wire.decoding import NotJson, what_is_wrong
from server.wire.views import PlayerView, PolicyView, SessionClocks

LARGEST_MESSAGE = 16 * 1024
"""Bytes of a client's message, as in docs/protocol.md; longer ones are closed with 1009. The client
uses this number; in the server it is the default of `largest_message`."""

TopicName = NewType("TopicName", str)
LOBBY = TopicName("lobby")
ROOMS = TopicName("rooms")
ROOM = "room:"
"""Prefix of the topic of a room; its id follows."""

LARGEST_ID = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

_LONGEST_WORD = 100
"""Characters of an id, a room and a game. This length and those below are part of the protocol
(docs/protocol.md) and not configurable, unlike `largest_message`."""

_RequestId: TypeAlias = (
    Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)]
    | Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
)

_PingId: TypeAlias = (
    Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)] | int | float | msgspec.UnsetType | None
)


class _Message(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    pass


class _Request(_Message, frozen=True, kw_only=True):
    """A message that may carry an `id`, which its `done` or `error` repeats."""

    id: _RequestId | msgspec.UnsetType | None = msgspec.UNSET


# Messages of clients


class Ping(_Message, frozen=True, tag="ping"):
    """Activity: restart the idle clock. The answer repeats `id`."""

    id: _PingId = msgspec.UNSET


class Hold(_Request, frozen=True, tag="hold"):
    """Stop the idle clock for `seconds`, for one who is busy without input. `away`: "be right
    back"."""

    seconds: Annotated[float, msgspec.Meta(gt=0)]
    why: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    away: bool = False


class Release(_Request, frozen=True, tag="release"):
    """End the hold."""


class Look(_Request, frozen=True, tag="look"):
    """Ask for the session view. This is no activity: pages send it after they were hidden, or after
    the socket has been silent."""


class Watch(_Request, frozen=True, tag="watch"):
    """Subscribe to a topic."""

    topic: str


class Unwatch(_Request, frozen=True, tag="unwatch"):
    """Unsubscribe from a topic."""

    topic: str


_RoomName = Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)]


class Join(_Request, frozen=True, tag="join"):
    """Enter a room, to take a seat or to watch."""

    room: _RoomName
    seat: int | None = None
    spectate: bool = False


class Leave(_Request, frozen=True, tag="leave"):
    """Leave a room."""

    room: _RoomName


class Start(_Request, frozen=True, tag="start"):
    """Begin the match."""

    room: _RoomName


class Act(_Request, frozen=True, tag="act"):
    """A game action, of a shape that the game defines."""

    room: _RoomName
    action: Any


class Say(_Request, frozen=True, tag="say"):
    """A line of chat."""

    room: _RoomName
    text: str


class QuickMatch(_Request, frozen=True, tag="quick_match"):
    """Look for other players, or cancel that."""

    game: Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)] | None = None
    cancel: bool = False


class Claim(_Request, frozen=True, tag="claim"):
    """End a match that waits for a player who dropped out: `result` is win or draw."""

    room: _RoomName
    result: Annotated[str, msgspec.Meta(max_length=20)]


class Pulse(_Request, frozen=True, tag="pulse"):
    """Ask the player in `seat` whether they are there."""

    room: _RoomName
    seat: int


class Brb(_Request, frozen=True, tag="brb"):
    """Say "be right back" within `seconds`; 0: back again."""

    room: _RoomName
    seconds: Annotated[float, msgspec.Meta(ge=0)]


RoomRequest: TypeAlias = Join | Leave | Start | Act | Say | QuickMatch | Claim | Pulse | Brb
Request: TypeAlias = Hold | Release | Look | Watch | Unwatch | RoomRequest
ClientMessage: TypeAlias = Ping | Request


# Messages of the server


class Warned(msgspec.Struct, frozen=True, gc=False):
    """A standing warning when a tab connects."""

    expires_in: float
    reason: Reason


class Hello(_Message, frozen=True, tag="hello"):
    """The first message of every connection: a session view, and this server and connection.

    `warning` is there only if one stands; it also follows as a message of its own, so that a client
    can handle all warnings alike.
    """

    player: PlayerView
    session: SessionClocks
    policy: PolicyView
    server_version: str
    connection_id: ConnectionId
    warning: Warned | msgspec.UnsetType = msgspec.UNSET


class Pong(_Message, frozen=True, tag="pong"):
    """The answer to `ping`."""

    expires_in: float
    id: _PingId = msgspec.UNSET


class Held(_Message, frozen=True, tag="held"):
    """The answer to `hold`, with the seconds granted, and to `release`, with 0."""

    seconds: float
    expires_in: float


class SessionNow(_Message, frozen=True, tag="session"):
    """The answer to `look`: the session view."""

    player: PlayerView
    session: SessionClocks
    policy: PolicyView


class Warning_(_Message, frozen=True, tag="warning"):  # noqa: N801 - `Warning` is a builtin
    """The session is about to end for `reason`."""

    expires_in: float
    reason: Reason


class Extended(_Message, frozen=True, tag="extended"):
    """A warned session became active again, in any tab."""

    expires_in: float


class SignedOut(_Message, frozen=True, tag="signed_out"):
    """The session ended; the socket is closed next."""

    reason: str
    detail: str


class Roster(_Message, frozen=True, tag="roster"):
    """The players who are here: all, or the first of many; `total` counts all."""

    topic: TopicName
    version: int
    players: list[PlayerView]
    total: int


class ChangedPlayer(msgspec.Struct, frozen=True, gc=False):
    id: PlayerId
    status: Status
    idle_for: float | msgspec.UnsetType = msgspec.UNSET


class Presence(_Message, frozen=True, tag="presence"):
    """What changed in a topic since `version - 1`."""

    topic: TopicName
    version: int
    joined: list[PlayerView]
    changed: list[ChangedPlayer]
    left: list[PlayerId]
    total: int


class Joined(_Message, frozen=True, tag="joined"):
    """The answer to `join`; without a seat for a spectator."""

    room: RoomId
    seat: int | msgspec.UnsetType = msgspec.UNSET


class Left(_Message, frozen=True, tag="left"):
    """The answer to `leave`."""

    room: str


class Queued(_Message, frozen=True, tag="queued"):
    """How many players look for others; 0 if this one no longer does, for `reason`."""

    waiting: int
    game: str | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET


class Matched(_Message, frozen=True, tag="matched"):
    """A room was found, with a reserved seat."""

    room: RoomId
    game: str
    expires_in: float


class PulseAsked(_Message, frozen=True, tag="pulse"):
    """Another player asks whether this one is there."""

    room: RoomId
    by: str
    expires_in: float


class RoomList(_Message, frozen=True, tag="rooms"):
    """The public rooms: all, or the first of many; `total` counts all."""

    topic: TopicName
    version: int
    rooms: list[dict[str, Any]]
    total: int


class RoomListChanged(_Message, frozen=True, tag="rooms_changed"):
    """What changed in the list since `version - 1`."""

    topic: TopicName
    version: int
    opened: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    closed: list[RoomId]
    total: int


class RoomNow(_Message, frozen=True, tag="room"):
    """A room as the recipient may see it."""

    topic: TopicName
    version: int
    room: dict[str, Any]
    chat: list[dict[str, Any]]
    seat: int | msgspec.UnsetType = msgspec.UNSET


class RoomChanged(_Message, frozen=True, tag="room_changed"):
    """What changed in a room since `version - 1`: merge patches, or the game's own diff."""

    topic: TopicName
    version: int
    room: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    view: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Said(_Message, frozen=True, tag="said"):
    """One more line of chat."""

    topic: TopicName
    version: int
    line: dict[str, Any]


class RoomGone(_Message, frozen=True, tag="room_closed"):
    """The room closed."""

    topic: TopicName
    reason: str
    detail: str


class Done(_Message, frozen=True, tag="done"):
    """The request with this `id` is done; only for a request that has one."""

    id: _RequestId


class Error(_Message, frozen=True, tag="error"):
    """A message was refused; `re` is its type, `id` its id. The connection stays open."""

    code: str
    detail: str
    re: str | msgspec.UnsetType = msgspec.UNSET
    id: _RequestId | msgspec.UnsetType = msgspec.UNSET


RoomMessage: TypeAlias = (
    Joined
    | Left
    | Queued
    | Matched
    | PulseAsked
    | RoomList
    | RoomListChanged
    | RoomNow
    | RoomChanged
    | Said
    | RoomGone
)
ServerMessage: TypeAlias = (
    Hello
    | Pong
    | Held
    | SessionNow
    | Warning_
    | Extended
    | SignedOut
    | Roster
    | Presence
    | RoomMessage
    | Done
    | Error
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ClientMessage)
_LONGEST_TYPE = 50
"""Characters of an unknown type that its `error` repeats; known types are shorter."""

_TYPES = {str(each.__struct_config__.tag) for each in get_args(ClientMessage)}


def encode(message: ServerMessage) -> str:
    """Return the text frame of a message."""
    return _encoder.encode(message).decode()


def encode_request(message: ClientMessage) -> str:
    """Return the text frame of a client's message."""
    return _encoder.encode(message).decode()


def encode_pong(expires_in: float, id: _PingId) -> str:
    """Return the text frame of the answer to a `ping`."""
    return _encoder.encode(Pong(round_to_ms(expires_in), id)).decode()


def parse(text: str) -> ClientMessage | Error:
    """Parse a text frame; return the `Error` to answer if it is not a message."""
    try:
        message: ClientMessage = _decoder.decode(text)
    except BROKEN as error:
        wrong = what_is_wrong(text, error)
        if isinstance(wrong, NotJson):
            return Error("bad_json", f"This is not JSON: {wrong.why}.")
        return _refusal(wrong.value, wrong.why)
    return message


def _refusal(message: Any, why: str) -> Error:
    """Return the answer to JSON that is not a message."""
    if message is msgspec.UNSET:
        return Error("invalid", f"{why}.")
    if not isinstance(message, dict):
        return Error("invalid", "A message is a JSON object with a `type`.")
    type_ = message.get("type")
    if not isinstance(type_, str):
        detail = "A message needs a `type`, which is a string."
        return Error("invalid", detail, id=_request_id(message))
    if type_ not in _TYPES:
        detail = f"There is no message of type {type_[:_LONGEST_TYPE]!r}."
        return Error("unknown_type", detail, type_[:_LONGEST_TYPE], _request_id(message))
    if type_ == "ping":
        return Error("invalid", f"{why}.", type_)
    if why.endswith("`$.id`"):
        why = (
            f"An `id` is a string of at most {_LONGEST_WORD} characters, "
            f"or an integer from 0 to {LARGEST_ID}"
        )
    return Error("invalid", f"{why}.", type_, _request_id(message))


def _request_id(message: dict[str, Any]) -> _RequestId | msgspec.UnsetType:
    """Return the `id` of a refused message; UNSET if it has no valid one."""
    try:
        id: _RequestId = msgspec.convert(message["id"], _RequestId)
    except (KeyError, msgspec.ValidationError):
        return msgspec.UNSET
    return id
