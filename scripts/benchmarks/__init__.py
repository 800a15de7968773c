"""What `scripts/bench.py` measures: the figures to reach, each beside its baseline.

figure.py      a figure, the scale of its measurement, and the table
machine.py     the processors, the memory and the versions that the figures were taken with
children.py    the servers under test and the probes, as processes that end with the run
baselines.py   the baselines: a bare ASGI echo, and the obvious way to sign out
targets.py     the figures to reach
players.py     load: guests, their sockets, and what these send
websocket.py   a WebSocket that costs the client little
bystander.py   a player who pings all the while, in a process of its own
idle.py        sockets that say nothing, in a process of their own
core.py        touch, and memory a session, each in a process of its own
pings.py       pings a second
connecting.py  connects, connections at rest and after use, and sign-ins
crowd.py       a large lobby: joins, leaves, and all away or signed out at once
expiry.py      the lateness of warnings and sign-outs; `watching.py` sees it
disk.py        the journal
hashing.py     64 passwords at once
rooms.py       rooms with running matches, for `scripts/simulate_rooms.py`
"""
