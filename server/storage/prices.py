"""What each row that lasts costs its player: bytes of the database, indexes included. And what it
takes to write a row of a room, which takes the place of another.

Measured, and kept so by `tests/storage/sqlite/test_prices.py`: no row takes more than its price,
and none less than half of it.
"""

from typing import assert_never

from server.base.text import utf8_size
from server.storage.rows import (
    ChangeRow,
    Lasting,
    LineRow,
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
    # Not by `match`, which takes three times as long: this runs for each player of a crowd.
    if type(row) is ChangeRow:
        # Its texts are ASCII.
        return 185 + 9 * (len(row.detail) + len(row.last_activity_by)) // 8
    if type(row) is MoveRow:
        size = 0 if row.action is None else utf8_size(row.action)
        # Long ones get pages of their own, which are less full.
        return 68 + size + max(size - 64, 0) // 2
    if type(row) is SessionRow:
        return 375
    if type(row) is PlayerRow:
        indexed = utf8_size(row.name_key) + utf8_size(row.sort_key)
        size = utf8_size(row.name) + 2 * indexed + len(row.password_hash or "")
        return 225 + 9 * size // 8
    if type(row) is LookalikeRow:
        return 92 + 5 * utf8_size(row.lookalike) // 2
    if type(row) is RoomRow:
        # Without its document, which goes when the room closes, and takes the place of the one
        # before until then.
        return 195
    if type(row) is MatchRow:
        return 225
    if type(row) is MatchPlayerRow:
        # With the seat's part of the outcome.
        return 195 + 4 * utf8_size(row.name) // 3
    assert_never(row)


PAGE = 4096
"""Bytes of a page, which is written as a whole."""


def size_of_document(row: RoomRow) -> int:
    """Return the bytes that are written for the document of a room."""
    return _pages(utf8_size(row.state or "") + 200, PAGE - 96)


def size_of_line(row: LineRow) -> int:
    """Return the bytes that are written for a line of chat."""
    return _pages(utf8_size(row.text or "") + utf8_size(row.name or "") + 100, 1000)


def _pages(size: int, most: int) -> int:
    """Return the bytes of the pages of a row: its own, and more for what is beyond `most`."""
    return PAGE * (1 + -(-max(size - most, 0) // PAGE))
