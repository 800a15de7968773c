"""The core: who is here, and until when. Pure: no I/O, no logging, no randomness, and instants are
arguments; only `service.py` has a clock.

The registry takes facts (a sign-in, a touch, a lost connection, the time) and returns events. The
service is how the rest of the server reports facts: it also publishes the events. Nothing awaits,
so every change is atomic on an event loop without a lock.
"""
