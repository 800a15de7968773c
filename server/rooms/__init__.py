"""Rooms, seats, matches, quick match and the AFK rules: pure, as `server/presence/` is.

`rooms.py` takes facts and returns what happened; start reading there.
"""
