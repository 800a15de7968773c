"""What a flood of each message makes the server send is bounded, and stands in SECURITY.md."""

from pathlib import Path

import pytest

from server.limits import Limits
from tests.hostile.costs import COSTS, DRIVERS, MESSAGES, MINUTE, measure, table
from tests.support.paths import ROOT

_WHOLES = Limits().realtime.wholes
_LARGEST = 70_000
"""Bytes of the largest snapshot here: a room full of chat in emoji."""


def test_every_message_has_its_cost_and_its_flood() -> None:
    assert sorted(COSTS) == sorted(DRIVERS) == sorted(MESSAGES)


@pytest.mark.parametrize("type", MESSAGES)
def test_a_flood_of_a_message_makes_the_server_send_no_more_than_the_table_says(
    type: str, tmp_path: Path
) -> None:
    measured = measure(type, tmp_path / "test.db")
    assert measured.closed == 0, "it is all that is allowed"
    cost = COSTS[type]
    assert measured.wholes <= _WHOLES.burst + MINUTE * _WHOLES.per_second + _LARGEST
    assert cost.sends / 2 < measured.sent <= cost.sends
    assert cost.tells / 2 < measured.told <= cost.tells


def test_the_table_of_costs_is_that_of_the_code() -> None:
    assert table() in (ROOT / "SECURITY.md").read_text()
