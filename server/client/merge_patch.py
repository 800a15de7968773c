"""JSON merge patches (RFC 7396), and times left as instants."""

from collections.abc import Mapping
from typing import Any


def merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What `changes` make of `before`, which stays as it is."""
    after = dict(before)
    for key, value in changes.items():
        if value is None:
            after.pop(key, None)
        elif isinstance(value, dict):
            old = after.get(key)
            after[key] = merged(old if isinstance(old, dict) else {}, value)
        else:
            after[key] = value
    return after


def with_instants(said: Mapping[str, Any], now: float) -> dict[str, Any]:
    """`said` with each time left (`move_in`: 48.0), in objects at any depth, as an instant
    (`move_at`: `now` + 48.0): only that stays true while nothing is sent. A None, which removes a
    key, stays one. No time stands in a list."""
    instants: dict[str, Any] = {}
    for key, value in said.items():
        if key.endswith("_in") and (value is None or _is_number(value)):
            instants[f"{key[:-3]}_at"] = None if value is None else now + value
        elif isinstance(value, dict):
            instants[key] = with_instants(value, now)
        else:
            instants[key] = value
    return instants


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
