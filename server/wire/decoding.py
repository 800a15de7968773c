"""Why JSON from outside could not be decoded: it is not JSON, or of another shape."""

import re

import msgspec

BROKEN = (msgspec.DecodeError, RecursionError, UnicodeError)
"""The exceptions of decoding. RecursionError: deep nesting; UnicodeError: not UTF-8."""

_decoder = msgspec.json.Decoder(float_hook=float)
"""Numbers too large for a float become infinite, so that the rest can be decoded."""


_ESCAPES = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class NotJson(msgspec.Struct, frozen=True):
    """The text is not JSON; `why` has no full stop."""

    why: str


class Misfit(msgspec.Struct, frozen=True):
    """The text is JSON that does not fit the type. `value` is what it decodes to; UNSET for JSON
    that no value can represent, such as an integer of thousands of digits."""

    why: str
    value: object


def what_is_wrong(text: str | bytes, error: Exception) -> NotJson | Misfit:
    """Return why decoding `text` raised `error`, which is one of BROKEN. Decodes a second time, as
    a misfit may precede the place where the text stops being JSON."""
    if not isinstance(error, msgspec.ValidationError):
        return _not_json(text, error)
    try:
        return Misfit(str(error), _decoder.decode(text))
    except msgspec.ValidationError:
        return Misfit(str(error), msgspec.UNSET)
    except BROKEN as broken:
        return _not_json(text, broken)


def _not_json(text: str | bytes, error: Exception) -> NotJson:
    """Name the place of the fault where msgspec does not, or names another."""
    try:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        data.decode()
    except UnicodeDecodeError as undecodable:
        at = undecodable.start
        return NotJson(f"it is not UTF-8 (byte {at} is 0x{data[at]:02x})")
    if isinstance(error, RecursionError):
        return NotJson("it is nested too deeply")
    lone = _lone_surrogates(data)
    if lone:
        mended = bytearray(data)
        for at in lone:
            mended[at : at + 6] = b"\\ufffd"
        try:
            _decoder.decode(mended)
        except BROKEN:
            pass
        else:
            at = lone[0]
            escape = data[at : at + 6].decode()
            return NotJson(
                f"the escape {escape} (byte {at}) is half of a surrogate pair, and no character; "
                "escape both halves, or send the character itself"
            )
    return NotJson(str(error))


def _lone_surrogates(data: bytes) -> list[int]:
    """Return where the escapes of unpaired surrogates begin."""
    lone: list[int] = []
    high: re.Match[bytes] | None = None
    for escape in _ESCAPES.finditer(data):
        code = int(escape[1] or b"0", 16)
        is_low = 0xDC00 <= code < 0xE000
        if high is not None and is_low and high.end() == escape.start():
            high = None
            continue
        if high is not None:
            lone.append(high.start())
        high = escape if 0xD800 <= code < 0xDC00 else None
        if is_low:
            lone.append(escape.start())
    if high is not None:
        lone.append(high.start())
    return sorted(lone)
