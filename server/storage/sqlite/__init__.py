"""The SQLite engine: the only place with SQL, and with imports of `sqlite3`."""
