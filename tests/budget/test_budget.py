"""Who pays for the rows of a player, and who may cause more."""

from server.accounts.limits import Limits as AccountLimits
from server.base.ids import PlayerId
from server.base.rates import Rate
from server.budget.budget import Budget
from server.budget.limits import Limits

LIMITS = Limits(player=Rate(10, 100), address=Rate(20, 250))
ADA, BOB, EVE = PlayerId("p_ada"), PlayerId("p_bob"), PlayerId("p_eve")
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def budget_of(**addresses: str | None) -> Budget:
    """A budget with guests from these addresses."""
    budget = Budget(LIMITS)
    for guest, address in addresses.items():
        budget.let_in(PlayerId(f"p_{guest}"), () if address is None else (address,))
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
    assert budget.wait_of_newcomer([HERE], 3.5) == budget.wait_of_newcomer([HERE], 0.0) - 3.5 == 1.0
    assert budget.wait_of_newcomer([ELSEWHERE], 0.0) == budget.wait(EVE, 0.0) == 0.0


def test_a_guest_who_spent_little_waits_for_their_neighbours_and_a_registered_one_does_not() -> (
    None
):
    budget = budget_of(ada=HERE, bob=HERE)
    for _ in range(3):
        budget.charge(ADA, 100, 0.0)
    assert budget.wait(BOB, 0.0) == 2.5
    assert budget.wait(EVE, 0.0) == 0.0


def test_guests_without_a_limited_address_pay_by_themselves_only() -> None:
    budget = budget_of(ada=None, bob=None)
    for guest in (ADA, BOB):
        budget.charge(guest, 100, 0.0)
        budget.charge(guest, 100, 0.0)
    assert budget.wait(ADA, 0.0) == 10.0
    assert budget.wait_of_newcomer((), 0.0) == 0.0
    assert budget.knows(ADA)
    assert not budget.knows(EVE)


def test_what_a_guest_owed_is_owed_when_they_are_gone() -> None:
    budget = budget_of(ada=HERE)
    budget.charge(ADA, 200, 0.0)
    budget.charge(ADA, 100, 0.0)
    budget.forget(ADA)
    assert budget.wait(ADA, 0.0) == 10.0
    assert budget.wait_of_newcomer([HERE], 0.0) == 2.5
    budget.charge(ADA, 100, 0.0)
    assert budget.wait_of_newcomer([HERE], 0.0) == 2.5, "later rows are the player's"


def test_a_guest_stays_with_the_address_they_came_from() -> None:
    budget = budget_of(ada=HERE)
    budget.let_in(ADA, [ELSEWHERE])
    for _ in range(3):
        budget.charge(ADA, 100, 0.0)
    assert budget.wait_of_newcomer([HERE], 0.0) > 0
    assert budget.wait_of_newcomer([ELSEWHERE], 0.0) == 0.0


def test_a_guest_pays_by_every_network_and_wider_ones_may_keep_more() -> None:
    networks = "2001:db8::/64", "2001:db8::/56", "2001:db8::/48"
    budget = Budget(LIMITS)
    for number in range(17):
        guest = PlayerId(f"p_{number}")
        budget.let_in(guest, [f"2001:db8:0:{number}::/64", *networks[1:]])
        budget.charge(guest, 125, 0.0)
    assert budget.wait_of_newcomer(networks[:1], 0.0) == 0.0
    assert budget.wait_of_newcomer(networks[:2], 0.0) == (17 * 125 - 8 * 250) / (8 * 20)
    assert budget.wait_of_newcomer([networks[0], "another", networks[2]], 0.0) == 0.0


def test_networks_are_as_wide_as_for_attempts() -> None:
    assert Limits().wider_network == AccountLimits().wider_network
