"""Rooms, seats, matches, quick match and the AFK rules. Pure: no I/O, and time is an argument.

Start reading at `rooms.py`, which takes facts and returns events. The rest of the server calls
`service.py`.
"""
