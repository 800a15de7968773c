"""Stops of the idle clock because of a match: facts in, decisions out."""

from server.base.ids import SessionId
from server.base.units import LONG_AGO
from server.rooms.holds import Decision, EndHold, Holds, StartHold, Watching

ADA = SessionId("s_ada")


def watching(**facts: float | bool) -> Watching:
    session = Watching(
        ADA, is_waited_for=False, last_activity=0.0, hold_until=LONG_AGO, is_away_held=False
    )
    return session._replace(**facts)  # type: ignore[arg-type]


def held(until: float = 600.0) -> Holds:
    """A session whose idle clock is stopped because of a match."""
    holds = Holds(600.0)
    assert holds.review([watching()], 0.0) == [StartHold(ADA, 600.0)]
    holds.granted(ADA, until)
    return holds


def test_a_waiting_player_is_held_for_max_hold_after_their_last_activity() -> None:
    holds = Holds(600.0)
    assert holds.review([watching(last_activity=100.0)], 150.0) == [StartHold(ADA, 550.0)]
    assert holds.review([watching(last_activity=100.0)], 699.9) == [StartHold(ADA, 700.0 - 699.9)]
    assert holds.review([watching(last_activity=100.0)], 700.0) == []


def test_a_hold_is_renewed_after_its_end_and_not_before() -> None:
    holds = held(until=600.0)
    session = watching(hold_until=600.0, last_activity=300.0)
    assert holds.review([session], 599.9) == []
    assert holds.review([session], 600.0) == [StartHold(ADA, 300.0)]


def test_a_player_the_match_waits_for_is_released() -> None:
    holds = held()
    session = watching(hold_until=600.0, is_waited_for=True)
    assert holds.review([session], 10.0) == [EndHold(ADA)]
    assert holds.review([session], 10.0) == [], "once"


def test_a_player_who_stops_watching_is_released() -> None:
    holds = held()
    assert holds.end([watching(hold_until=600.0)]) == [EndHold(ADA)]
    assert holds.end([watching(hold_until=600.0)]) == []


def test_a_hold_of_the_players_own_is_left_alone() -> None:
    holds = Holds(600.0)
    own = watching(hold_until=50.0)
    assert holds.review([own], 10.0) == []
    assert holds.end([own]) == []
    holds = held()
    longer: list[Decision] = holds.end([watching(hold_until=900.0)])
    assert longer == [], "they have lengthened it themselves"


def test_a_player_in_be_right_back_is_neither_held_nor_released() -> None:
    assert Holds(600.0).review([watching(is_away_held=True)], 10.0) == []
    assert held().end([watching(hold_until=600.0, is_away_held=True)]) == []


def test_after_a_release_the_next_hold_waits_for_the_end_of_the_last() -> None:
    holds = held(until=600.0)
    released = watching(hold_until=20.0, last_activity=500.0)
    assert holds.review([released], 599.9) == []
    assert holds.review([released], 600.0) == [StartHold(ADA, 500.0)]


def test_an_ended_session_is_forgotten() -> None:
    holds = held()
    holds.forget(ADA)
    holds.forget(ADA)
    assert holds.end([watching(hold_until=600.0)]) == []
