"""What each row that lasts costs its player: bytes of the database, indexes included.

Measured, and kept so by `tests/storage/test_prices.py`: no row takes more than its price, and none
less than half of it.
"""

from typing import assert_never

from server.storage.rows import (
    ChangeRow,
    Lasting,
    LookalikeRow,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    PlayerRow,
    RoomRow,
    SessionRow,
)


def price(row: Lasting) -> int:
    """Return the bytes that a row takes for good. Not exact: pages of the database are not full."""
    match row:
        case ChangeRow():
            # The most frequent: its texts are ASCII.
            return 185 + 9 * (len(row.detail) + len(row.last_activity_by)) // 8
        case MoveRow(action=action):
            size = 0 if action is None else len(action.encode())
            # Long ones get pages of their own, which are less full.
            return 68 + size + max(size - 64, 0) // 2
        case SessionRow():
            return 375
        case PlayerRow(name=name, name_key=key, sort_key=sort_key, password_hash=hashed):
            indexed = _size(key) + _size(sort_key)
            return 225 + 9 * (_size(name) + 2 * indexed + len(hashed or "")) // 8
        case LookalikeRow(lookalike=lookalike):
            return 92 + 5 * _size(lookalike) // 2
        case RoomRow():
            # Without its document, which goes when the room closes, and takes the place of the one
            # before until then.
            return 195
        case MatchRow():
            return 225
        case MatchPlayerRow(name=name):
            # With the seat's part of the outcome.
            return 195 + 4 * _size(name) // 3
        case _ as unreachable:
            assert_never(unreachable)


def _size(text: str) -> int:
    return len(text.encode())
