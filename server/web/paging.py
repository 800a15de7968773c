"""Pages of lists: where one ends, and the `next` that leads to the following one."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote, unquote

from server.base.ids import ID_PATTERN
from server.web.problems import invalid

T = TypeVar("T")

NEWEST = 2**63 - 1
"""The largest INTEGER of SQLite: before it are all numbers of rows and all instants."""

_UNSIGNED = re.compile(r"[0-9]{1,18}").fullmatch
_SIGNED = re.compile(r"-?[0-9]{1,18}").fullmatch
_CURSOR = re.compile(rf"(.*)~({ID_PATTERN})", re.DOTALL)


def cut(
    found: Sequence[T], limit: int, next_of: Callable[[T], str]
) -> tuple[Sequence[T], str | None]:
    """Return the page and its `next`, None if it is the last one. `found`: one item more than the
    `limit`, if there are as many; `next_of` makes the `next` of the page's last item."""
    page = found[:limit]
    return page, next_of(page[-1]) if len(found) > limit else None


def cursor_of(key: str | int, id: str) -> str:
    """Return the `next` for an item in a list sorted by a key, and by id where that is equal."""
    return f"{quote(str(key), safe='')}~{id}"


def parse_cursor(text: str) -> tuple[str, str] | None:
    """Return key and id of a `next`; None if `text` is none."""
    match = _CURSOR.fullmatch(text)
    return None if match is None else (unquote(match[1]), match[2])


def parse_newest_first(text: str, *, may_be_negative: bool = False) -> tuple[int, str]:
    """Return key and id of the `next` of a list that is sorted by a number, the largest first; with
    an empty text, what all of it is behind. Raises Problem (422)."""
    if not text:
        return NEWEST, ""
    cursor = parse_cursor(text)
    if cursor is None or not (_SIGNED if may_be_negative else _UNSIGNED)(cursor[0]):
        raise invalid("`after` has to be the `next` of another page.")
    return int(cursor[0]), cursor[1]
