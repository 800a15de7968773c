"""The figures to reach, all of them.

Those of a baseline are ratios within one run, and hold on any machine. Absolute ones are for
5,000 connections and a server on one core: a slower machine may miss them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """A target in words, and whether it was reached: None if there is none, or it is not judged."""

    target: str
    is_met: bool | None = None
    is_absolute: bool = False
    """It is for a full run."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a figure in `unit`; if there is a `baseline`, on the ratio to that.

    `part` names the figure if a row has several. `is_least`: the bound is a lower one.
    """

    bound: float
    unit: str = ""
    baseline: str = ""
    part: str = ""
    is_least: bool = False

    def check(self, value: float) -> Criterion:
        """Compare a figure, which is missed if it is nan."""
        is_met = value >= self.bound if self.is_least else value <= self.bound
        return Criterion(str(self), is_met, self._is_absolute)

    @property
    def _is_absolute(self) -> bool:
        return not self.baseline and self.bound != 0

    def __str__(self) -> str:
        bound = f"{'>=' if self.is_least else '<='} {self.bound:,.6g}"
        if self.baseline:
            text = f"{bound} of {self.baseline}"
        elif self._is_absolute:
            text = f"{bound} {self.unit}".rstrip() + ", absolute"
        else:
            text = f"0 {self.unit}"
        return f"{self.part} {text}".lstrip()


def at_least(bound: float, unit: str = "", baseline: str = "") -> Target:
    """Return a target with a lower bound."""
    return Target(bound, unit, baseline, is_least=True)


# The core

TOUCH = Target(0.5, "us")
SESSION_MEMORY = Target(1024, "B")

# Connections

PINGS = at_least(0.85, baseline="echo")
PING_COST = Target(7.0, "us", part="CPU")
IDLE_MEMORY = Target(1.5, baseline="echo")
"""Of a connection and its signed-in guest."""

USED_MEMORY = Target(2.5, "KiB")
"""Of a connection alone, after pings."""

CONNECT = Target(0.5, baseline="echo")
CONNECT_COST = Target(55, "us")
PROXIED_CONNECT = Target(1.5, baseline="direct")
IDLE_PROCESSOR = Target(0.8, "%")
SIGN_INS = {8: at_least(2_800, "a second"), 64: at_least(4_500, "a second")}
"""By the connections on which guests sign in concurrently."""

# Deadlines

SIGN_OUT_LATE = {
    0.5: Target(2.5, "ms", part="p50"),
    0.99: Target(7, "ms", part="p99"),
    1.0: Target(15, "ms", part="max"),
}
"""By the share of sign-outs that are no later."""

WARNING_LATE = Target(50, "ms", part="p99")
EARLY = Target(0, "early")
MISSING = Target(0, "not told")
STORM_LAST = Target(0.30, "s")
STORM_TRIP = Target(20, "ms")
LOBBY_LAST = Target(0.13, "s")

# Lobbies

JOINED_LAST = Target(1.07, "s")
JOINED_SIZE, LEFT_SIZE = Target(18_200, "B"), Target(6_000, "B")
"""For each watcher; a name has 13 characters."""

WAVE_TRIP = Target(20, "ms")

# The disk, and passwords

CHANGES = at_least(10_000, "a second")
CHANGE_WRITTEN = Target(100, "ms")
HASHES_TRIP = Target(50, "ms")
