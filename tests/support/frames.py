"""Valid and invalid frames of clients (RFC 6455, section 5)."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""The opcodes."""


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = b"\x01\x80\xfe\x37",
    width: int | None = None,
    announced: int | None = None,
) -> bytes:
    """A frame of a client, valid or not.

    `key` None means not masked. `width` 0, 2 or 8 is the number of bytes of the extended length,
    needed or not. `announced` is a length that differs from the payload's.
    """
    length = len(payload) if announced is None else announced
    if width is None:
        width = 0 if length < 126 else 2 if length < 0x10000 else 8
    short = {0: length, 2: 126, 8: 127}[width]
    head = bytes([0x80 * fin | rsv << 4 | opcode, 0x80 * (key is not None) | short])
    head += length.to_bytes(width, "big") if width else b""
    if key is None:
        return head + payload
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask (RFC 6455, 5.3)."""
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return mixed.to_bytes(len(payload), "big")


def split_frames(stream: bytes) -> list[bytes]:
    """Split into frames by the lengths in their headers; the last may be incomplete."""
    chunks = []
    while stream:
        size = 2
        if len(stream) > 1:
            length = stream[1] & 0x7F
            size += 4 if stream[1] & 0x80 else 0
            if length >= 126:
                width = 2 if length == 126 else 8
                length = int.from_bytes(stream[2 : 2 + width], "big")
                size += width
            size += length
        chunks.append(stream[:size])
        stream = stream[size:]
    return chunks
