"""Ids."""

import re

import pytest

from server.base.ids import (
    ID_PATTERN,
    new_connection_id,
    new_match_id,
    new_player_id,
    new_room_id,
    new_session_id,
)

NEW_IDS = {
    "p": new_player_id,
    "s": new_session_id,
    "c": new_connection_id,
    "r": new_room_id,
    "m": new_match_id,
}


@pytest.mark.parametrize("letter", NEW_IDS)
def test_an_id_has_the_letter_of_its_kind_and_random_bits(letter: str) -> None:
    ids = [NEW_IDS[letter]() for _ in range(3000)]
    assert all(re.fullmatch(ID_PATTERN, id) and id[0] == letter for id in ids)
    # Over all bits: of each character every value occurs, but those that its place excludes.
    values = [len({id[place] for id in ids}) for place in range(2, 24)]
    # The first 32 bits are shared, except in ids that open a room.
    first = 0 if letter == "r" else 6
    assert values[first:] == [64] * (21 - first) + [4]


@pytest.mark.parametrize("letter", "pscm")
def test_ids_drawn_at_the_same_time_begin_alike(letter: str) -> None:
    beginnings = {NEW_IDS[letter]()[2:7] for _ in range(200)}
    assert len(beginnings) <= 2
    assert len({NEW_IDS[letter]()[2:7] for _ in range(2000)}) >= 7, "and others otherwise"


def test_no_random_bits_are_used_twice() -> None:
    ids = [new_id() for new_id in (new_player_id, new_session_id) for _ in range(5000)]
    assert len({id[2:] for id in ids}) == len(ids)
