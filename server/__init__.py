"""Still Here: a game server that knows who is really there."""

__version__ = "0.1.0"
