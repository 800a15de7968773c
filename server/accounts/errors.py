"""The errors of accounts.

AccountError
 +-- NameRefused          no player can have this name
 +-- NameTaken            a player has this name, or one that looks like it
 +-- PasswordRefused      no player can have this password
 +-- BadCredentials       no player has this name and password
 +-- WrongPassword        the current password, which a change needs, is another one
 +-- NoPassword           a guest has no password to change
 +-- TooManyAttempts      a limit on attempts is reached; see `retry_after`
 |    +-- TooManyInARow   the one of a name over all addresses
 +-- TooBusy              too many passwords wait to be hashed
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from server.base.ids import PlayerId

NameRule: TypeAlias = Literal[
    "name_empty",
    "name_too_long",
    "name_character",
    "name_emoji",
    "name_marks",
    "name_invisible",
]
PasswordRule: TypeAlias = Literal[
    "password_too_short",
    "password_too_long",
    "password_is_name",
    "password_is_server",
    "password_common",
]


class AccountError(Exception):
    """Base of the errors of this module; `str()` is a sentence for the person who signs in."""


class NameRefused(AccountError):
    """`rule` and `facts` say the same as the sentence, for clients in other languages."""

    def __init__(self, why: str, rule: NameRule, **facts: int | str) -> None:
        self.rule = rule
        self.facts: Mapping[str, int | str] = facts
        super().__init__(why)


class NameTaken(AccountError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"“{name}” is taken, or looks too much like a name that is.")


class PasswordRefused(AccountError):
    """`rule` and `facts` are as in NameRefused."""

    def __init__(self, why: str, rule: PasswordRule, **facts: int | str) -> None:
        self.rule = rule
        self.facts: Mapping[str, int | str] = facts
        super().__init__(why)


class BadCredentials(AccountError):
    """`player`: the one with that name, for the log only."""

    def __init__(self, player: PlayerId | None = None) -> None:
        self.player = player
        # One sentence for both cases, so that it does not tell which names exist.
        super().__init__("There is no player with this name and password.")


class WrongPassword(AccountError):
    """`player`: the one signed in, for the log."""

    def __init__(self, player: PlayerId) -> None:
        self.player = player
        super().__init__("This is not the current password.")


class NoPassword(AccountError):
    def __init__(self) -> None:
        super().__init__("A guest has no password. Register to have one.")


class TooManyAttempts(AccountError):
    why = "Too many attempts from here."

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"{self.why} Try again in {retry_after} s.")


class TooManyInARow(TooManyAttempts):
    why = "Too many wrong passwords for this name: sign in where you have signed in before."


class TooBusy(AccountError):
    def __init__(
        self, retry_after: int, why: str = "Too many players are signing in just now."
    ) -> None:
        self.retry_after = retry_after
        super().__init__(f"{why} Try again in {retry_after} s.")
