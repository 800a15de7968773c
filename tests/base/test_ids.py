"""Ids."""

import re
from collections.abc import Callable

import pytest

from server.base.ids import (
    ID_PATTERN,
    new_connection_id,
    new_match_id,
    new_player_id,
    new_room_id,
    new_session_id,
)


@pytest.mark.parametrize(
    ("new_id", "letter"),
    [
        (new_player_id, "p"),
        (new_session_id, "s"),
        (new_connection_id, "c"),
        (new_room_id, "r"),
        (new_match_id, "m"),
    ],
)
def test_an_id_has_the_letter_of_its_kind_and_128_random_bits(
    new_id: Callable[[], str], letter: str
) -> None:
    ids = [new_id() for _ in range(3000)]
    assert all(re.fullmatch(ID_PATTERN, id) and id[0] == letter for id in ids)
    # Over all bits: of each character every value occurs, but those that its place excludes.
    assert [len({id[place] for id in ids}) for place in range(2, 24)] == [64] * 21 + [4]


def test_no_random_bits_are_used_twice() -> None:
    ids = [new_id() for new_id in (new_player_id, new_session_id) for _ in range(5000)]
    assert len({id[2:] for id in ids}) == len(ids)
