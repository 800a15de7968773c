"""JSON from outside that could not be decoded: whether it is no JSON, or JSON of another shape."""

import msgspec

BROKEN = (msgspec.DecodeError, RecursionError, UnicodeError)
"""What decoding raises. RecursionError: deep nesting; UnicodeError: bytes that are not UTF-8, and
lone surrogates."""


_decoder = msgspec.json.Decoder(float_hook=float)
"""Takes a number beyond all floats for an infinite one, so that the rest of it can be read."""


class NotJson(msgspec.Struct, frozen=True):
    """The text is not JSON; `why` has no full stop."""

    why: str


class Misfit(msgspec.Struct, frozen=True):
    """The text is JSON that does not fit the type. `value` is what it says; UNSET for JSON that no
    value can hold, such as an integer of thousands of digits."""

    why: str
    value: object


def what_is_wrong(text: str | bytes, error: Exception) -> NotJson | Misfit:
    """Why decoding `text` raised `error`, which is one of BROKEN. Decodes a second time, as a
    misfit may be found ahead of where the text stops being JSON."""
    if not isinstance(error, msgspec.ValidationError):
        return NotJson(str(error))
    try:
        return Misfit(str(error), _decoder.decode(text))
    except msgspec.ValidationError:
        return Misfit(str(error), msgspec.UNSET)
    except BROKEN as broken:
        return NotJson(str(broken))
