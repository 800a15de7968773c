"""What each message and call makes the server keep, send and compute is bounded, and stands in
SECURITY.md."""

from pathlib import Path

import pytest

from server.limits import Limits
from tests.hostile.costs import (
    ANSWERS,
    COSTS,
    CROWD,
    DRIVERS,
    KEPT,
    LASTING,
    MESSAGES,
    MINUTE,
    measure,
    measure_calls,
    measure_kept,
    table_of_calls,
    table_of_messages,
    watch_one,
)
from tests.support.paths import ROOT

_WHOLES = Limits().realtime.wholes
_LARGEST = 70_000
"""Bytes of the largest snapshot here: a room full of chat in emoji."""
_IDLING = 300
"""Bytes of the row that says that a player became away, which needs no message."""
_MOST = _WHOLES.burst + MINUTE * _WHOLES.per_second + _LARGEST
"""Bytes of snapshots in a minute: the last begins within the allowance."""


def test_every_message_has_its_cost_and_its_flood() -> None:
    assert sorted(COSTS) == sorted(DRIVERS) == sorted(MESSAGES)


@pytest.mark.parametrize("type", MESSAGES)
def test_a_flood_of_a_message_costs_the_server_no_more_than_the_table_says(
    type: str, tmp_path: Path
) -> None:
    measured = measure(DRIVERS[type], tmp_path / "test.db")
    assert measured.closed == 0, "it is all that is allowed"
    cost = COSTS[type]
    assert measured.wholes <= _MOST
    assert cost.sends / 2 < measured.sent <= cost.sends
    assert cost.tells / 2 < measured.told <= cost.tells
    assert measured.seconds <= cost.computes
    if type in LASTING:
        idle = 181.0 if type == "release" else 0.0  # the warning comes, and a minute is left
        measured = measure(LASTING[type], tmp_path / "again.db", idle=idle)
        assert measured.closed == 0
    assert measured.kept <= cost.keeps
    assert cost.keeps / 2 < measured.kept or cost.keeps == _IDLING


@pytest.mark.parametrize("kind", ["lobby", "rooms", "room"])
def test_no_topic_is_sent_whole_beyond_the_allowance(kind: str, tmp_path: Path) -> None:
    measured = measure(watch_one(kind), tmp_path / "test.db", rooms=200, players=500)
    assert _MOST - 3 * _LARGEST < measured.wholes <= _MOST
    assert measured.sent < 20_000, "changes of the lobby, and nothing else"


def test_no_answer_of_a_call_is_larger_than_the_table_says(tmp_path: Path) -> None:
    measured = measure_calls(tmp_path / "test.db", crowd=CROWD)
    assert sorted(measured) == sorted(ANSWERS)
    wrong = {
        name: (size, ANSWERS[name])
        for name, size in measured.items()
        if not ANSWERS[name] / 2 < size <= ANSWERS[name]
    }
    assert wrong == {}


def test_no_call_makes_the_server_keep_more_than_the_table_says(tmp_path: Path) -> None:
    measured = measure_kept(tmp_path / "test.db")
    wrong = {
        name: (kept, KEPT.get(name, 0))
        for name, kept in measured.items()
        if kept > KEPT.get(name, 0) or kept < KEPT.get(name, 0) / 2
    }
    assert wrong == {}


def test_the_tables_of_costs_are_those_of_the_code() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert table_of_messages() in text
    assert table_of_calls() in text
