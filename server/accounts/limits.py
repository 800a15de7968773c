"""What accounts allow, in one place. SECURITY.md publishes these numbers."""

import msgspec

from server.base.limits import Quota


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on attempts, names and passwords. Lengths are in characters."""

    guesses_per_name: Quota = Quota(10, 300)
    """Wrong passwords for one name from one address."""

    guesses_per_address: Quota = Quota(100, 300)
    """Wrong passwords from one address, over all names."""

    players_per_address: Quota = Quota(60, 600)
    """New players from one address: a school behind one address can still play."""

    counted_keys: int = 50_000
    """Keys that each window of attempts remembers: some 30 MiB. It takes 500 addresses that guess
    all the time to make it forget one."""
