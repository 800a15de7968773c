"""Storage behind ports; the engine is in `sqlite/`."""
