"""What each message and call makes the server keep, send and compute is bounded, and stands in
SECURITY.md."""

from pathlib import Path

import pytest

from server.limits import Limits
from tests.hostile.costs import (
    ANSWERS,
    COMPUTED,
    COSTS,
    CROWD,
    DRIVERS,
    KEPT,
    LASTING,
    MESSAGES,
    MINUTE,
    WRITING,
    measure,
    measure_calls,
    measure_kept,
    measure_wholes,
    table_of_calls,
    table_of_messages,
)
from tests.support.paths import ROOT

_REALTIME = Limits().realtime
_WHOLES = _REALTIME.wholes
_LARGEST = 70_000
"""Bytes of the largest snapshot here: a room full of chat in emoji."""
_IDLING = 300
"""Bytes of the row that says that a player became away, which needs no message."""
_MOST = _WHOLES.burst + MINUTE * _WHOLES.per_second + _LARGEST
"""Bytes of snapshots of one kind in a minute: the last begins within the allowance."""


def test_every_message_has_its_cost_and_its_flood() -> None:
    assert sorted(COSTS) == sorted(DRIVERS) == sorted(MESSAGES)


@pytest.mark.parametrize("type", MESSAGES)
def test_a_flood_of_a_message_costs_the_server_no_more_than_the_table_says(
    type: str, tmp_path: Path
) -> None:
    floods = [each[type] for each in (DRIVERS, LASTING, WRITING) if type in each]
    measured = []
    for number, flood in enumerate(floods):
        # The warning comes, and a minute is left.
        idle = 181.0 if type == "release" and flood is LASTING[type] else 0.0
        measured.append(measure(flood, tmp_path / f"{number}.db", idle=idle))
    assert [each.closed for each in measured] == [0] * len(floods), "it is all that is allowed"
    assert all(each.wholes <= 2 * _MOST for each in measured), "of rooms with a seat and without"
    cost = COSTS[type]
    for name, most in (
        ("kept", cost.keeps),
        ("written", cost.writes),
        ("sent", cost.sends),
        ("told", cost.tells),
    ):
        found = max(getattr(each, name) for each in measured)
        assert found <= most, name
        assert most / 2 < found or most in (0, _IDLING), name
    assert max(each.seconds for each in measured) <= cost.computes


def test_no_topic_is_sent_whole_beyond_the_allowance(tmp_path: Path) -> None:
    assert _WHOLES == _REALTIME.wholes_of_seat == _REALTIME.spectating
    for kind, measured in measure_wholes(tmp_path / "test.db").items():
        assert _MOST - 3 * _LARGEST < measured.wholes <= _MOST, kind
        assert measured.sent < 20_000, f"{kind}: changes of the lobby, and nothing else"


def test_no_answer_of_a_call_is_larger_or_takes_longer_than_the_table_says(tmp_path: Path) -> None:
    measured = measure_calls(tmp_path / "test.db", crowd=CROWD)
    assert sorted(measured) == sorted(ANSWERS) == sorted(COMPUTED)
    wrong = {
        name: (each.size, ANSWERS[name])
        for name, each in measured.items()
        if not ANSWERS[name] / 2 < each.size <= ANSWERS[name]
    }
    assert wrong == {}
    slow = {
        name: (each.milliseconds, COMPUTED[name])
        for name, each in measured.items()
        if not COMPUTED[name] / 20 - 0.05 < each.milliseconds <= COMPUTED[name]
    }
    assert slow == {}


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
