"""JSON merge patches (RFC 7396), and conversion of times left to instants."""

from collections.abc import Mapping
from typing import Any


def merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `before` with `changes` applied; `before` is not modified."""
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
    """Return `said` with times left (`move_in`: 48.0), in objects at any depth, replaced by
    instants (`move_at`: `now` + 48.0), which stay true. A None, which removes a key, stays None.
    Lists contain no times."""
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
