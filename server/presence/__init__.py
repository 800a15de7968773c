"""The core: which players are here, and until when. Pure: no I/O, no logging, no randomness, and
instants are arguments; only `service.py` has a clock.

The registry takes facts (a sign-in, a touch, a lost connection, the time) and returns events. The
rest of the server calls the service, which publishes these events. Nothing awaits, so every change
is atomic on an event loop without a lock.
"""
