"""The ways of leaving, and the bound of each. Pure.

A bound is a sum: the seconds within which the server notices, and the grace in which the player may
come back. The lobby is told within moments of either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from server.presence.policy import Policy

AT_ONCE = 1.0
"""Seconds for departures that a request or the network reports."""

IN_SILENCE = 30.0
"""Seconds for what it must find out by pings, which are 20 s apart and have less than 10 s for the
answer (`server/transport/limits.py`)."""

HIDDEN = 1.0
"""The most seconds for which a lost connection is not shown: a reload takes less."""

TOLERANCE = 0.5
"""Seconds of tolerance for a busy machine, where the measurement is delayed too."""


class Grace(Enum):
    """The setting with the time to come back."""

    NONE = "no grace"
    RELOAD = "reload_grace"
    RECONNECT = "reconnect_grace"
    IDLE = "idle_timeout"
    LIFETIME = "session_lifetime"

    def seconds(self, policy: Policy) -> float:
        return 0.0 if self is Grace.NONE else float(getattr(policy, self.value))


@dataclass(frozen=True, slots=True)
class Way:
    """One way of leaving. `noticed`: within seconds; `since`: what the seconds count from."""

    key: str
    title: str
    noticed: float
    grace: Grace
    since: str = "it"

    @property
    def is_shown_reconnecting(self) -> bool:
        """True if others see that the player may come back."""
        return self.grace in (Grace.RELOAD, Grace.RECONNECT)

    def offline(self, policy: Policy) -> float:
        """Return the seconds within which others see the player leave."""
        return self.noticed + self.grace.seconds(policy)

    def row(self, policy: Policy) -> str:
        """Return a line of the published table."""
        shown = f"{self.noticed + HIDDEN:g} s" if self.is_shown_reconnecting else "-"
        grace = self.grace.seconds(policy)
        kept = f"{grace:g} s (`{self.grace.value}`)" if grace else "-"
        return (
            f"| {self.title} | {self.noticed:g} s | {shown} | {kept} "
            f"| **{self.offline(policy):g} s** |"
        )


WAYS: Sequence[Way] = (
    Way("signed-out", "signs out, here or everywhere", AT_ONCE, Grace.NONE),
    Way("page", "closes the page: leave beacon, close 1001", AT_ONCE, Grace.RELOAD),
    Way("beacon", "closes the page: the beacon alone, then the connection ends", AT_ONCE,
        Grace.RELOAD),
    Way("closed", "closes the socket with 1000", AT_ONCE, Grace.RELOAD),
    Way("crashed", "the browser crashes (its system ends the connection)", AT_ONCE,
        Grace.RECONNECT),
    Way("reset", "the connection is reset (RST)", AT_ONCE, Grace.RECONNECT),
    Way("cable", "silence: the cable is pulled, the phone loses its network", IN_SILENCE,
        Grace.RECONNECT),
    Way("frozen", "silence: the browser is frozen (SIGSTOP), its system still acknowledges",
        IN_SILENCE, Grace.RECONNECT),
    Way("unread", "stops reading what is sent", IN_SILENCE, Grace.RECONNECT),
    Way("killed", "the server is killed and started again, and the player does not come back",
        AT_ONCE, Grace.RECONNECT, "the start"),
    Way("stopped", "the server is stopped and started again, likewise", AT_ONCE,
        Grace.RECONNECT, "the start"),
    Way("idle", "stays, and touches nothing", AT_ONCE, Grace.IDLE, "the last activity"),
    Way("lifetime", "plays on and on", AT_ONCE, Grace.LIFETIME, "signing in"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one player who left; seconds since then, None for never.

    `noticed` is from the server's own record; the others are from the lobby.
    """

    noticed: float | None = None
    reconnecting: float | None = None
    offline: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A way, its bounds under `policy`, and what was seen."""

    way: Way
    policy: Policy
    sights: Sequence[Sight]
    tolerance: float = TOLERANCE

    @property
    def problems(self) -> list[str]:
        """Return a sentence for each bound that was missed."""
        way, found = self.way, []
        if not self.sights:
            return [f"{way.key}: not measured"]
        due = self.way.grace.seconds(self.policy)
        bounds = [("noticed", way.noticed), ("offline", way.offline(self.policy))]
        if way.is_shown_reconnecting:
            bounds.append(("reconnecting", way.noticed + HIDDEN))
        if way.grace in (Grace.IDLE, Grace.LIFETIME):
            bounds[0] = ("noticed", way.offline(self.policy))
        for name, bound in bounds:
            values = [getattr(sight, name) for sight in self.sights]
            if None in values:
                found.append(f"{way.key}: {values.count(None)} of {len(values)} never {name}")
            worst = max((value for value in values if value is not None), default=0.0)
            if worst > bound + self.tolerance:
                found.append(f"{way.key}: {name} after {worst:.2f} s, promised within {bound:g} s")
        if any(sight.offline is not None and sight.offline < due - 0.1 for sight in self.sights):
            found.append(f"{way.key}: offline before {due:g} s, the time to come back, were over")
        return found
