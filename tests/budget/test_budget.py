"""Who pays for the rows of a player, and who may cause more."""

import msgspec
import pytest

from server.base.ids import PlayerId
from server.base.rates import Rate
from server.budget.budget import Budget
from server.budget.limits import Limits

LIMITS = Limits(
    player=Rate(10, 100), address=Rate(20, 250), registered_of_address=Rate(20, 250), ages=(10, 100)
)
ADA, BOB, EVE = PlayerId("p_ada"), PlayerId("p_bob"), PlayerId("p_eve")
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def newcomer_waits(budget: Budget, now: float, *networks: str) -> float:
    """How long another guest waits who comes from these networks, from `HERE` by default."""
    return budget.wait_of_newcomer(networks or [HERE], now, None)


def budget_of(**addresses: str | None) -> Budget:
    """A budget with guests from these addresses."""
    budget = Budget(LIMITS)
    for guest, address in addresses.items():
        budget.let_in(PlayerId(f"p_{guest}"), () if address is None else (address,), None)
    return budget


def test_a_player_pays_for_their_own_rows_only() -> None:
    budget = Budget(LIMITS)
    budget.charge(ADA, 120, 0.0)
    assert (budget.wait(ADA, 0.0), budget.wait(BOB, 0.0)) == (2.0, 0.0)
    assert budget.wait(ADA, 2.0) == 0.0
    assert budget.kept == 120


def test_guests_pay_by_their_address_as_well() -> None:
    budget = budget_of(ada=HERE, bob=HERE, eve=ELSEWHERE)
    for guest in (ADA, BOB):
        budget.charge(guest, 135, 0.0)
    assert budget.wait(ADA, 0.0) == 3.5, "their own debt is the longer one"
    assert budget.wait(ADA, 3.5) == 0.0
    budget.charge(ADA, 35, 3.5)
    budget.charge(BOB, 35, 3.5)
    assert newcomer_waits(budget, 3.5) == newcomer_waits(budget, 0.0) - 3.5 == 1.0
    assert newcomer_waits(budget, 0.0, ELSEWHERE) == budget.wait_to_begin(EVE, 0.0) == 0.0


def test_a_guest_who_spent_little_waits_for_their_neighbours_and_a_registered_one_does_not() -> (
    None
):
    budget = budget_of(ada=HERE, bob=HERE)
    for _ in range(3):
        budget.charge(ADA, 100, 0.0)
    assert budget.wait_to_begin(BOB, 0.0) == 2.5
    assert budget.wait_to_begin(EVE, 0.0) == 0.0


def test_guests_without_a_limited_address_pay_by_themselves_only() -> None:
    budget = budget_of(ada=None, bob=None)
    for guest in (ADA, BOB):
        budget.charge(guest, 100, 0.0)
        budget.charge(guest, 100, 0.0)
    assert budget.wait(ADA, 0.0) == 10.0
    assert budget.wait_of_newcomer((), 0.0, None) == 0.0
    assert budget.knows(ADA)
    assert not budget.knows(EVE)


def test_what_a_guest_owed_is_owed_when_they_are_gone() -> None:
    budget = budget_of(ada=HERE)
    budget.charge(ADA, 200, 0.0)
    budget.charge(ADA, 100, 0.0)
    budget.forget(ADA)
    assert budget.wait(ADA, 0.0) == 10.0
    assert newcomer_waits(budget, 0.0) == 2.5
    budget.charge(ADA, 100, 0.0)
    assert newcomer_waits(budget, 0.0) == 2.5, "later rows are the player's"


def test_a_guest_stays_with_the_address_they_came_from() -> None:
    budget = budget_of(ada=HERE)
    budget.let_in(ADA, [ELSEWHERE], None)
    for _ in range(3):
        budget.charge(ADA, 100, 0.0)
    assert newcomer_waits(budget, 0.0) > 0
    assert newcomer_waits(budget, 0.0, ELSEWHERE) == 0.0


def test_a_guest_pays_by_every_network_and_wider_ones_may_keep_more() -> None:
    networks = "2001:db8::/64", "2001:db8::/56", "2001:db8::/48"
    budget = Budget(msgspec.structs.replace(LIMITS, wider_network=8))
    for number in range(17):
        guest = PlayerId(f"p_{number}")
        budget.let_in(guest, [f"2001:db8:0:{number}::/64", *networks[1:]], None)
        budget.charge(guest, 125, 0.0)
    assert newcomer_waits(budget, 0.0, *networks[:1]) == 0.0
    assert newcomer_waits(budget, 0.0, *networks[:2]) == (17 * 125 - 8 * 250) / (8 * 20)
    assert newcomer_waits(budget, 0.0, networks[0], "another", networks[2]) == 0.0


def test_of_a_network_what_begins_is_refused_first_and_moves_last() -> None:
    budget = budget_of(ada=HERE, **{f"o{number}": HERE for number in range(7)})
    waits = []
    for number in range(7):
        budget.charge(PlayerId(f"p_o{number}"), 100, 0.0)
        of_ada = budget.wait_to_begin, budget.wait, budget.wait_to_move
        waits.append(tuple(wait(ADA, 0.0) for wait in of_ada))
    assert waits == [
        (0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (2.5, 0.0, 0.0),
        (7.5, 1.25, 0.0),
        (12.5, 6.25, 0.0),
        (17.5, 11.25, 5.0),
        (22.5, 16.25, 10.0),
    ]


# Registered players


def let_in(budget: Budget, *ages: float, address: str = HERE) -> list[PlayerId]:
    """Let in players who have been registered for so many seconds."""
    players = [PlayerId(f"p_{address}_{number}_{age}") for number, age in enumerate(ages)]
    for player, age in zip(players, ages, strict=True):
        budget.let_in(player, [address], age)
    return players


def test_registered_players_pay_by_their_address_too_apart_from_guests() -> None:
    budget = budget_of(ada=HERE)
    players = let_in(budget, 0, 0, 0, 0)
    (elsewhere,) = let_in(budget, 0, address=ELSEWHERE)
    for player in players:
        budget.charge(player, 100, 0.0)
    assert [budget.wait_to_begin(player, 0.0) for player in players] == [7.5] * 4
    assert budget.wait_of_newcomer([HERE], 0.0, age=0.0) == 7.5, "who would register"
    assert budget.wait_to_begin(elsewhere, 0.0) == budget.wait_to_begin(ADA, 0.0) == 0.0
    assert newcomer_waits(budget, 0.0) == 0.0


@pytest.mark.parametrize(("older", "newer"), [(10, 9), (1000, 9), (100, 99)])
def test_newer_accounts_stop_nobody_who_has_been_registered_for_longer(
    older: float, newer: float
) -> None:
    budget = Budget(LIMITS)
    (ada,) = let_in(budget, older)
    others = let_in(budget, *[newer] * 20)
    for player in others:
        budget.charge(player, 100, 0.0)
    assert budget.wait_to_begin(ada, 0.0) == 0.0
    assert budget.wait_to_move(others[0], 0.0) > 0.0
    # The other way round they do: a network has no more kept however old its accounts are.
    budget = Budget(LIMITS)
    (ada,) = let_in(budget, newer)
    for player in let_in(budget, *[older] * 20):
        budget.charge(player, 100, 0.0)
    assert budget.wait_to_move(ada, 0.0) > 0.0


def test_what_registered_players_of_an_address_have_kept_is_bounded_however_many_they_are() -> None:
    budget = Budget(LIMITS)
    players = let_in(budget, *(number / 2 for number in range(300)))
    address = LIMITS.registered_of_address
    seconds = 500
    for now in range(seconds):
        for player in players:
            while budget.wait_to_move(player, now) == 0.0:
                budget.charge(player, 10, now)
    kinds = len(LIMITS.ages) + 1
    most = address.per_second * seconds + 2 * address.burst * kinds
    assert budget.kept <= most + 10 * kinds
    assert budget.kept > 0.9 * most
    # And again after any pause, in which no more is forgiven than was earned.
    before, pause = budget.kept, 60
    for player in players:
        while budget.wait_to_move(player, seconds + pause) == 0.0:
            budget.charge(player, 10, seconds + pause)
    assert budget.kept - before <= address.per_second * (pause + 1) + 10 * kinds


# The disk


def test_a_disk_that_is_nearly_full_is_kept_for_players_who_are_established() -> None:
    left = 1.0
    limits = msgspec.structs.replace(LIMITS, established=100)
    budget = Budget(limits, reserve_left=lambda: left)
    budget.let_in(ADA, [], None)
    new, established = let_in(budget, 99, 100)

    def who_may_begin() -> list[PlayerId]:
        players = ADA, new, established
        return [player for player in players if budget.wait_to_begin(player, 0.0) == 0.0]

    assert who_may_begin() == [ADA, new, established]
    assert not budget.is_disk_low
    left = 0.99
    assert who_may_begin() == [established]
    assert budget.is_disk_low
    left = 0.49
    assert who_may_begin() == []
    assert budget.wait_to_begin(established, 0.0) == limits.disk_retry
    for player in (ADA, new, established):
        assert budget.wait_to_move(player, 0.0) == budget.wait(player, 0.0) == 0.0


# What is written again and again


def test_what_is_written_because_of_any_player_is_counted_to_their_address_only() -> None:
    budget = Budget(Limits(player=Rate(10, 100), address=Rate(20, 250), written=Rate(50, 500)))
    budget.let_in(ADA, [HERE], None)
    budget.let_in(BOB, [HERE], 0.0)
    budget.let_in(EVE, [ELSEWHERE], None)
    for player in (ADA, BOB):
        budget.charge_writing(player, 300, 0.0)
    assert budget.wait_to_write(ADA, 0.0) == budget.wait_to_write(BOB, 0.0) == 2.0
    assert budget.wait_to_write(EVE, 0.0) == 0.0
    assert budget.wait_to_write(ADA, 2.0) == 0.0
    for player in (ADA, BOB):
        assert budget.wait(player, 0.0) == 0.0, "they may go on"
    assert budget.wait_of_newcomer([HERE], 0.0, None) == budget.kept == 0
    budget.forget(BOB)
    assert budget.wait_to_write(BOB, 0.0) == 0.0
    assert not budget.knows(BOB)


def test_a_wider_network_may_have_more_written_than_an_address() -> None:
    budget = Budget(Limits(written=Rate(50, 500), wider_network=8))
    for number in range(9):
        player = PlayerId(f"p_{number}")
        budget.let_in(player, [f"{number}/64", "2001:db8::/56"], 0.0)
        budget.charge_writing(player, 500, 0.0)
    assert budget.wait_to_write(PlayerId("p_0"), 0.0) == 500 / (8 * 50)
