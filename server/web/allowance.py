"""What answers may take: their bytes are charged to who asked, and long answers wait for that.

Every answer of the API is charged when it is sent. Refused are only the calls whose answers can be
long (`Call`): before anything is read, and again when it is their turn to read from the disk. So
nobody is kept from staying, leaving or signing out.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.errors import TooManyAttempts
from server.base.clock import Clock
from server.base.ids import PlayerId
from server.base.networks import Payer, debts_by_width, longest_wait
from server.base.rates import Debts
from server.base.units import to_wait
from server.web.caller import Caller
from server.web.limits import Limits
from server.wire.credentials import place_of

_PREFIX = "/api/"
DOCUMENT = "/openapi.json"
_NOBODY = ""
"""The last part of the path of who has no session."""


class TooMuchSent(TooManyAttempts):
    """A long answer is refused: who asks has been sent enough for now."""

    why = "Lists and histories were sent here as fast as is allowed."


class Allowance:
    """What who asks may be sent. An `Asker` of `storage/ports.py`."""

    def __init__(
        self,
        path: tuple[str, ...],
        payers: list[Payer],
        crowd: list[Payer],
        in_crowd: list[Payer],
        now: Callable[[], float],
    ) -> None:
        """Each of the `payers` has to have something to spend; and if one of the `crowd`, who are
        all at these places, has not, each of those `in_crowd` has to."""
        self.path = path
        self._payers = payers
        self._crowd = crowd
        self._in_crowd = in_crowd
        self._now = now
        self._is_limited = False

    def limit(self) -> None:
        """The answer can be long: from now on it is refused if they have nothing to spend. Raises
        TooMuchSent."""
        self._is_limited = True
        self.check()

    def check(self) -> None:
        """Raise TooMuchSent if the answer is refused."""
        if self._is_limited:
            now = self._now()
            wait = max(
                longest_wait(self._payers, now),
                # The one or the other is enough.
                min(longest_wait(self._crowd, now), longest_wait(self._in_crowd, now)),
            )
            if wait > 0:
                raise TooMuchSent(to_wait(wait))

    def charge(self, size: int) -> None:
        """Charge so many bytes."""
        now = self._now()
        for debts, key in (*self._payers, *self._crowd, *self._in_crowd):
            debts.charge(key, size, now)


class ChargeAnswers:
    """Pure ASGI middleware, within `IdentifyCaller`: charges the bodies of answers. That of an
    answer to HEAD too: it is made, though not sent.

    A player pays for themselves. A guest, who costs nothing to make, and who has no session pay
    from what their networks have as well. All players of a place are charged to that too; when it
    is spent, those are refused who have been sent more than a little: no neighbour stops others.
    """

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock) -> None:
        self._app = app
        self._now = clock.now
        keys, wider = limits.counted_keys, limits.wider_network
        self._players: Debts[PlayerId] = Debts(limits.answers_of_player, keys)
        self._in_crowd: Debts[PlayerId] = Debts(limits.answers_of_player_in_crowd, keys)
        self._guests = debts_by_width(limits.answers_of_address, wider, keys)
        self._crowds = debts_by_width(limits.answers_of_crowd, wider, keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith((_PREFIX, DOCUMENT)):
            await self._app(scope, receive, send)
            return
        allowance = scope["allowance"] = self._allowance_of(scope)

        async def send_and_charge(message: Message) -> None:
            # Before it is sent, which can take long: others are asked for meanwhile.
            if message["type"] == "http.response.body":
                allowance.charge(len(message.get("body", b"")))
            await send(message)

        await self._app(scope, receive, send_and_charge)

    def _allowance_of(self, scope: Scope) -> Allowance:
        caller: Caller | None = scope.get("caller")
        player = None if caller is None or caller.session is None else caller.session.player
        place = place_of(scope)
        guests: list[Payer] = list(zip(self._guests, place.networks, strict=False))
        if player is None:
            return Allowance((*place.path, _NOBODY), guests, [], [], self._now)
        own: list[Payer] = [(self._players, player.id)]
        return Allowance(
            (*place.path, player.id),
            own + guests if player.guest else own,
            list(zip(self._crowds, place.networks, strict=False)),
            [(self._in_crowd, player.id)],
            self._now,
        )


def allowance_of(scope: Scope) -> Allowance:
    """Return the allowance of who makes this request."""
    found: Allowance = scope["allowance"]
    return found
