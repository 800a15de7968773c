"""A day of 200 players in seconds: the whole server on a virtual clock, loop and disk.

`day.py` is the day, `browsers.py` its players, `virtual.py` the loop and the disk.
`python -m tests.simulation` runs any number of days. Each day has a seed, and the same seed gives
the same day.
"""
