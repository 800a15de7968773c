"""The core: who is here, and until when. Pure: no I/O, no clock, no logging, no chance.

It takes facts (a sign-in, a touch, a lost connection, the time) and returns what happened, as
events. Nothing in it awaits, so every change is atomic on an event loop without a lock.
"""
