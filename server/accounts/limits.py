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

    longest_name: int = 40
    """Of a name, once prepared."""

    longest_typed: int = 4
    """Times as long as it may be once prepared that a name or a password may be typed: preparing a
    megabyte would cost more than saying no."""

    longest_sign_in: int = 1000
    """Of a name or a password that is typed to sign in: more is no guess, and refused."""

    marks_on_a_letter: int = 3
    """Of a name: a letter with dozens reaches into the lines above it."""

    shortest_password: int = 8
    """Of a password, once prepared. OWASP ASVS 5.0, 6.2.1: at least 8."""

    longest_password: int = 256
    """Of a password, once prepared. OWASP ASVS 5.0, 6.2.9: at least 64 must be allowed."""

    hash_memory: int = 19_456
    """KiB that hashing a password takes (OWASP Password Storage Cheat Sheet: 19 MiB)."""

    hash_passes: int = 2
    """Passes over that memory; with it, some 20 ms of one core."""

    waiting_passwords: int = 256
    """Passwords that may wait for a thread to hash them; the last of them waits some 5 s."""

    busy_for: int = 5
    """Seconds after which whoever found no place among them is to come back."""

    shortest_key: int = 32
    """Of a secret key: 32 random bytes are 43 characters in base64url."""

    remembered_endings: int = 20_000
    """Sessions whose end is told without asking the disk, the latest."""

    counted_keys: int = 50_000
    """Keys that each window of attempts remembers: some 30 MiB. It takes 500 addresses that guess
    all the time to make it forget one."""
