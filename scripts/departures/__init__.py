"""How long until others see that a player has gone, for each way of going.

command.py  the command line
ways.py     the ways, and what is promised of each    (pure)
run.py      players who go, each in one of the ways
tab.py      a tab in a process of its own, which can crash or freeze
relay.py    a cable that can go dead
watcher.py  watches the lobby, and notes when it was told what
server.py   a server of its own
"""
