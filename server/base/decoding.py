"""What decoding JSON from outside raises."""

import msgspec

BROKEN = (msgspec.DecodeError, RecursionError, UnicodeError)
"""The exceptions of `msgspec.json` for bytes or a text that are not JSON, or of another shape.
RecursionError: deep nesting; UnicodeError: not UTF-8, or half of a surrogate pair."""
