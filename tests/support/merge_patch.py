"""JSON merge patches (RFC 7396), as a page applies them."""

from server.games.game import View


def merged(before: View, changes: View) -> View:
    """What `changes` make of `before`."""
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
