"""What can go wrong with the storage.

StorageRefused: the database cannot be used as it is; `str()` is a sentence for the operator.
EngineError: an engine did not do what it was asked; `str()` says why, in the engine's words.

A caller whose request needs the storage gets `StorageUnavailable`, from `accounts/ports.py`.
"""


class StorageRefused(Exception):
    """The database cannot be used as it is; raised before or while it is opened."""


class EngineError(Exception):
    """The engine failed. `why`: in its own words; `advice`: the same for an operator whose server
    does not start, with what to do about it."""

    def __init__(self, why: str, advice: str | None = None) -> None:
        super().__init__(why)
        self.advice = advice or why
