"""Messages of the server."""

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from server.base.decoding import BROKEN
from server.wire.messages import ServerMessage


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that this version does not know, for example of a newer server."""

    text: str
    why: str


Received: TypeAlias = ServerMessage | Unknown

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def decode(text: str | bytes) -> Received:
    """Decode a message of the server."""
    try:
        return _decoder.decode(text)
    except BROKEN as error:
        whole = text if isinstance(text, str) else text.decode(errors="replace")
        return Unknown(whole, str(error))
