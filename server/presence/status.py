"""Status and reason: what a session can be, why it changed, and which changes are possible."""

from enum import StrEnum


class Status(StrEnum):
    """The status of a session. That of a player is the first of their sessions' in this order."""

    ACTIVE = "active"
    AWAY = "away"
    WARNED = "warned"
    RECONNECTING = "reconnecting"
    OFFLINE = "offline"

    @property
    def may_be_active(self) -> bool:
        """True if the player is active, or was just cut off, so that nothing speaks against it."""
        return self in (Status.ACTIVE, Status.RECONNECTING)

    @property
    def is_here(self) -> bool:
        """True unless offline; `is_currently_active` in the database."""
        return self is not Status.OFFLINE


class Reason(StrEnum):
    """Why a status changed, or why a session ended."""

    SIGNED_IN = "signed_in"
    ACTIVITY = "activity"
    IDLE = "idle"
    WARNING = "warning"
    CONNECTED = "connected"
    CONNECTION_LOST = "connection_lost"
    LEFT = "left"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    IDLE_TIMEOUT = "idle_timeout"
    SESSION_LIFETIME = "session_lifetime"
    KICKED = "kicked"
    REPLACED = "replaced"
    SERVER_RESTART = "server_restart"


ENDINGS = frozenset(
    {
        Reason.SIGNED_OUT,
        Reason.SIGNED_OUT_EVERYWHERE,
        Reason.IDLE_TIMEOUT,
        Reason.SESSION_LIFETIME,
        Reason.KICKED,
        Reason.REPLACED,
    }
)
"""The reasons for which a session ends; any other only moves its status."""

LEAVING = frozenset({Reason.LEFT, Reason.SIGNED_OUT, Reason.SIGNED_OUT_EVERYWHERE})
"""The reasons for which a player went offline on purpose."""

_RANK = {status: rank for rank, status in enumerate(Status)}
_RETURNS = frozenset({Reason.CONNECTED, Reason.ACTIVITY})
_DROPS = frozenset({Reason.CONNECTION_LOST, Reason.LEFT, Reason.SERVER_RESTART})


def best(statuses: "list[Status]") -> Status:
    """Return a player's status from those of their sessions; offline without any."""
    return min(statuses, key=_RANK.__getitem__, default=Status.OFFLINE)


class ImpossibleChange(AssertionError):
    """The registry was about to make a change that no rule allows: a bug, never bad input."""

    def __init__(self, before: Status, after: Status, reason: Reason) -> None:
        self.before, self.after, self.reason = before, after, reason

    def __str__(self) -> str:
        return f"a session cannot go from {self.before} to {self.after} for {self.reason}"


def check_change(before: Status, after: Status, reason: Reason) -> None:
    """Raise ImpossibleChange unless `reason` may take a session from `before` to `after`."""
    if reason not in _ALLOWED.get((before, after), ()):
        raise ImpossibleChange(before, after, reason)


_PRESENT = (Status.ACTIVE, Status.AWAY, Status.WARNED)

_ALLOWED: dict[tuple[Status, Status], frozenset[Reason]] = {
    (Status.OFFLINE, Status.ACTIVE): _RETURNS | {Reason.SIGNED_IN},
    (Status.OFFLINE, Status.AWAY): _RETURNS,
    (Status.OFFLINE, Status.WARNED): _RETURNS,
    (Status.ACTIVE, Status.AWAY): frozenset({Reason.IDLE}),
    # CONNECTED too: without a connection no warning could be sent before.
    (Status.ACTIVE, Status.WARNED): frozenset({Reason.WARNING, Reason.CONNECTED}),
    (Status.AWAY, Status.WARNED): frozenset({Reason.WARNING, Reason.CONNECTED}),
    (Status.AWAY, Status.ACTIVE): frozenset({Reason.ACTIVITY}),
    (Status.WARNED, Status.ACTIVE): frozenset({Reason.ACTIVITY}),
    # A hold withdraws the warning; the player stays idle.
    (Status.WARNED, Status.AWAY): frozenset({Reason.IDLE}),
    **{(before, Status.RECONNECTING): _DROPS for before in _PRESENT},
    **{(Status.RECONNECTING, after): _RETURNS for after in _PRESENT},
    **{(before, Status.OFFLINE): ENDINGS | _DROPS for before in (*_PRESENT, Status.RECONNECTING)},
}
"""The reasons for each possible change. A table, as it is consulted at every change."""
