"""The limits of accounts. SECURITY.md publishes these numbers."""

import msgspec

from server.base.rates import Quota


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on attempts, names and passwords. Lengths are in characters."""

    guesses_per_name: Quota = Quota(10, 300)
    """Wrong passwords for one name from one address."""

    guesses_in_a_row: Quota = Quota(100, 86_400)
    """Wrong passwords for one name from everywhere but where its player has signed in, and from
    each place where they have, until so many seconds go by without one (NIST SP 800-63B, 5.2.2: no
    more than 100 in a row)."""

    known_places: int = 10
    """Addresses of one player that are remembered as theirs, the latest."""

    guesses_per_address: Quota = Quota(100, 300)
    """Wrong passwords from one address, over all names."""

    wider_network: int = 8
    """How many times the quota of an address a network has that is eight bits wider: an IPv6 /64
    counts as one address, a /56 has this many times as much, and a /48 this many times that."""

    sign_ins_per_player: Quota = Quota(120, 600)
    """Right passwords of one player at sign-ins, each of which writes a session, and as many at
    changes of the password: each costs as much as a wrong one."""

    sign_ins_per_address: Quota = Quota(600, 600)
    """Right passwords from one address at sign-ins, where a whole school may play, and as many at
    changes of passwords."""

    players_per_address: Quota = Quota(60, 600)
    """New players from one address, where a whole school may play."""

    registered_per_address: Quota = Quota(100, 86_400)
    """Registered players from one address in a day: they are there for good. They are counted when
    it is sure that their names are free, so a few more get through that are asked for at the same
    time, `players_per_address` at the most."""

    longest_name: int = 40
    """Of a prepared name."""

    longest_typed: int = 4
    """How many times longer than that a name or password may be as typed: preparing a megabyte
    would cost more than refusing it."""

    longest_sign_in: int = 1000
    """Of a name or password typed to sign in; longer ones are refused."""

    marks_on_a_letter: int = 3
    """Of a name: with dozens, a letter reaches into the lines above it."""

    shortest_password: int = 8
    """Of a prepared password. OWASP ASVS 5.0, 6.2.1: at least 8."""

    longest_password: int = 256
    """Of a prepared password. OWASP ASVS 5.0, 6.2.9: at least 64 must be allowed."""

    hash_memory: int = 19_456
    """KiB of memory for hashing a password (OWASP Password Storage Cheat Sheet: 19 MiB)."""

    hash_passes: int = 2
    """Passes over that memory: some 20 ms of one core."""

    waiting_passwords: int = 256
    """Hashes of passwords waiting for a thread, of which the last of 256 waits some 5 s. A password
    that keyboards encode differently is one for each of its spellings, four at the most."""

    retry_after_busy: int = 5
    """Seconds after which a client that was refused because of them may try again."""

    retry_after_checking: int = 1
    """Seconds after which a client may try again that was refused because of passwords that are
    still being checked: a check takes some 20 ms."""

    shortest_key: int = 32
    """Of a secret key: 32 random bytes are 43 characters in base64url."""

    remembered_endings: int = 20_000
    """Ended sessions whose reason is kept in memory, the latest."""

    counted_keys: int = 50_000
    """Keys that each window of attempts remembers, and players whose places are: some 30 MiB each.
    It takes 500 addresses that guess all the time to have one dropped."""
