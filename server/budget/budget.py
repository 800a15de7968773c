"""One budget for what lasts: every row that stays in the database is paid for by a player.

Consequences are charged, causes are refused. What has happened is charged where its row is queued,
at its price, and is never dropped; whoever has spent their budget is refused where rows have their
cause: signing in, connecting, opening a room, beginning a match, a move. So no cause has to know
what follows from it, and no way around a limit leads past the budget.

Rows are paid for by the network as well from which their player came in, as there can be any number
of players there. Guests and registered players have budgets apart. Of registered players those pay
together who have been registered as long, and with them all who have been for longer: so a network
has no more kept however many are registered there, and nobody is stopped by accounts that are newer
than their own.

Of a network that has spent its budget, what leads to many rows is refused first, and a move of a
match that runs last.

What is written again and again, and kept once, is charged to the network of whoever causes it, and
written later when that has spent too much: this stops nobody.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from server.base.ids import PlayerId
from server.base.networks import debts_by_width, longest_wait
from server.base.rates import Debts, Rate
from server.budget.limits import Limits

BURSTS = _TO_BEGIN, _TO_GO_ON, _TO_MOVE = 1.0, 1.5, 2.0
"""How many bursts a network may have spent for a player to begin something, to go on, and to make a
move."""

_Debts: TypeAlias = Debts[str]


class _Payers(NamedTuple):
    """The networks of a player: with the debts that stop them, with all that are charged, and with
    those for what is written again and again. `crowds`: see `Budget.crowds_of`."""

    checked: tuple[tuple[_Debts, str], ...]
    charged: tuple[tuple[_Debts, str], ...]
    writing: tuple[tuple[_Debts, str], ...]
    crowds: tuple[str, ...]
    is_established: bool


_NOBODY = _Payers((), (), (), (), is_established=True)


class Budget:
    """What players and networks have spent. Instants are presence time.

    `networks` of a client: narrowest first, none if limits by address do not apply. `age`: for how
    many seconds a player has been registered; None for a guest.
    """

    def __init__(
        self,
        limits: Limits = Limits(),
        is_disk_behind: Callable[[], bool] = lambda: False,
        reserve_left: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """`is_disk_behind`: returns True while too much waits for the disk to begin what leads to
        more. `reserve_left`: returns which part is free of the space that the disk keeps for
        players who are established, 1.0 or more while it is not touched."""
        self.kept = 0
        """The bytes charged since the start."""
        self._limits = limits
        self._is_disk_behind = is_disk_behind
        self._reserve_left = reserve_left
        self._players: Debts[PlayerId] = Debts(limits.player, limits.counted_keys)
        self._guests = [self._of_networks(limits.address)]
        # By age, from the newest on.
        self._registered = [
            self._of_networks(limits.registered_of_address, len(limits.ages) + 1 - newer)
            for newer in range(len(limits.ages) + 1)
        ]
        self._writing = self._of_networks(limits.written)
        self._payers: dict[PlayerId, _Payers] = {}

    def let_in(self, player: PlayerId, networks: Sequence[str], age: float | None) -> None:
        """From now on the rows of `player` are paid for by these networks as well. Who came in from
        some stays with them."""
        if player not in self._payers:
            self._payers[player] = self._payers_of(networks, age)

    def knows(self, player: PlayerId) -> bool:
        """Return True if this player was let in, in this process, and not forgotten."""
        return player in self._payers

    def crowds_of(self, player: PlayerId) -> tuple[str, ...]:
        """Return names of the crowds in which a player is, of each network from which they came in,
        narrowest first: all its guests, or all its registered players who are not established. An
        established player is in none."""
        return self._payers.get(player, _NOBODY).crowds

    def forget(self, player: PlayerId) -> None:
        """`player` has neither a session nor a match any more. What they owe stays owed."""
        self._payers.pop(player, None)

    def charge(self, player: PlayerId, size: int, now: float) -> None:
        """Charge `size` bytes to a player."""
        self.kept += size
        self._players.charge(player, size, now)
        for debts, network in self._payers.get(player, _NOBODY).charged:
            debts.charge(network, size, now)

    def wait(self, player: PlayerId, now: float) -> float:
        """Return the seconds until `player` may cause rows; 0.0 if they may now."""
        return self._wait(player, now, _TO_GO_ON)

    def wait_to_move(self, player: PlayerId, now: float) -> float:
        """Return the seconds until `player` may make a move of a match that runs. Refused last:
        others wait for it, and a snake dies without."""
        return self._wait(player, now, _TO_MOVE)

    def wait_to_begin(self, player: PlayerId, now: float) -> float:
        """Return the seconds until `player` may begin what leads to many rows, such as a match. Not
        while too much waits for the disk: what has begun goes on, and its rows are kept in
        memory."""
        wait = self._wait(player, now, _TO_BEGIN)
        left = self._reserve_left()
        is_established = self._payers.get(player, _NOBODY).is_established
        if self._is_disk_behind() or left < (0.5 if is_established else 1.0):
            return max(wait, self._limits.disk_retry)
        return wait

    def wait_of_newcomer(self, networks: Sequence[str], now: float, age: float | None) -> float:
        """Return the seconds until another player may come in from these networks who was never
        here; 0.0 if they may now."""
        return longest_wait(self._payers_of(networks, age).checked, now)

    def charge_writing(self, player: PlayerId, size: int, now: float) -> None:
        """Charge `size` bytes, which take the place of others, to the networks of who caused that
        they are written."""
        for debts, network in self._payers.get(player, _NOBODY).writing:
            debts.charge(network, size, now)

    def wait_to_write(self, player: PlayerId, now: float) -> float:
        """Return the seconds until more may be written because of `player`; 0.0 if it may now."""
        return longest_wait(self._payers.get(player, _NOBODY).writing, now)

    @property
    def is_disk_low(self) -> bool:
        """True while the disk has no space for players who were never here."""
        return self._reserve_left() < 1.0

    def _wait(self, player: PlayerId, now: float, bursts: float) -> float:
        checked = self._payers.get(player, _NOBODY).checked
        return max(self._players.wait(player, now), longest_wait(checked, now, bursts))

    def _of_networks(self, rate: Rate, ages: int = 1) -> tuple[_Debts, ...]:
        """Return the debts of networks of each width, which are charged by so many ages."""
        limits = self._limits
        # Each may spend its bursts, and a little more follows from that: all is to be paid back.
        most = ages * _TO_MOVE + 1.0
        return debts_by_width(rate, limits.wider_network, limits.counted_keys, most)

    def _payers_of(self, networks: Sequence[str], age: float | None) -> _Payers:
        limits = self._limits
        step = 0 if age is None else sum(age >= each for each in limits.ages)
        by_age = self._guests if age is None else self._registered
        # Those who are older are not stopped by this one, but they are in the way of it.
        charged = [zip(by_width, networks, strict=False) for by_width in by_age[: step + 1]]
        who = "guests" if age is None else "registered"
        is_established = age is not None and age >= limits.established
        return _Payers(
            tuple(zip(by_age[step], networks, strict=False)),
            tuple(payer for of_age in charged for payer in of_age),
            tuple(zip(self._writing, networks, strict=False)),
            () if is_established else tuple(f"{who} {network}" for network in networks),
            is_established=is_established,
        )
