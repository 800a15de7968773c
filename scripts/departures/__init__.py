"""How long until others see that a player has left, for each way of leaving.

command.py  the command line
ways.py     the ways, and the bound of each           (pure)
run.py      players who leave, each in one of the ways
tab.py      a tab in a process of its own, which can crash or freeze
relay.py    a cable that can go dead
watcher.py  watches the lobby, and records what it sees
server.py   a server in a process of its own
"""
