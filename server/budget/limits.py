"""The limits of what one player makes the server keep for good. SECURITY.md publishes them."""

import msgspec

from server.base.rates import Rate


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the budget, in bytes of the database, indexes included."""

    player: Rate = Rate(300, 131_072)
    """What one player may have kept. A person who turns a snake three times a second all the time
    needs 250 bytes a second, one match of Connect Four after the other less."""

    address: Rate = Rate(16_384, 8_388_608)
    """What all guests from one address may have kept, where a whole school may play. From then on
    they begin nothing; half of a burst later nobody connects, and with two, nobody moves."""

    registered_of_address: Rate = Rate(32_768, 16_777_216)
    """The same for all registered players who came in there, together with those of them who have
    been registered for longer."""

    written: Rate = Rate(1_048_576, 8_388_608)
    """What all players from one address may have written of rooms, in whole pages: documents and
    lines of chat, which take the place of others. Beyond it they are written later. 150 matches
    that tick, of two players each, need 0.6 MB a second."""

    ages: tuple[float, ...] = (7 * 86_400.0, 30 * 86_400.0, 365 * 86_400.0)
    """Seconds since players were registered, from which on they have been for longer than
    others."""

    established: float = 30 * 86_400.0
    """Seconds since a player was registered, from which on they count as established: who is not
    can begin nothing while the disk is nearly full."""

    wider_network: int = 2
    """How many times as much a network may have kept, or written, that is eight bits wider than an
    IPv6 /64, which counts as one address. Less than of other limits: the disk is everybody's, and a
    tunnel with a /48 costs nothing."""

    disk_retry: float = 5.0
    """Seconds after which a player may try again who was refused a match because too much waits for
    a failing disk."""

    counted_keys: int = 100_000
    """Players, and networks, that each memory of debts keeps in its newer half: some 10 MiB."""
