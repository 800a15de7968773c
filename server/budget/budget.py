"""One budget for what lasts: every row that stays in the database is paid for by a player.

Consequences are charged, causes are refused. What has happened is charged where its row is queued,
at its price, and is never dropped; whoever has spent their budget is refused where rows have their
cause: signing in, connecting, opening a room, beginning a match, a move. So no cause has to know
what follows from it, and no way around a limit leads past the budget.

A guest's rows are paid for by their address as well, as guests cost nothing to make. Registered
players do not pay by address: no neighbour can stop them.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from server.base.ids import PlayerId
from server.base.rates import Debts
from server.budget.limits import Limits

_Payers: TypeAlias = tuple[tuple[Debts[str], str], ...]
"""Networks, with the debts of networks as wide."""


class Budget:
    """What players, and networks of guests, have spent. Instants are presence time.

    `networks` of a client: narrowest first, none if limits by address do not apply.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self.kept = 0
        """The bytes charged since the start."""
        self.is_disk_behind: Callable[[], bool] = lambda: False
        """Returns True while too much waits for the disk to begin what leads to more."""
        self._limits = limits
        self._players: Debts[PlayerId] = Debts(limits.player, limits.counted_keys)
        self._by_width: list[Debts[str]] = []
        self._guests: dict[PlayerId, _Payers] = {}

    def let_in(self, guest: PlayerId, networks: Sequence[str]) -> None:
        """From now on the rows of `guest` are paid for by these networks as well. Who came in from
        some stays with them."""
        self._guests.setdefault(guest, self._payers(networks))

    def knows(self, guest: PlayerId) -> bool:
        """Return True if this guest was let in, in this process, and not forgotten."""
        return guest in self._guests

    def networks_of(self, player: PlayerId) -> tuple[str, ...]:
        """Return the networks that pay for a guest, narrowest first; none for other players."""
        return tuple(network for _, network in self._guests.get(player, ()))

    def forget(self, guest: PlayerId) -> None:
        """The last session of `guest` ended. What they owe stays owed."""
        self._guests.pop(guest, None)

    def charge(self, player: PlayerId, size: int, now: float) -> None:
        """Charge `size` bytes to a player."""
        self.kept += size
        self._players.charge(player, size, now)
        for debts, network in self._guests.get(player, ()):
            debts.charge(network, size, now)

    def wait(self, player: PlayerId, now: float) -> float:
        """Return the seconds until `player` may cause rows; 0.0 if they may now."""
        wait = self._players.wait(player, now)
        for debts, network in self._guests.get(player, ()):
            wait = max(wait, debts.wait(network, now))
        return wait

    def wait_to_begin(self, player: PlayerId, now: float) -> float:
        """Return the seconds until `player` may begin what leads to many rows, such as a match. Not
        while too much waits for the disk: what has begun goes on, and its rows are kept in
        memory."""
        wait = self.wait(player, now)
        return max(wait, self._limits.disk_retry) if self.is_disk_behind() else wait

    def wait_of_newcomer(self, networks: Sequence[str], now: float) -> float:
        """Return the seconds until another guest may come in from these networks; 0.0 if they may
        now."""
        waits = (debts.wait(network, now) for debts, network in self._payers(networks))
        return max(waits, default=0.0)

    def _payers(self, networks: Sequence[str]) -> _Payers:
        limits = self._limits
        while len(self._by_width) < len(networks):
            times = limits.wider_network ** len(self._by_width)
            self._by_width.append(Debts(limits.address.times(times), limits.counted_keys))
        return tuple(zip(self._by_width, networks, strict=False))
