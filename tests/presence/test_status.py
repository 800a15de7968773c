"""The possible changes of status, and the status of a player."""

from itertools import product

import pytest

from server.presence.status import ENDINGS, ImpossibleChange, Reason, Status, best, check_change

ACTIVE, AWAY, WARNED, RECONNECTING, OFFLINE = Status
HERE = (ACTIVE, AWAY, WARNED)
RETURNS = {Reason.CONNECTED, Reason.ACTIVITY}
DROPS = {Reason.CONNECTION_LOST, Reason.LEFT, Reason.SERVER_RESTART}

LEGAL = {
    (OFFLINE, ACTIVE): RETURNS | {Reason.SIGNED_IN},
    (OFFLINE, AWAY): RETURNS,
    (OFFLINE, WARNED): RETURNS,
    (ACTIVE, AWAY): {Reason.IDLE},
    (ACTIVE, WARNED): {Reason.WARNING, Reason.CONNECTED},
    (AWAY, WARNED): {Reason.WARNING, Reason.CONNECTED},
    (AWAY, ACTIVE): {Reason.ACTIVITY},
    (WARNED, ACTIVE): {Reason.ACTIVITY},
    (WARNED, AWAY): {Reason.IDLE},
    **{(before, RECONNECTING): DROPS for before in HERE},
    **{(RECONNECTING, after): RETURNS for after in HERE},
    **{(before, OFFLINE): DROPS | ENDINGS for before in (*HERE, RECONNECTING)},
}


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_change_of_status_needs_a_legal_reason(before: Status, after: Status) -> None:
    for reason in Reason:
        if reason in LEGAL.get((before, after), set()):
            check_change(before, after, reason)
        else:
            with pytest.raises(ImpossibleChange) as caught:
                check_change(before, after, reason)
            assert str(caught.value) == (
                f"a session cannot go from {before} to {after} for {reason}"
            )


def test_every_status_but_offline_is_here() -> None:
    assert [status for status in Status if not status.is_here] == [Status.OFFLINE]


def test_nothing_speaks_against_a_player_who_is_active_or_was_just_cut_off() -> None:
    assert [status for status in Status if status.may_be_active] == [ACTIVE, RECONNECTING]


def test_the_best_status_is_the_first_in_the_contracts_table() -> None:
    assert best([OFFLINE, RECONNECTING, WARNED, AWAY]) is AWAY
    assert best([]) is OFFLINE
