"""What can be wrong with somebody who wants in.

AccountError
 +-- NameRefused          the name cannot be anybody's
 +-- NameTaken            it is somebody's, or looks like somebody's
 +-- PasswordRefused      it cannot be anybody's password
 +-- BadCredentials       no such name with such a password
 +-- TooManyAttempts      come back later
 +-- TooBusy              so many passwords are being checked that this one would wait too long
"""

from server.ids import PlayerId


class AccountError(Exception):
    """Base of all errors of this package; `str()` is a sentence for the person who signs in."""


class NameRefused(AccountError):
    def __init__(self, why: str) -> None:
        super().__init__(why)


class NameTaken(AccountError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"“{name}” is taken, or looks too much like a name that is.")


class PasswordRefused(AccountError):
    def __init__(self, why: str) -> None:
        super().__init__(why)


class BadCredentials(AccountError):
    """`player`: who has that name; for the log, and never for the answer."""

    def __init__(self, player: PlayerId | None = None) -> None:
        self.player = player
        # One sentence for both cases: which names exist is nobody's business.
        super().__init__("There is no player with this name and password.")


class TooManyAttempts(AccountError):
    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"Too many attempts from here. Try again in {retry_after} s.")


class TooBusy(AccountError):
    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"Too many players are signing in just now. Try again in {retry_after} s.")
