"""Detects dead peers: a silent peer is pinged, and given up if it stays silent. Pure; instants are
seconds of one clock."""

from typing import NamedTuple


class Check(NamedTuple):
    """What to do about a peer, and in how many seconds to check again."""

    pings: bool
    gives_up: bool
    after: float


def check_peer(
    interval: float, timeout: float | None, now: float, heard_at: float, pinged_at: float | None
) -> Check:
    """Check a peer last heard at `heard_at`, and pinged at `pinged_at` if not heard since. It is
    pinged after `interval` of silence, and given up `timeout` later; None: never."""
    if pinged_at is not None and heard_at < pinged_at:
        return Check(pings=False, gives_up=True, after=0.0)
    left = heard_at + interval - now
    if left > 0.0:
        return Check(pings=False, gives_up=False, after=left)
    return Check(pings=True, gives_up=False, after=timeout or interval)
