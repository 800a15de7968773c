"""Every message, both ways: closed, tagged sets, parsed once at the edge."""

from typing import Annotated, Any, NewType, TypeAlias

import msgspec

from server.ids import ConnectionId, PlayerId
from server.presence.status import Reason, Status
from server.views import PlayerView, PolicyView, SessionClocks, to_milliseconds

LARGEST_MESSAGE = 16 * 1024
"""Bytes a message may have; more is closed with 1009."""

Topic = NewType("Topic", str)
LOBBY = Topic("lobby")

_PingId: TypeAlias = (
    Annotated[str, msgspec.Meta(max_length=100)] | int | float | msgspec.UnsetType | None
)


class _Message(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    pass


# What a client sends


class Ping(_Message, frozen=True, tag="ping"):
    """Activity: the idle clock starts anew. `id` comes back in the answer."""

    id: _PingId = msgspec.UNSET


class Hold(_Message, frozen=True, tag="hold"):
    """Busy without input: let the idle clock stand still for `seconds`. `away`: be right back."""

    seconds: Annotated[float, msgspec.Meta(gt=0)]
    why: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    away: bool = False


class Release(_Message, frozen=True, tag="release"):
    """End the hold."""


class Look(_Message, frozen=True, tag="look"):
    """How do I stand? No activity: what a page asks that was out of sight, or a socket that has
    been silent."""


class Watch(_Message, frozen=True, tag="watch"):
    """Tell me about a topic."""

    topic: str


class Unwatch(_Message, frozen=True, tag="unwatch"):
    """No more about a topic."""

    topic: str


Request: TypeAlias = Hold | Release | Look | Watch | Unwatch
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

    reason: Reason | str
    detail: str


class Roster(_Message, frozen=True, tag="roster"):
    """Who is here: the whole of a topic, or the first of a large one; `total` counts all."""

    topic: Topic
    version: int
    players: list[PlayerView]
    total: int


class ChangedPlayer(msgspec.Struct, frozen=True, gc=False):
    id: PlayerId
    status: Status
    idle_for: float | msgspec.UnsetType = msgspec.UNSET


class Presence(_Message, frozen=True, tag="presence"):
    """What changed in a topic since `version - 1`."""

    topic: Topic
    version: int
    joined: list[PlayerView]
    changed: list[ChangedPlayer]
    left: list[PlayerId]
    total: int


class Error(_Message, frozen=True, tag="error"):
    """A message was refused; `re` is its type. The connection stays."""

    code: str
    detail: str
    re: str | msgspec.UnsetType = msgspec.UNSET


ServerMessage: TypeAlias = (
    Hello | Pong | Held | SessionNow | Warning_ | Extended | SignedOut | Roster | Presence | Error
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ClientMessage)
# RecursionError is what deep nesting ends in, UnicodeError what a lone surrogate does.
_BROKEN = (msgspec.DecodeError, RecursionError, UnicodeError)
_TYPES = {"ping", "hold", "release", "look", "watch", "unwatch"}


def encode(message: ServerMessage) -> str:
    """The text frame of a message."""
    return _encoder.encode(message).decode()


def encode_pong(expires_in: float, id: _PingId) -> str:
    """The answer to a `ping`: `encode`, but for the steps in between."""
    return _encoder.encode(Pong(to_milliseconds(expires_in), id)).decode()


def parse(text: str) -> ClientMessage | Error:
    """What a client said; an `Error`, to be sent back, if that was nothing we know."""
    try:
        message: ClientMessage = _decoder.decode(text)
    except msgspec.ValidationError as error:
        return _refusal(text, str(error))
    except _BROKEN as error:
        return _bad_json(error)
    return message


def _bad_json(error: Exception) -> Error:
    return Error("bad_json", f"This is not JSON: {error}.")


def _refusal(text: str, why: str) -> Error:
    """What to say to a message that is none of ours; only here is it decoded a second time."""
    try:
        message: Any = msgspec.json.decode(text)
    except msgspec.ValidationError:
        return Error("invalid", f"{why}.")  # JSON, with a number that no float can hold
    except _BROKEN as error:
        return _bad_json(error)
    if not isinstance(message, dict):
        return Error("invalid", "A message is a JSON object with a `type`.")
    type_ = message.get("type")
    if not isinstance(type_, str):
        return Error("invalid", "A message needs a `type`, which is a string.")
    if type_ not in _TYPES:
        return Error("unknown_type", f"There is no message of type {type_[:50]!r}.", type_[:50])
    return Error("invalid", f"{why}.", type_)
