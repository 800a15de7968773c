"""When rooms are written: at once, once in an interval, and no more than an address may have."""

from collections.abc import Callable

from server.base.ids import PlayerId, RoomId
from server.base.rates import Rate
from server.budget.budget import Budget
from server.budget.limits import Limits
from server.storage.pace import Pace

ADA, BOB, KIM, EVE = (PlayerId(f"p_{name}") for name in ("ada", "bob", "kim", "eve"))
ROOM = RoomId("r_1")
SIZE = 100
RATE = Rate(200, 1_000)


def pace_of(burst: int = 3) -> Pace:
    """Rooms of 100 bytes; Ada and Bob share an address, from which 1,000 are written at once and
    then 200 a second. Kim has one of her own."""
    budget = Budget(Limits(written=RATE))
    for player, address in ((ADA, "192.0.2.1"), (BOB, "192.0.2.1"), (KIM, "192.0.2.2")):
        budget.let_in(player, [address], None if player is ADA else 0.0)
    return Pace(1.0, burst, lambda _: SIZE, budget)


def written(
    pace: Pace, note: Callable[[float], object], seconds: float, steps: int = 100
) -> list[float]:
    """Note something again and again; return when the room was written."""
    found = []
    for step in range(round(seconds * steps)):
        now = step / steps
        note(now)
        pace.look(now)
        found += [now for _ in pace.take(now)]
    return found


def test_what_is_new_is_written_once_in_an_interval() -> None:
    pace = pace_of()
    assert written(pace, lambda now: pace.note(ROOM, EVE, now), 3.5) == [0.0, 1.0, 2.0, 3.0]


def test_what_is_urgent_is_written_at_once_and_only_at_first() -> None:
    pace = pace_of(burst=3)
    found = written(pace, lambda now: pace.note_urgent(ROOM, EVE, now), 5.0)
    assert found[:3] == [0.0, 0.01, 0.02]
    assert len(found) == 3 + 4
    # Once it was quiet the next are written at once again.
    for now in (20.0, 20.1, 20.2):
        assert pace.note_urgent(ROOM, EVE, now)
        assert pace.take(now) == [ROOM]
    assert not pace.note_urgent(ROOM, EVE, 20.3)


def test_what_is_urgent_and_what_is_not_are_no_more_together() -> None:
    pace = pace_of(burst=3)

    def note(now: float) -> None:
        pace.note(ROOM, EVE, now)
        pace.note_urgent(ROOM, EVE, now)

    assert len(written(pace, note, 20.0)) <= 3 + 20


def test_what_must_not_wait_is_written_however_often() -> None:
    pace = pace_of()
    found = written(pace, lambda now: pace.note_at_once(ROOM, EVE, now), 1.0)
    assert len(found) == 100


def test_all_players_of_an_address_have_no_more_written_than_it_may() -> None:
    pace = pace_of()
    rooms = [RoomId(f"r_{number}") for number in range(50)]

    def note(now: float) -> None:
        for number, id in enumerate(rooms):
            one = (ADA, BOB)[number % 2]
            (pace.note, pace.note_urgent, pace.note_at_once)[number % 3](id, one, now)

    found = written(pace, note, 10.0, steps=10)
    most = RATE.burst + RATE.per_second * 10
    assert most - 5 * SIZE <= len(found) * SIZE <= most + 2 * SIZE


def test_who_waits_is_served_in_order() -> None:
    pace = pace_of()
    rooms = [RoomId(f"r_{number}") for number in range(30)]
    for id in rooms:
        pace.note(id, ADA, 0.0)
    order = pace.take(0.0)
    for tenths in range(1, 200):
        for id in rooms[:5]:
            pace.note(id, ADA, tenths / 10)  # who is written often does not keep the others waiting
        pace.look(tenths / 10)
        order += pace.take(tenths / 10)
    assert list(dict.fromkeys(order)) == rooms


def test_an_address_that_waits_holds_up_no_other_and_nothing_that_must_be_written() -> None:
    pace = pace_of()
    for number in range(30):
        pace.note(RoomId(f"r_{number}"), ADA, 0.0)
    pace.take(0.0)
    waiting = RoomId("r_29")
    assert pace.note_now(RoomId("r_28"), ADA, 0.1), "a match ended"
    pace.take(0.1)
    assert not pace.note(waiting, BOB, 0.1)
    pace.look(0.1)
    assert pace.take(0.1) == []
    pace.note(waiting, KIM, 0.1)  # in a room that waits
    pace.note(RoomId("r_kim"), KIM, 0.1)
    pace.look(0.1)
    assert pace.take(0.1) == [waiting, RoomId("r_kim")]


def test_the_change_of_another_is_not_held_up_by_who_has_had_too_much_written() -> None:
    pace = pace_of()
    pace.note(ROOM, KIM, 0.0)
    for number in range(40):
        pace.note_now(RoomId(f"r_{number}"), ADA, 0.0)
    pace.take(0.0)
    assert not pace.note(ROOM, KIM, 0.5)
    assert not pace.note(ROOM, ADA, 0.6)
    assert pace.look(1.0) == 1
    assert pace.take(1.0) == [ROOM]


def test_before_a_stop_all_is_written() -> None:
    pace = pace_of()
    for number in range(30):
        pace.note(RoomId(f"r_{number}"), ADA, 0.0)
    assert len(pace.take(0.0)) < 30
    assert pace.has_waiting
    pace.hurry(0.1)
    assert not pace.has_waiting
    assert pace.take(0.1)


def test_nothing_is_kept_of_a_room_that_closed() -> None:
    pace = pace_of()
    for now in (0.0, 0.1, 0.2):
        pace.note_urgent(ROOM, EVE, now)
        pace.take(now)
    pace.note(ROOM, EVE, 0.3)
    pace.forget(ROOM)
    assert not pace.has_waiting
    for each in (pace._due, pace._later, pace._written_at, pace._used_until):
        assert each == {}
