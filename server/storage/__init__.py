"""SQLite through aiosqlite: one writer, a write-behind journal, readers of their own."""
