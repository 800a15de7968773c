"""What answers may take: their bytes are charged to who asked, and long answers wait for that.

Every answer of the API is charged when it is sent. Refused are only the calls whose answers can be
long (`Call`), before anything is read, so nobody is kept from staying, leaving or signing out.
"""

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.errors import TooManyAttempts
from server.accounts.place import WIDTHS
from server.base.clock import Clock
from server.base.rates import Debts, Rate
from server.base.units import to_wait
from server.web.caller import Caller
from server.web.limits import Limits
from server.wire.credentials import place_of

_PREFIX = "/api/"
DOCUMENT = "/openapi.json"


class TooMuchSent(TooManyAttempts):
    """A long answer is refused: who asks has been sent enough for now."""

    why = "Lists and histories were sent here as fast as is allowed."


class Allowance:
    """The debts of who asks for something: of the player of the session, and, for a guest or
    without a session, of the networks of the client, if limits by address apply."""

    def __init__(self, debts: Sequence[tuple[Debts[Any], str]], clock: Clock) -> None:
        self._debts = debts
        self._clock = clock

    def check(self) -> None:
        """Raise TooMuchSent if they have nothing to spend."""
        now = self._clock.now()
        wait = max((debts.wait(key, now) for debts, key in self._debts), default=0.0)
        if wait > 0:
            raise TooMuchSent(to_wait(wait))

    def charge(self, size: int) -> None:
        """Charge so many bytes."""
        now = self._clock.now()
        for debts, key in self._debts:
            debts.charge(key, size, now)


class ChargeAnswers:
    """Pure ASGI middleware, within `IdentifyCaller`: charges the bodies of answers. That of an
    answer to HEAD too: it is made, though not sent."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        keys = limits.counted_keys
        self._players = Debts[str](limits.answers_of_player, keys)
        self._networks = [
            Debts[str](each, keys) for each in _of_networks(limits.answers_of_address, limits)
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith((_PREFIX, DOCUMENT)):
            await self._app(scope, receive, send)
            return
        allowance = scope["allowance"] = Allowance(self._debts_of(scope), self._clock)

        async def send_and_charge(message: Message) -> None:
            # Before it is sent, which can take long: others are asked for meanwhile.
            if message["type"] == "http.response.body":
                allowance.charge(len(message.get("body", b"")))
            await send(message)

        await self._app(scope, receive, send_and_charge)

    def _debts_of(self, scope: Scope) -> list[tuple[Debts[str], str]]:
        caller: Caller | None = scope.get("caller")
        session = None if caller is None else caller.session
        found: list[tuple[Debts[str], str]] = []
        if session is not None:
            found.append((self._players, session.player.id))
        # Guests cost nothing to make. No neighbour stops a registered player.
        if session is None or session.player.guest:
            found += zip(self._networks, place_of(scope).networks, strict=False)
        return found


def check_allowance(scope: Scope) -> None:
    """Raise TooMuchSent if who makes this request has been sent enough for now."""
    allowance: Allowance = scope["allowance"]
    allowance.check()


def _of_networks(rate: Rate, limits: Limits) -> list[Rate]:
    """Return the rates of networks, narrowest first, of which an address has `rate`."""
    times = [limits.wider_network**step for step in range(len(WIDTHS))]
    return [Rate(rate.per_second * each, rate.burst * each) for each in times]
