"""Every message, both ways: closed, tagged sets, parsed once at the edge."""

from typing import Annotated, Any, NewType, TypeAlias, get_args

import msgspec

from server.base.ids import ConnectionId, PlayerId, RoomId
from server.base.units import round_to_ms
from server.presence.status import Reason, Status
from server.wire.decoding import BROKEN, NotJson, what_is_wrong
from server.wire.views import PlayerView, PolicyView, SessionClocks

LARGEST_MESSAGE = 16 * 1024
"""Bytes a message of a client may have, as docs/protocol.md has it; more is closed with 1009. The
client goes by this; the server goes by `largest_message` of its transport, whose default it is."""

TopicName = NewType("TopicName", str)
LOBBY = TopicName("lobby")
ROOMS = TopicName("rooms")
ROOM = "room:"
"""What the topic of one room begins with; its id follows."""

LARGEST_ID = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

_LONGEST_WORD = 100
"""Characters of an id, a room and a game. This length and those below are the protocol's, as
docs/protocol.md has it, and no limits of a server, which takes `largest_message` in all."""

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
    """A message that may carry an `id`, which its `done` or its `error` has too."""

    id: _RequestId | msgspec.UnsetType | None = msgspec.UNSET


# What a client sends


class Ping(_Message, frozen=True, tag="ping"):
    """Activity: the idle clock starts anew. `id` comes back in the answer."""

    id: _PingId = msgspec.UNSET


class Hold(_Request, frozen=True, tag="hold"):
    """Busy without input: let the idle clock stand still for `seconds`. `away`: be right back."""

    seconds: Annotated[float, msgspec.Meta(gt=0)]
    why: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    away: bool = False


class Release(_Request, frozen=True, tag="release"):
    """End the hold."""


class Look(_Request, frozen=True, tag="look"):
    """How do I stand? No activity: what a page asks that was out of sight, or a socket that has
    been silent."""


class Watch(_Request, frozen=True, tag="watch"):
    """Tell me about a topic."""

    topic: str


class Unwatch(_Request, frozen=True, tag="unwatch"):
    """No more about a topic."""

    topic: str


_RoomName = Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)]


class Join(_Request, frozen=True, tag="join"):
    """Come into a room: to a seat, or to watch."""

    room: _RoomName
    seat: int | None = None
    spectate: bool = False


class Leave(_Request, frozen=True, tag="leave"):
    """Leave a room, on purpose."""

    room: _RoomName


class Start(_Request, frozen=True, tag="start"):
    """Begin the match."""

    room: _RoomName


class Act(_Request, frozen=True, tag="act"):
    """A game action: what may be in it, the game says."""

    room: _RoomName
    action: Any


class Say(_Request, frozen=True, tag="say"):
    """A line of chat."""

    room: _RoomName
    text: str


class QuickMatch(_Request, frozen=True, tag="quick_match"):
    """Look for others to play with, or no longer."""

    game: Annotated[str, msgspec.Meta(max_length=_LONGEST_WORD)] | None = None
    cancel: bool = False


class Claim(_Request, frozen=True, tag="claim"):
    """End a match that waits for somebody who has dropped out: `result` is win or draw."""

    room: _RoomName
    result: Annotated[str, msgspec.Meta(max_length=20)]


class Pulse(_Request, frozen=True, tag="pulse"):
    """Ask the player in `seat` whether they are there."""

    room: _RoomName
    seat: int


class Brb(_Request, frozen=True, tag="brb"):
    """Be right back, within `seconds`; 0: I am."""

    room: _RoomName
    seconds: Annotated[float, msgspec.Meta(ge=0)]


RoomRequest: TypeAlias = Join | Leave | Start | Act | Say | QuickMatch | Claim | Pulse | Brb
Request: TypeAlias = Hold | Release | Look | Watch | Unwatch | RoomRequest
ClientMessage: TypeAlias = Ping | Request


# What the server sends


class Warned(msgspec.Struct, frozen=True, gc=False):
    """A warning that stands when a tab connects."""

    expires_in: float
    reason: Reason


class Hello(_Message, frozen=True, tag="hello"):
    """The first message of every connection: a session view, and who is speaking.

    `warning` only where one stands; the same follows as a message of its own, so that a page
    needs one way of dealing with it.
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
    """A warned session became active again, in whichever tab."""

    expires_in: float


class SignedOut(_Message, frozen=True, tag="signed_out"):
    """The session is over; the socket is closed next."""

    reason: str
    detail: str


class Roster(_Message, frozen=True, tag="roster"):
    """Who is here: the whole of a topic, or the first of a large one; `total` counts all."""

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
    """The answer to `join`; without a seat: as a spectator."""

    room: RoomId
    seat: int | msgspec.UnsetType = msgspec.UNSET


class Left(_Message, frozen=True, tag="left"):
    """The answer to `leave`."""

    room: str


class Queued(_Message, frozen=True, tag="queued"):
    """How many look for somebody to play with; 0: no longer, for a `reason`."""

    waiting: int
    game: str | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET


class Matched(_Message, frozen=True, tag="matched"):
    """There is a room to play in, and a seat kept in it."""

    room: RoomId
    game: str
    expires_in: float


class PulseAsked(_Message, frozen=True, tag="pulse"):
    """Somebody asks whether you are there."""

    room: RoomId
    by: str
    expires_in: float


class RoomList(_Message, frozen=True, tag="rooms"):
    """The rooms that are not private: all, or the first of many; `total` counts all."""

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
    """A room, as the receiver may see it."""

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
    """The room is no more."""

    topic: TopicName
    reason: str
    detail: str


class Done(_Message, frozen=True, tag="done"):
    """What the message with this `id` asked for is done; only for a message that has one."""

    id: _RequestId


class Error(_Message, frozen=True, tag="error"):
    """A message was refused; `re` is its type, `id` its id. The connection stays."""

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
"""Characters of a type that is not known, in the `error` that says so: those known have fewer."""

_TYPES = {str(each.__struct_config__.tag) for each in get_args(ClientMessage)}


def encode(message: ServerMessage) -> str:
    """The text frame of a message."""
    return _encoder.encode(message).decode()


def encode_request(message: ClientMessage) -> str:
    """The text frame of a message from a client."""
    return _encoder.encode(message).decode()


def encode_pong(expires_in: float, id: _PingId) -> str:
    """The answer to a `ping`: `encode`, but for the steps in between."""
    return _encoder.encode(Pong(round_to_ms(expires_in), id)).decode()


def parse(text: str) -> ClientMessage | Error:
    """The message in a text frame; the `Error` to answer with if it is none."""
    try:
        message: ClientMessage = _decoder.decode(text)
    except BROKEN as error:
        wrong = what_is_wrong(text, error)
        if isinstance(wrong, NotJson):
            return Error("bad_json", f"This is not JSON: {wrong.why}.")
        return _refusal(wrong.value, wrong.why)
    return message


def _refusal(message: Any, why: str) -> Error:
    """The answer to JSON that is none of the messages."""
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
    """The `id` of a message that is refused; UNSET if it has none, or none that is allowed."""
    try:
        id: _RequestId = msgspec.convert(message["id"], _RequestId)
    except (KeyError, msgspec.ValidationError):
        return msgspec.UNSET
    return id
