"""A simulated player: does its part of the plan, and records what happens.

Nothing is judged here. What no plan contains, such as a lost connection, is recorded as trouble.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import assert_never

from scripts.idle_players.observer import Observer
from scripts.idle_players.plans import Plan
from scripts.idle_players.rules import Absence, Kind, Met, Policy, Record, What, due_to
from scripts.idle_players.visit import Visit, VisitRefused
from server.client import Address, Connection, ConnectionLost, Received, Unknown, Unreachable
from server.wire.messages import ClientMessage, Held, Hold, Ping, Pong, SignedOut, Warning_

_CLOSES = {
    "idle_timeout": (What.SIGN_OUT, 4501),
    "signed_out": (What.OWN_SIGN_OUT, 4503),
}


@dataclass(frozen=True)
class Run:
    """What all players share."""

    address: Address
    policy: Policy
    observer: Observer
    start: float
    """The instant from which the plans count."""
    timeout: float
    """Seconds to wait for what is overdue."""
    sign_ins: asyncio.Semaphore
    """Limits concurrent sign-ins."""
    progress: Counter[str]
    """Counts of what has happened, for the display."""


class Player:
    """One simulated player."""

    def __init__(self, plan: Plan, run: Run) -> None:
        self.plan = plan
        self.record = Record(plan.name, plan.kind)
        self.visit: Visit | None = None
        self.arrived = asyncio.Event()
        self._run = run
        self._policy = run.policy
        self._dice = random.Random(plan.seed)
        self._listener: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._held = asyncio.Event()
        self._said_to_be_signed_out: tuple[str, float] | None = None

    async def play(self) -> None:
        """Play the plan to its end. Raises VisitRefused if this address may have no more players.
        Cancelling stops at once, without closing the connection."""
        try:
            await self._sleep_until(self._run.start + self.plan.arrives)
            async with self._run.sign_ins:
                await self._arrive()
            await self._behave()
        except VisitRefused as refused:
            if refused.is_rate_limit:
                raise
            self.record.trouble.append(str(refused))
        except ConnectionLost:
            pass  # the listener records it
        except Unreachable as unreachable:
            self.record.trouble.append(str(unreachable))

    @property
    def is_over(self) -> bool:
        """True if the connection was closed, not by the player."""
        return self._over.is_set()

    async def stop(self) -> None:
        """Stop recording."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])

    # What each kind does

    async def _behave(self) -> None:
        match self.plan.kind:
            case Kind.ACTIVE:
                await self._play_until(float("inf"))
            case Kind.FLAPPER:
                await self._flap()
            case Kind.IDLE | Kind.HOLD:
                await self._fall_idle()
            case Kind.LEAVER:
                await self._depart()
            case _ as unreachable:
                assert_never(unreachable)

    async def _fall_idle(self) -> None:
        await self._play_until(self._run.start + self.plan.acts)
        await self._ping()
        self.record.is_quiet = True
        if self.plan.hold:
            await self._sleep_until(self.record.last_activity + self.plan.hold_after)
            if not self.record.met:
                await self._hold()
        await self._see_it_through()

    async def _hold(self) -> None:
        sent = monotonic()
        await self._send(Hold(seconds=self.plan.hold))
        try:
            async with asyncio.timeout(self._run.timeout):
                await self._held.wait()
        except TimeoutError:
            self.record.trouble.append("a hold was not answered")
        self.record.hold_sent = sent

    async def _depart(self) -> None:
        assert self.visit is not None
        await self._play_until(self._run.start + self.plan.acts)
        if self._over.is_set():
            return
        if self.plan.signs_out:
            self.record.signed_out_at = monotonic()
            status = await self.visit.sign_out()
            if status != 204:
                self.record.trouble.append(f"signing out was answered with {status}")
        else:
            self.record.left_at = monotonic()
            await self._close()
        await self._see_it_through()

    async def _flap(self) -> None:
        policy = self._policy
        while not self._over.is_set():
            pause = policy.idle_timeout * self._dice.uniform(0.08, 0.25)
            await self._play_until(monotonic() + pause)
            is_closing = self._dice.random() < 0.5
            grace = policy.reload_grace if is_closing else policy.reconnect_grace
            if grace == 0 or self._over.is_set():
                continue
            absence = Absence(monotonic(), grace)
            self.record.absences.append(absence)
            if is_closing:
                await self._close()
            else:
                await self._abort()
            longest = min(grace / 2, policy.lively / 2)
            await self._sleep_until(absence.since + longest * self._dice.random())
            await self._connect()
            absence.until = monotonic()

    # Actions

    async def _arrive(self) -> None:
        self.visit = await Visit.sign_in(self._run.address, self.plan.name)
        await self._connect()
        self.arrived.set()
        self._run.progress["arrived"] += 1

    async def _connect(self) -> None:
        assert self.visit is not None
        hello = await self.visit.connect()
        if hello.session.id != self.visit.session_id:
            self.record.trouble.append("came back to another session")
        self._listener = asyncio.create_task(self._listen(self.visit.connection))

    async def _close(self) -> None:
        assert self.visit is not None
        await self.stop()
        await self.visit.close()

    async def _abort(self) -> None:
        assert self.visit is not None
        await self.stop()
        self.visit.abort()

    async def _play_until(self, instant: float) -> None:
        """Ping until `instant`, often enough not to become away."""
        while not self._over.is_set() and (left := instant - monotonic()) > 0:
            await self._ping()
            pause = self._policy.lively * self._dice.uniform(0.1, 0.7)
            if pause >= left:
                # Not by another turn of the loop: timers are too coarse for the rest, and the
                # player would ping without a pause.
                await self._pause(left)
                return
            await self._pause(pause)

    async def _ping(self) -> None:
        self.record.last_activity = monotonic()
        await self._send(Ping())

    async def _send(self, message: ClientMessage) -> None:
        assert self.visit is not None
        await self.visit.send(message)

    # Waiting

    async def _see_it_through(self) -> None:
        """Wait until all that is due has come, or is overdue by more than the timeout."""
        assert self.visit is not None
        due = due_to(self.record, self._policy)
        latest = max(due.values()) + self._run.timeout
        if What.LEAVING not in due or self._run.observer.is_blind:
            await self._pause(latest - monotonic())
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(latest - monotonic()):
                if due.keys() != {What.LEAVING}:
                    await self._over.wait()
                await self._run.observer.saw_leave(self.visit.player_id)
        if self._said_to_be_signed_out is not None and not self._over.is_set():
            self.record.trouble.append("was signed out, but the connection stayed open")

    async def _pause(self, seconds: float) -> None:
        """Sleep, at most as long as the connection lasts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _sleep_until(self, instant: float) -> None:
        await self._pause(max(instant - monotonic(), 0.0))

    # Messages

    async def _listen(self, connection: Connection) -> None:
        async for message in connection:
            self._hear(message, monotonic())
        self._closed(connection.close_code)

    def _hear(self, message: Received, at: float) -> None:
        match message:
            case Pong():
                pass
            case Held():
                self.record.held = message.seconds
                self._held.set()
            case Warning_(reason=reason):
                fault = "" if reason == "idle_timeout" else f"a warning of {reason}"
                self.record.met.append(Met(What.WARNING, at, fault))
                self._run.progress["warned"] += 1
            case SignedOut():
                self._said_to_be_signed_out = message.reason, at
            case Unknown():
                self.record.trouble.append(f"was sent {message.text!r}, which is no message")
            case _:
                self.record.trouble.append(f"was sent {message}")

    def _closed(self, code: int) -> None:
        """The connection was closed by the server, or lost."""
        self._over.set()
        if self._said_to_be_signed_out is None:
            self.record.trouble.append(f"the connection was lost ({code})")
            return
        reason, at = self._said_to_be_signed_out
        what, expected = _CLOSES.get(reason, (What.SIGN_OUT, None))
        fault = "" if code == expected else f"signed out for {reason}, closed with {code}"
        self.record.met.append(Met(what, at, fault))
        self._run.progress["signed out"] += 1
