"""The plans of all players, made in advance from a seed. Pure."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.idle_players.rules import Kind, Policy
from scripts.letters import LETTERS

DEFAULT_MIX = "active=30,idle=40,hold=10,flapper=10,leaver=10"

_LONGEST_HOLD = 30.0
_HOLD_SHARE = 0.15
_LATEST_HOLD = 0.6
_LATEST_LEAVING = 0.9


class MixRefused(ValueError):
    """A mix that is invalid; the message says why."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The spread of a run, in seconds: sign-ins first, then last activities."""

    arrive_over: float
    fade_over: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One player's part. Instants are seconds from the start of the run."""

    name: str
    kind: Kind
    arrives: float
    acts: float
    """When an idle or hold player is active for the last time, and when a leaver leaves."""
    hold_after: float = 0.0
    hold: float = 0.0
    """Seconds from the last activity to a hold, and the seconds of hold to request."""
    signs_out: bool = False
    """A leaver signs out; otherwise the page is closed."""
    seed: int = 0


def parse_mix(text: str) -> dict[Kind, float]:
    """Parse shares by kind, as in `active=3,idle=1`; a kind that is not named has none.

    Raises MixRefused.
    """
    shares: dict[Kind, float] = {}
    for part in text.split(","):
        word, _, share = part.strip().partition("=")
        if word not in set(Kind):
            raise MixRefused(f"{word!r} is no kind of player; there are {', '.join(Kind)}")
        try:
            shares[Kind(word)] = float(share)
        except ValueError:
            raise MixRefused(f"{part.strip()!r} has no share; write {word}=10") from None
        if not 0 <= shares[Kind(word)] < math.inf:
            raise MixRefused(f"the share of {word} has to be 0 or more")
    if not any(shares.values()):
        raise MixRefused("all shares are 0")
    return shares


def counts(players: int, mix: dict[Kind, float]) -> dict[Kind, int]:
    """Return how many of each kind: the mix rounded to whole players that add up to `players`."""
    whole = sum(mix.values())
    exact = {kind: players * share / whole for kind, share in mix.items() if share}
    numbers = {kind: math.floor(number) for kind, number in exact.items()}
    by_rest = sorted(exact, key=lambda kind: numbers[kind] - exact[kind])
    for kind in by_rest[: players - sum(numbers.values())]:
        numbers[kind] += 1
    return numbers


def run_tag() -> str:
    """Return a word that makes the names of this run unique. Not derived from the seed: two runs
    with the same seed may use the same server."""
    return "".join(random.SystemRandom().choices(LETTERS, k=6))


def player_name(kind: str, number: int, width: int, tag: str) -> str:
    """Return a name that looks like no other of any run (the server refuses look-alikes, UTS #39).

    Names of one shape differ in a digit or in a letter of the tag, at the same place, and no two
    digits look alike, nor two of the tag's letters. (`0` and `1` do look like `O` and `l`.)
    """
    return f"{kind} {number:0{width}} {tag}"


def make_crowd(
    numbers: dict[Kind, int], timing: Timing, policy: Policy, seed: int, tag: str
) -> list[Plan]:
    """Return a plan for every player, in order of arrival."""
    dice = random.Random(seed)
    kinds = [kind for kind, number in numbers.items() for _ in range(number)]
    dice.shuffle(kinds)
    width = max(4, len(str(len(kinds))))
    seen = dict.fromkeys(Kind, 0)
    plans = []
    for number, kind in enumerate(kinds):
        seen[kind] += 1
        arrives = timing.arrive_over * number / len(kinds)
        acts = timing.arrive_over + timing.fade_over * dice.random()
        hold_after = hold = 0.0
        if kind is Kind.HOLD:
            hold_after = policy.warns_after * dice.uniform(0.0, _LATEST_HOLD)
            hold = _longest_hold(policy) * dice.uniform(0.5, 1.0)
        elif kind is Kind.LEAVER:
            acts = timing.arrive_over + policy.idle_timeout * dice.uniform(0.1, _LATEST_LEAVING)
        plans.append(
            Plan(
                name=player_name(kind, number, width, tag),
                kind=kind,
                arrives=arrives,
                acts=acts,
                hold_after=hold_after,
                hold=hold,
                signs_out=seen[kind] % 2 == 0,
                seed=dice.getrandbits(32),
            )
        )
    return plans


def ends_after(plans: Iterable[Plan], timing: Timing, policy: Policy) -> float:
    """Return the seconds from the start until the last thing is due, as far as is known in
    advance."""
    # A player to whom nothing is due must still be left alone for a whole idle timeout.
    end = timing.arrive_over + timing.fade_over + policy.idle_timeout
    for plan in plans:
        if plan.kind is Kind.HOLD:
            end = max(end, plan.acts + plan.hold + policy.idle_timeout)
        elif plan.kind is Kind.LEAVER:
            end = max(end, plan.acts + policy.reload_grace)
    return end


def _longest_hold(policy: Policy) -> float:
    return min(_HOLD_SHARE * policy.idle_timeout, _LONGEST_HOLD)
