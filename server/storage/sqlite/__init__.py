"""The SQLite engine: the only place where there is SQL, and where `sqlite3` is imported."""
