"""SQLite: the one engine that keeps what the storage is given."""
