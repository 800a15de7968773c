"""What `scripts/bench.py` measures: the figures to reach, each beside its baseline.

figure.py     a figure, how much of it to measure, and the table
machine.py    the processors, the memory and the versions that the figures were taken with
children.py   the servers under test and the probes, as processes that end with the run
baselines.py  what ours is held against: a bare ASGI echo, and the plain way to sign out
players.py    load: guests, their sockets, and what these are asked to do
core.py       touch, and memory a session      (rows 1, 2; in a process of their own each)
sockets.py    pings a second, and memory a connection                            (3, 4)
expiry.py     lateness, and the storm; `bystander.py` looks on                   (5, 6)
disk.py       the journal                                                        (7)
hashing.py    64 passwords at once; `bystander.py` looks on                      (8)
"""
