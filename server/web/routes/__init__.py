"""The HTTP calls, by subject."""
