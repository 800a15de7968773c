"""Storage: what the server keeps, behind ports. The engine that keeps it is in `sqlite/`."""
