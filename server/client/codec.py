"""Messages as text: what the client sends, and what it receives."""

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from server.wire.messages import ClientMessage, ServerMessage


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that this version does not know, such as one of a newer server."""

    text: str
    why: str


Received: TypeAlias = ServerMessage | Unknown

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def encode(message: ClientMessage) -> str:
    """The text of a message to the server."""
    return _encoder.encode(message).decode()


def decode(text: str | bytes) -> Received:
    """The message that the server sent."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        whole = text if isinstance(text, str) else text.decode(errors="replace")
        return Unknown(whole, str(error))
