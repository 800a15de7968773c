"""Where a request comes from, as limits count it."""

from typing import NamedTuple


class Place(NamedTuple):
    """The place of a client. `networks`: narrowest first, and each within the next; none if limits
    by address do not apply. `address`: the narrowest, whether they apply or not."""

    address: str
    networks: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """The networks, widest first; the address alone if limits do not apply."""
        return self.networks[::-1] or (self.address,)
