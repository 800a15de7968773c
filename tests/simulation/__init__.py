"""A day of 200 players in seconds: the whole server on a clock, a loop and a disk that are ours.

`day.py` is the day, `browsers.py` the players in it, `virtual.py` the world they live in.
`python -m tests.simulation` runs any number of days; each is told by its seed, and the same seed
is the same day.
"""
