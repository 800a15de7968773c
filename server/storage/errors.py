"""What can be wrong with the storage when the server starts.

StorageRefused: the file cannot be used; `str()` says why and is meant for the operator.
"""


class StorageRefused(Exception):
    """The database cannot be used as it is."""
