"""Rooms, seats, matches, quick match and the AFK rules. Pure: no I/O, and time is an argument.

Start reading at `rooms.py`, which takes facts and returns events; `service.py` is what the rest of
the server calls.
"""
