"""The audit log: sessions that begin and end, and refusals (ASVS 5.0, 16.3).

It contains the public ids of sessions and players, which are no credentials, and the addresses of
refused peers. It contains no names, as people type passwords into fields for names.

It also contains what is wrong with a trusted proxy, as a warning.

The lines of a minute are bounded, and those left out are counted, so that an attacker cannot fill
the disk. The database has every change of every session anyway (`status_changes`).
"""

import asyncio
import logging
from collections import Counter

from server.base.ids import PlayerId, SessionId
from server.base.text import printable
from server.observe.limits import Limits
from server.presence.events import SessionEnded, SessionSlept, SessionStarted
from server.presence.session import Session

_log = logging.getLogger("stillhere.audit")
_OTHERS = "other addresses"
_SOCKETS = "sockets"


class Audit:
    """Writes the lines, most at INFO. Call it within the event loop, and `close` it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since = 0.0
        self._lines = 0
        self._unwritten: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._silent: set[bool] = set()

    # What is logged

    def hear(self, event: SessionStarted | SessionSlept | SessionEnded) -> None:
        """Subscriber: sessions that begin, sleep and end."""
        match event:
            case SessionStarted():
                self._log_session("opened", event.session_id, event.player_id)
            case SessionSlept():
                self._log_session("asleep: idle_timeout", event.session_id, event.player_id)
            case SessionEnded(reason=reason):
                self._log_session(f"ended: {reason}", event.session_id, event.player_id)

    def refused(self, why: str, address: str, player: PlayerId | None = None) -> None:
        """A peer at `address` was refused; `why` is the code of the answer, `player` the account it
        tried to sign in to, if that exists."""
        self._turn()
        # Printable: a trusted proxy may pass on anything.
        key = why, printable(address[: self._limits.audit_address])
        if key not in self._refused and len(self._refused) >= self._limits.audit_addresses:
            key = why, _OTHERS
        if self._take_line(key):
            target = "" if player is None else f", as {player}"
            _log.info("refused: %s, from %s%s", *key, target)

    def cut_off(self, why: str, session: Session) -> None:
        """A socket of `session` was closed because of its client; `why` is the close reason.
        Counted by reason alone: a single client can have enough sockets and sessions to fill a
        table."""
        self._turn()
        if self._take_line((why, _SOCKETS)):
            _log.info("refused: %s, a socket of %s of %s", why, session.id, session.player.id)

    def silent_proxy(self, address: str, is_limited: bool) -> None:
        """A trusted proxy at `address` does not tell the address of its client; `is_limited`:
        limits by address apply all the same. Logged once each, as a program on this machine may be
        meant."""
        if is_limited in self._silent:
            return
        self._silent.add(is_limited)
        effect = (
            "its clients share the limits of one address"
            if is_limited
            else "if it is a proxy, no limit by address applies to its clients"
        )
        _log.warning("%s is a trusted proxy and sends no X-Forwarded-For: %s", address, effect)

    def close(self) -> None:
        """Log the counts of lines left out."""
        self._sum_up()

    # How much of it is logged

    def _log_session(self, what: str, session: SessionId, player: PlayerId) -> None:
        self._turn()
        self._lines += 1
        if self._lines <= self._limits.audit_lines:
            _log.info("session %s of %s %s", session, player, what)
        else:
            self._unwritten[what] += 1
            self._sum_up_later()

    def _take_line(self, refusal: tuple[str, str]) -> bool:
        """Count a refusal; return False if the window has enough lines about it."""
        self._refused[refusal] += 1
        if self._refused[refusal] <= self._limits.audit_lines_of_one and refusal[1] != _OTHERS:
            return True
        self._sum_up_later()
        return False

    def _turn(self) -> None:
        """Begin a new window if the present one is over."""
        now = asyncio.get_running_loop().time()
        if now >= self._since + self._limits.audit_window:
            self._sum_up()
            self._since = now

    def _sum_up_later(self) -> None:
        # Only if lines were left out: an idle server has no timer.
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._since + self._limits.audit_window, self._sum_up)

    def _sum_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for what, count in self._unwritten.items():
            _log.info("%d more sessions %s", count, what)
        for (why, address), count in self._refused.items():
            written = 0 if address == _OTHERS else self._limits.audit_lines_of_one
            if count > written:
                _log.info("refused: %s, from %s, %d times more", why, address, count - written)
        self._lines = 0
        self._unwritten.clear()
        self._refused.clear()
