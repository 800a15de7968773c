"""The topics that a connection can watch."""
