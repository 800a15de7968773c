"""What answers may take: their bytes are charged to who asked, and long answers wait for that.

Every answer of the API is charged when it is sent. Refused are only the calls whose answers can be
long (`Call`), before anything is read, so nobody is kept from staying, leaving or signing out. Of
these, a few for each who asks are read and made at a time: the others wait in line, so that those
of one client fill neither the memory nor the line of the disk.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.errors import TooManyAttempts
from server.accounts.place import WIDTHS
from server.base.clock import Clock
from server.base.rates import Debts
from server.base.units import to_wait
from server.web.caller import Caller
from server.web.limits import Limits
from server.wire.credentials import place_of

_PREFIX = "/api/"
DOCUMENT = "/openapi.json"


class TooMuchSent(TooManyAttempts):
    """A long answer is refused: who asks has been sent enough for now."""

    why = "Lists and histories were sent here as fast as is allowed."


class Lines:
    """One line for each key, in which at most so many are served at a time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        # With how many each line has, so that it is dropped with the last.
        self._lines: dict[str, tuple[asyncio.Semaphore, int]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Wait in line, in the order of arrival, and be served within the context."""
        line, count = self._lines.get(key) or (asyncio.Semaphore(self._at_once), 0)
        self._lines[key] = line, count + 1
        try:
            async with line:
                yield
        finally:
            line, count = self._lines.pop(key)
            if count > 1:
                self._lines[key] = line, count - 1


_Payer: TypeAlias = tuple[Debts[str], Lines, str]


class Allowance:
    """The debts and lines of who asks for something: of the player of the session, and, for a guest
    or without a session, of the networks of the client, if limits by address apply."""

    def __init__(self, payers: Sequence[_Payer], clock: Clock) -> None:
        self._payers = payers
        self._clock = clock

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more of their long answers may be made. Raises TooMuchSent if they have
        nothing to spend, before or after that."""
        self._check()
        async with AsyncExitStack() as stack:
            for _, lines, key in self._payers:
                await stack.enter_async_context(lines.turn(key))
            self._check()
            yield

    def _check(self) -> None:
        now = self._clock.now()
        wait = max((debts.wait(key, now) for debts, _, key in self._payers), default=0.0)
        if wait > 0:
            raise TooMuchSent(to_wait(wait))

    def charge(self, size: int) -> None:
        """Charge so many bytes."""
        now = self._clock.now()
        for debts, _, key in self._payers:
            debts.charge(key, size, now)


class ChargeAnswers:
    """Pure ASGI middleware, within `IdentifyCaller`: charges the bodies of answers. That of an
    answer to HEAD too: it is made, though not sent."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        keys = limits.counted_keys
        self._players = (
            Debts[str](limits.answers_of_player, keys),
            Lines(limits.long_answers_of_player),
        )
        self._networks = [
            (
                Debts[str](limits.answers_of_address.times(times), keys),
                Lines(limits.long_answers_of_address * times),
            )
            for times in (limits.wider_network**step for step in range(len(WIDTHS)))
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith((_PREFIX, DOCUMENT)):
            await self._app(scope, receive, send)
            return
        allowance = scope["allowance"] = Allowance(self._payers_of(scope), self._clock)

        async def send_and_charge(message: Message) -> None:
            # Before it is sent, which can take long: others are asked for meanwhile.
            if message["type"] == "http.response.body":
                allowance.charge(len(message.get("body", b"")))
            await send(message)

        await self._app(scope, receive, send_and_charge)

    def _payers_of(self, scope: Scope) -> list[_Payer]:
        caller: Caller | None = scope.get("caller")
        session = None if caller is None else caller.session
        found: list[_Payer] = []
        if session is not None:
            found.append((*self._players, session.player.id))
        # Guests cost nothing to make. No neighbour stops a registered player.
        if session is None or session.player.guest:
            networks = zip(self._networks, place_of(scope).networks, strict=False)
            found += [(*each, network) for each, network in networks]
        return found


def allowance_of(scope: Scope) -> Allowance:
    """Return the allowance of who makes this request."""
    found: Allowance = scope["allowance"]
    return found
