"""Errors of the storage.

StorageRefused: the database, its keys or the file of a backup cannot be used; `str()` is a
sentence for the operator. EngineError: an engine failed; `str()` says why, in the engine's words.

A caller whose request needs the storage gets `StorageUnavailable`, from `accounts/ports.py`.
"""

from typing import Self


class StorageRefused(Exception):
    """The database, the keys beside it or the file of a backup cannot be used."""

    @classmethod
    def of(cls, database: object, why: object) -> Self:
        """Return the error for a database of this name. `why` completes the sentence, after a
        colon."""
        return cls(f"the database {database} cannot be used: {why}")


class EngineError(Exception):
    """The engine failed. `why`: in its own words; `advice`: what an operator can do about it if the
    server does not start."""

    def __init__(self, why: str, advice: str | None = None) -> None:
        super().__init__(why)
        self.advice = advice or why
