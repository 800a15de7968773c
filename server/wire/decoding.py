"""Why JSON from outside could not be decoded: it is not JSON, or of another shape."""

import re

import msgspec

from server.base.decoding import BROKEN

_decoder = msgspec.json.Decoder(float_hook=float)
"""Numbers too large for a float become infinite, so that the rest can be decoded."""


_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE = re.compile(
    # Both halves begin alike: the search then only stops at what begins so.
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!%s)|(?<!%s\\u[dD])[c-fC-F][0-9a-fA-F]{2})" % (_LOW, _HIGH)
)
"""Where no backslash is escaped."""


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
    # By calls that run in C alone: escapes of any number come from outside. Escaped backslashes go
    # first, so that those left begin an escape; no byte changes its place.
    escapes = data.replace(b"\\\\", b"__")
    lone = _LONE_SURROGATE.search(escapes)
    if lone is not None:
        try:
            _decoder.decode(_LONE_SURROGATE.sub(rb"\\ufffd", escapes))
        except BROKEN:
            pass
        else:
            return NotJson(
                f"the escape {lone[0].decode()} (byte {lone.start()}) is half of a surrogate pair, "
                "and no character; escape both halves, or send the character itself"
            )
    return NotJson(str(error))
